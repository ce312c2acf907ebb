"""Tables as Parquet files, a row an example."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dlkit.data.arrays import Splits
from dlkit.data.reading.blobs import readable
from dlkit.data.reading.cells import MISSING, Cells, text_cells, typed_cells
from dlkit.data.reading.problems import Problems
from dlkit.data.reading.table import Choice, Table, as_list, given_files
from dlkit.data.reading.tables import make_splits
from dlkit.errors import DlkitError
from dlkit.recipe.registry import register

if TYPE_CHECKING:
    import pyarrow as pa


@register(kind="source")
def parquet(
    path: Path,
    target: str | list[str],
    test: Path | None = None,
    validation: Path | None = None,
    columns: dict[str, Literal["numeric", "categorical", "text", "date"]] | None = None,
    ignore: list[str] | None = None,
    missing: list[str] | None = None,
) -> Splits:
    """A table as a Parquet file: one target column or several, the others to predict from.

    Columns are what their type says: numbers are `numeric`, dates and times a `date`; strings and booleans are
    `categorical` where there are at most 1,000 different ones and at most half as many as values, else `text`. A time
    with a zone counts as the time of day there. What is handed over is as of `csv`.

    Args:
        path: The training file; validation and test rows are held out of it where they have no file of their own.
        target: The column to predict, or several.
        test: A file of test rows, with the same columns.
        validation: A file of validation rows, with the same columns.
        columns: Other kinds than those of the types, as `{zip_code: categorical}`.
        ignore: Columns to leave out, as numbers of customers.
        missing: The strings that stand for a missing value, beside null and NaN; as of `csv` where left out.

    Raises:
        DlkitError: A file is missing or damaged, its columns are not those that are named or hold no single values, a
            target is missing or has one class only, or a value is not what its column holds; the rows are named.
    """
    words = MISSING if missing is None else tuple(missing)
    tables, problems = {}, Problems()
    for split, file in given_files("parquet", path, validation, test).items():
        with problems.noted():
            tables[split] = _read(file, ignore or [], words)
    problems.raise_any()
    return make_splits(tables, Choice("parquet", as_list(target), columns or {}, ignore or [], words))


def _read(path: Path, ignored: list[str], missing: tuple[str, ...]) -> Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    problems = Problems()
    with readable(str(path)), path.open("rb"):
        pass  # Arrow's words for a refusal are those for a damaged file
    try:
        with pq.ParquetFile(path) as file:
            read = file.read()
    except (pa.ArrowException, OSError) as error:
        reason = str(error).split("\n")[0]
        raise DlkitError(
            f"{path} is no Parquet file, or a damaged one: {reason}", "write it anew", "damaged-data"
        ) from None
    names = read.column_names
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            problems.add(f"{path}: {names.count(name)} columns are called `{name}`", "give each column a name")
    if not read.num_rows:
        problems.add(f"{path}: there are no rows", "give a file with data")
    problems.raise_any()
    columns = {}
    for name, column in zip(names, read.columns, strict=True):
        broken = _rows_without_utf8(column)
        if broken:
            also = f" (and {len(broken) - 1:,} more)" if len(broken) > 1 else ""
            told = f"{path}:row {broken[0] + 1}: column `{name}`: this is no UTF-8{also}"
            problems.add(told, "write its texts in UTF-8")
            continue
        cells = _cells(column, missing)
        if cells is None and name not in ignored:
            problems.add(
                f"{path}: column `{name}` is of type {column.type}, and holds no numbers, dates or texts",
                f"leave it out: `data.source.parquet.ignore: [{name}]`",
            )
        else:
            columns[name] = cells or text_cells(pa.chunked_array([pa.nulls(len(column))]), missing)
    problems.raise_any()
    return Table(path, columns, lambda: range(1, read.num_rows + 1), "row ")


def _rows_without_utf8(column: pa.ChunkedArray) -> list[int]:
    """The rows of a column of strings that are no UTF-8, which Arrow does not look at when it reads."""
    import pyarrow as pa

    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        return [row for row, value in enumerate(column) if not _is_valid(value)]
    return []


def _is_valid(value: pa.Scalar) -> bool:
    try:
        value.as_py()
    except UnicodeDecodeError:
        return False
    return True


def _cells(column: pa.ChunkedArray, missing: tuple[str, ...]) -> Cells | None:
    """The cells of a column; None for one of a type that holds no single values."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind, is_a = column.type, pa.types
    if is_a.is_boolean(kind):
        return text_cells(pc.if_else(column, "True", "False"), missing, is_typed=True)
    if is_a.is_string(kind) or is_a.is_large_string(kind) or is_a.is_string_view(kind) or is_a.is_null(kind):
        return text_cells(column, missing, is_typed=True)
    if is_a.is_integer(kind) or is_a.is_floating(kind) or is_a.is_decimal(kind):
        return typed_cells(column.cast(pa.float64(), safe=False).fill_null(float("nan")).to_numpy())
    if is_a.is_date(kind) or is_a.is_timestamp(kind):
        if is_a.is_timestamp(kind) and kind.tz:
            column = pc.local_timestamp(column)
        return typed_cells(column.cast(pa.timestamp("s"), safe=False).to_numpy())
    return None
