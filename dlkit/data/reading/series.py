"""Reads a series from a CSV file: its variables as numbers, its dates, what is wrong with them by line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dlkit.data.reading.cells import MISSING, Cells, text_cells
from dlkit.data.reading.csv_file import read_csv
from dlkit.data.reading.problems import Problems
from dlkit.data.reading.table import Table
from dlkit.errors import DlkitError
from dlkit.recipe.diagnostics import did_you_mean, listing

if TYPE_CHECKING:
    import numpy as np

_KEY = "data.source.time_series"


@dataclass(frozen=True, eq=False)
class Series:
    """The steps of a series, in order of time.

    Args:
        path: The file.
        inputs: The variables to forecast from and the parts of the dates behind them, float32 of shape (steps, columns).
        outputs: The variables to forecast, float32 of shape (steps, variables), or (steps,) if there is one.
        calendar: The parts of the dates alone, float32 of shape (steps, parts).
        columns: The names of the columns of `inputs`.
        targets: The names of the variables to forecast.
        parts: The names of the columns of `calendar`.
    """

    path: Path
    inputs: np.ndarray
    outputs: np.ndarray
    calendar: np.ndarray
    columns: tuple[str, ...]
    targets: tuple[str, ...]
    parts: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.inputs)


def read_series(
    path: Path,
    *,
    separator: str,
    decimal: str,
    columns: Sequence[str] | None,
    targets: Sequence[str] | None,
    date: str | None,
    calendar: Sequence[str],
    fill: str | None,
) -> Series:
    """Reads a series; the arguments are those of the source `time_series`.

    Raises:
        DlkitError: The file is damaged, lacks a column, or holds values that are no numbers, missing or out of order.
    """
    import numpy as np

    found = read_csv(path, separator)
    cells = {name: text_cells(column, MISSING, decimal=decimal) for name, column in found.columns.items()}
    table = Table(path, cells, found.lines)
    _check_names(table, {"columns": columns or (), "target": targets or (), "date": (date,) if date else ()})
    when = date or next((name for name, own in cells.items() if own.look() == "date"), None)
    if calendar and when is None:
        raise DlkitError(
            f"`{_KEY}.calendar`: no column of {path} holds dates as 1981-01-31", f"name it as `{_KEY}.date`"
        )
    variables = [name for name in cells if name != when] if columns is None else list(dict.fromkeys(columns))
    forecast = variables if targets is None else list(dict.fromkeys(targets))
    if not variables or not forecast:
        raise DlkitError(f"{path}: no column is left as a variable", f"it has {listing(cells)}")
    problems = Problems()
    if when is not None:
        _check_order(table, when, problems)
    values = {name: _values(table, name, fill, problems) for name in dict.fromkeys([*variables, *forecast])}
    problems.raise_any()
    dates = _parts(cells[when], calendar) if when is not None and calendar else []
    return Series(
        path,
        inputs=np.stack([*(values[name] for name in variables), *dates], axis=1),
        outputs=values[forecast[0]] if len(forecast) == 1 else np.stack([values[name] for name in forecast], axis=1),
        calendar=np.stack(dates, axis=1) if dates else np.empty((len(values[forecast[0]]), 0), np.float32),
        columns=(*variables, *(f"{when}.{part}" for part in calendar)),
        targets=tuple(forecast),
        parts=tuple(f"{when}.{part}" for part in calendar),
    )


def _check_names(table: Table, named: dict[str, Sequence[str]]) -> None:
    problems = Problems()
    for argument, names in named.items():
        for name in names:
            if name not in table.columns:
                cure = did_you_mean(name, table.columns, f"it has {listing(table.columns, 30)}")
                problems.add(f"`{_KEY}.{argument}`: {table.path} has no column `{name}`", cure)
    problems.raise_any()


def _check_order(table: Table, name: str, problems: Problems) -> None:
    """Tells dates that are missing, are no dates, or do not come after the one before."""
    import numpy as np

    from dlkit.data.reading.dates import read_dates

    cells = table.columns[name]
    local, ahead = read_dates(cells.texts.tolist())
    table.tell(name, np.isnat(local), "is no date", "write it as 1981-01-31 or 1981-01-31 16:30", problems)
    table.tell_rows(cells.missing_rows, f"the date `{name}` is missing", "fill it in, or leave out the row", problems)
    moments = cells.spread(local - ahead.astype("timedelta64[s]"), np.datetime64("NaT"))
    # A comparison with NaT is false.
    early = np.flatnonzero(moments[1:] <= moments[:-1]) + 1
    if len(early):
        text, before = (str(cells.texts[cells.codes[row]]) for row in (early[0], early[0] - 1))
        what = "stands there twice" if text == before else f"does not come after `{before}`"
        cure = "sort the rows by date, and keep one row a date"
        table.tell_rows(early, f"column `{name}`: `{text}` {what}", cure, problems)


def _values(table: Table, name: str, fill: str | None, problems: Problems) -> np.ndarray:
    """A variable as float32 of shape (steps,)."""
    import numpy as np

    cells = table.columns[name]
    with np.errstate(over="ignore"):
        numbers = cells.numbers.astype(np.float32)
    cure = f"mend it, or name the variables: `{_KEY}.columns`"
    if cells.decimal_comma is not None:
        cure = f'if these are numbers, write `{_KEY}.decimal: ","`; else name the variables: `{_KEY}.columns`'
    table.tell(name, np.isnan(cells.numbers), "is no number", cure, problems)
    table.tell(name, np.isinf(numbers), "is no finite float32", "mend it", problems)
    values = cells.spread(numbers, np.nan)
    if fill is not None:
        values = _filled(values, fill)
    cure = f"fill it in, or write `{_KEY}.fill: forward`" if fill is None else "fill it in, or leave out the row"
    table.tell_rows(
        np.flatnonzero(np.isnan(values) & (cells.codes < 0)), f"the value of `{name}` is missing", cure, problems
    )
    return values


def _filled(values: np.ndarray, fill: str) -> np.ndarray:
    """The values, with what stands in for those that are missing; NaN stays where there is nothing to take."""
    import numpy as np

    known = ~np.isnan(values)
    steps = np.arange(len(values))
    if not known.any():
        return values
    if fill == "forward":
        last = np.maximum.accumulate(np.where(known, steps, -1))
        return np.where(last < 0, np.float32(np.nan), values[last])
    return np.interp(steps, steps[known], values[known]).astype(np.float32)


def _parts(cells: Cells, parts: Sequence[str]) -> list[np.ndarray]:
    """Parts of the date of every step, each float32 of shape (steps,)."""
    import numpy as np

    from dlkit.data.reading.dates import part

    return [cells.spread(part(cells.dates, name), np.nan) for name in parts]
