"""Rows of CSV files to predict for, and series to go on with."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from dlkit.data.inputs.rows import Rows
from dlkit.data.reading.cells import with_point
from dlkit.data.reading.dates import PARTS, part, read_dates
from dlkit.errors import DlkitError
from dlkit.recipe.diagnostics import did_you_mean, listing
from dlkit.recipe.facts import Feature

SUFFIXES = (".csv",)
_SEPARATORS = (",", ";", "\t", "|")
_MOST_PROBLEMS = 10  # of one file that are told


def read(file: Path, features: Mapping[str, Feature]) -> Rows:
    """The lines of a file, as rows `rows.csv:3`; or a series as one row, named after the last line that it takes."""
    _check_kinds(file, features)
    table = _read_table(file, features)
    problems = _Problems(file)
    arrays = {name: _feature_of(table, name, feature, problems) for name, feature in features.items()}
    problems.raise_any()
    if _is_series(features):
        return _last_window(table, features, arrays)
    return [f"{file}:{line}" for line in table.lines], arrays


@dataclass(frozen=True, eq=False)
class _Table:
    """The cells of a file by column, without blanks around them, and the line of each row."""

    file: Path
    columns: dict[str, list[str]]
    lines: list[int]


@dataclass(frozen=True)
class _Problems:
    """What is wrong with the cells of a file; told in the order of their lines."""

    file: Path
    found: dict[str, int] = field(default_factory=dict)  # with the line

    def add(self, line: int, column: str, what: str) -> None:
        """Notes a problem, once."""
        self.found[f"{self.file}:{line}: column `{column}`: {what}"] = line

    def raise_any(self) -> None:
        """Ends the work if there are problems."""
        _raise_told(self.file, sorted(self.found, key=self.found.__getitem__))


def _raise_told(file: Path, problems: Sequence[str]) -> None:
    if problems:
        more = [f"{file}: {len(problems) - _MOST_PROBLEMS} more"] if len(problems) > _MOST_PROBLEMS else []
        raise DlkitError("\n".join([*problems[:_MOST_PROBLEMS], *more]))


def _is_series(features: Mapping[str, Feature]) -> bool:
    return any(feature.kind == "sequence" for feature in features.values())


def _check_kinds(file: Path, features: Mapping[str, Feature]) -> None:
    """Tells a feature that no columns make, or that does not go together with a series."""
    for name, feature in features.items():
        of_columns = bool(feature.columns) or feature.shape == ()
        if not of_columns or not (feature.dtype == "string" or np.dtype(feature.dtype).kind in "biuf"):
            raise DlkitError(f"{file}: the model takes `{name}` ({feature.kind}), which CSV rows cannot hold")
        if _is_series(features) and feature.kind != "sequence":
            raise DlkitError(
                f"{file}: the model takes a series and `{name}` ({feature.kind}), which one file cannot hold",
                "call run.predict from Python",
            )


def _read_table(file: Path, features: Mapping[str, Feature]) -> _Table:
    wanted = [column for name, feature in features.items() for column in feature.columns or (name,)]
    try:
        with file.open(newline="", encoding="utf-8-sig") as text:
            separator = _separator(text.readline(), wanted)
            text.seek(0)
            reader = csv.reader(text, strict=True, delimiter=separator)
            header = [column.strip() for column in next(reader, [])]
            _check_header(file, header, wanted)
            records, line = [], reader.line_num + 1
            for record in reader:
                if record:
                    records.append((line, record))
                line = reader.line_num + 1
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DlkitError(f"{file}: this is no CSV file in UTF-8: {error}") from None
    if not records:
        raise DlkitError(f"{file}: there are no rows below the header")
    ragged = [
        f"{file}:{line}: {len(record)} values, where the header names {len(header)} columns"
        for line, record in records
        if len(record) != len(header)
    ]
    _raise_told(file, ragged)
    cells = ([cell.strip() for cell in column] for column in zip(*(record for _, record in records), strict=True))
    return _Table(file, dict(zip(header, cells, strict=True)), [line for line, _ in records])


def _separator(header: str, wanted: Iterable[str]) -> str:
    """The separator by which the header names most of the columns that the model takes."""

    def named(separator: str) -> int:
        try:
            names = {name.strip() for name in next(csv.reader([header], delimiter=separator), [])}
        except csv.Error:
            return 0
        return sum(_origin(column, names) in names for column in wanted)

    return max(_SEPARATORS, key=named)


def _origin(column: str, header: Iterable[str]) -> str:
    """The column of a file that a column of the model is made from: itself, or the date that it is a part of."""
    if column not in header:
        date, _, part_of_date = column.rpartition(".")
        if date and part_of_date in PARTS:
            return date
    return column


def _check_header(file: Path, header: list[str], wanted: Sequence[str]) -> None:
    """Tells columns that are lacking or ambiguous; others, as targets and numbers of customers, are passed over."""
    origins = dict.fromkeys(_origin(column, header) for column in wanted)
    problems = [
        f"column `{name}` stands there {header.count(name)} times" for name in origins if header.count(name) > 1
    ]
    missing = [name for name in origins if name not in header]
    if missing:
        problems.append(f"the header lacks {listing(missing)}")
    for column in dict.fromkeys(header):
        cure = did_you_mean(column, missing) if column not in origins else ""
        if cure:
            problems.append(f"the model takes no column `{column}`; {cure}")
    if problems:
        raise DlkitError("\n".join(f"{file}:1: {problem}" for problem in problems))


def _feature_of(table: _Table, name: str, feature: Feature, problems: _Problems) -> np.ndarray:
    """A feature of every row, of shape (rows, columns), or (rows,) where it is one value."""
    values = [_column(table, column, feature, problems) for column in feature.columns or (name,)]
    return np.stack(values, axis=1) if feature.columns else values[0]


def _column(table: _Table, column: str, feature: Feature, problems: _Problems) -> np.ndarray:
    origin = _origin(column, table.columns)
    texts, missing = table.columns[origin], feature.missing or ()
    if origin != column:
        return _part(table, origin, column.rpartition(".")[2], missing, problems)
    if feature.dtype == "string":
        return np.array(["" if text in missing else text for text in texts], object)
    dtype = np.dtype(feature.dtype)
    parse: Callable[[str], float] = float if dtype.kind == "f" else int
    may_be_missing = missing and dtype.kind == "f"
    wanted = "finite number" if dtype.kind == "f" else f"integer of type {dtype}"
    values = []
    for line, text in zip(table.lines, texts, strict=True):
        if may_be_missing and text in missing:
            values.append(math.nan)
        elif _is_number(written := with_point(text, feature.decimal), dtype):
            values.append(parse(written))
        else:
            values.append(0)
            problems.add(line, column, f"`{text[:40]}` is no {wanted}")
    return np.array(values, dtype)


def _is_number(text: str, dtype: np.dtype) -> bool:
    try:
        if dtype.kind == "f":
            return math.isfinite(value := float(text)) and abs(value) <= float(np.finfo(dtype).max)
        limits = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
        return limits[0] <= int(text) <= limits[1]
    except ValueError:
        return False


def _part(table: _Table, column: str, name: str, missing: Sequence[str], problems: _Problems) -> np.ndarray:
    """A part of the dates of a column."""
    dates, _ = read_dates(table.columns[column])
    for row in np.flatnonzero(np.isnat(dates)):
        text = table.columns[column][row]
        if text not in missing:
            problems.add(table.lines[row], column, f"`{text[:40]}` is no date")
    return part(dates, name)


# Series


def _last_window(table: _Table, features: Mapping[str, Feature], arrays: Mapping[str, np.ndarray]) -> Rows:
    """The one example that ends with the last step whose values are known.

    A feature of dates alone is of the steps to forecast: the last rows of the file, which hold a date and no values.
    """
    file = table.file
    _check_order(table, features)
    variables = {
        name: [column in table.columns for column in feature.columns or ()] for name, feature in features.items()
    }
    known = [~np.isnan(arrays[name][:, own]).all(axis=1) for name, own in variables.items() if any(own)]
    rows_known = np.flatnonzero(np.any(known, axis=0)) if known else np.array([], np.int64)
    end = int(rows_known[-1]) + 1 if len(rows_known) else 0
    windows = {}
    for name, feature in features.items():
        length, ahead = (feature.shape or (0,))[0] or 0, not any(variables[name])
        rows = slice(len(table.lines) - length, None) if ahead else slice(end - length, end)
        if rows.start < (end if ahead else 0):
            raise _too_short(file, name, length, end, len(table.lines) - end, ahead)
        window = arrays[name][rows]
        missing = [
            f"{file}:{table.lines[rows.start + row]}: column `{(feature.columns or ())[column]}`: the value is missing"
            for row, column in np.argwhere(np.isnan(window))
        ]
        _raise_told(file, missing)
        windows[name] = window[None]
    return [f"{file}:{table.lines[end - 1]}"], windows


def _too_short(file: Path, name: str, length: int, steps: int, behind: int, ahead: bool) -> DlkitError:
    if ahead:
        return DlkitError(
            f"{file}: `{name}` takes the dates of {length} steps to forecast, and at the end stand {behind} rows without values",
            "add rows below, with the date only",
        )
    return DlkitError(f"{file}: `{name}` takes {length} steps, and there are {steps}", "give more of the series")


def _check_order(table: _Table, features: Mapping[str, Feature]) -> None:
    """Tells dates that do not come after the one before; dates that the model does not take are not looked at."""
    columns = [column for feature in features.values() for column in feature.columns or ()]
    for date in dict.fromkeys(_origin(column, table.columns) for column in columns if column not in table.columns):
        local, ahead = read_dates(table.columns[date])
        moments = local - ahead.astype("timedelta64[s]")
        early = np.flatnonzero(moments[1:] <= moments[:-1]) + 1
        _raise_told(
            table.file,
            [
                f"{table.file}:{table.lines[row]}: column `{date}`: `{table.columns[date][row]}` does not come after the one before"
                for row in early
            ],
        )
