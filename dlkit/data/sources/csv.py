"""Tables as CSV files, a row an example."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from dlkit.data.arrays import Splits
from dlkit.data.reading.cells import MISSING, text_cells
from dlkit.data.reading.csv_file import read_csv
from dlkit.data.reading.problems import Problems
from dlkit.data.reading.table import Choice, Table, as_list, given_files
from dlkit.data.reading.tables import make_splits
from dlkit.recipe.registry import register


@register(kind="source")
def csv(
    path: Path,
    target: str | list[str],
    test: Path | None = None,
    validation: Path | None = None,
    columns: dict[str, Literal["numeric", "categorical", "text", "date"]] | None = None,
    ignore: list[str] | None = None,
    missing: list[str] | None = None,
    separator: str = ",",
    header: list[str] | None = None,
    decimal: Literal[".", ","] = ".",
) -> Splits:
    """A table as a CSV file in UTF-8: one target column or several, the others to predict from.

    A column is `numeric` or a `date` (`1981-01-31 16:30`, `1981-01`) where more than nine in ten values are such; the
    others are then mistakes. Else it is `categorical` where it has at most 1,000 different values and at most half as many
    as values; else `text`. The training file decides.

    - `numbers`, a vector of the numeric columns and the parts of dates (`sold.year`, `sold.month`, `sold.weekday`; see
      `dlkit.data.reading.dates`), NaN where a value is missing;
    - `categories`, a vector of the categorical columns as texts, "" where a value is missing;
    - each column of text, under its name.

    A numeric target is a number, a categorical one is of classes: their labels are the values of all files, sorted.

    Args:
        path: The training file; validation and test rows are held out of it where they have no file of their own.
        target: The column to predict, or several.
        test: A file of test rows, with the same columns.
        validation: A file of validation rows, with the same columns.
        columns: The kinds of columns that are not to be guessed, as `{zip_code: categorical}`.
        ignore: Columns to leave out, as numbers of customers.
        missing: The words that stand for a missing value; where left out, an empty cell, `?`, `NA`, `N/A`, `n/a`, `NaN`,
            `nan`, `NULL`, `null`, `None` and `<NA>`. Blanks around a cell never count.
        separator: What stands between two cells.
        header: The names of the columns, where the files have no line that names them.
        decimal: What stands before the decimals of a number; where it is a comma, no number has a point.

    Raises:
        DlkitError: A file is missing or damaged, its columns are not those that are named, a target is missing or has one
            class only, or a value is not what its column holds; the lines are named.
    """
    words = MISSING if missing is None else tuple(missing)
    tables, problems = {}, Problems()
    for split, file in given_files("csv", path, validation, test).items():
        with problems.noted():
            found = read_csv(file, separator, header)
            cells = {name: text_cells(column, words, decimal=decimal) for name, column in found.columns.items()}
            tables[split] = Table(file, cells, found.lines)
    problems.raise_any()
    return make_splits(tables, Choice("csv", as_list(target), columns or {}, ignore or [], words, decimal))
