"""Rows of CSV files to predict for."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from dlkit.data.inputs.rows import Rows
from dlkit.errors import DlkitError
from dlkit.recipe.diagnostics import did_you_mean, listing
from dlkit.recipe.facts import Feature

SUFFIXES = (".csv",)
_MOST_PROBLEMS = 10  # of one file that are told


def read(file: Path, features: Mapping[str, Feature]) -> Rows:
    """The lines of a file, as rows `rows.csv:3`."""
    columns = _columns(file, features)
    try:
        with file.open(newline="", encoding="utf-8-sig") as text:
            reader = csv.reader(text, strict=True)
            header = [column.strip() for column in next(reader, [])]
            _check_header(file, header, list(columns))
            records = [(reader.line_num, record) for record in reader if record]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DlkitError(f"{file}: this is no CSV file in UTF-8: {error}") from None
    if not records:
        raise DlkitError(f"{file}: there are no rows below the header")
    types = [columns[column] for column in header]
    problems = [
        problem for line, record in records for problem in _row_problems(f"{file}:{line}", header, record, types)
    ]
    if problems:
        more = [f"{file}: {len(problems) - _MOST_PROBLEMS} more"] if len(problems) > _MOST_PROBLEMS else []
        raise DlkitError("\n".join([*problems[:_MOST_PROBLEMS], *more]))
    by_column = dict(zip(header, zip(*(record for _, record in records), strict=True), strict=True))
    arrays = {name: _feature_of(by_column, name, feature) for name, feature in features.items()}
    return [f"{file}:{line}" for line, _ in records], arrays


def _columns(file: Path, features: Mapping[str, Feature]) -> dict[str, np.dtype]:
    """The columns that the features are made of, with their types."""
    columns: dict[str, np.dtype] = {}
    for name, feature in features.items():
        dtype = np.dtype(feature.dtype)
        if dtype.kind not in "biuf" or not (feature.columns or feature.shape == ()):
            raise DlkitError(f"{file}: the model takes `{name}` ({feature.kind}), which CSV rows cannot hold")
        columns |= dict.fromkeys(feature.columns or (name,), dtype)
    return columns


def _check_header(file: Path, header: list[str], wanted: list[str]) -> None:
    problems = []
    missing = [column for column in wanted if column not in header]
    if missing:
        problems.append(f"the header lacks {listing(missing)}")
    for column in dict.fromkeys(header):
        if column not in wanted:
            cure = did_you_mean(column, missing)
            problems.append(f"the model takes no column `{column}`{'; ' if cure else ''}{cure}")
        elif header.count(column) > 1:
            problems.append(f"column `{column}` stands there {header.count(column)} times")
    if problems:
        raise DlkitError("\n".join(f"{file}:1: {problem}" for problem in problems))


def _row_problems(place: str, header: list[str], record: list[str], types: list[np.dtype]) -> Iterator[str]:
    if len(record) != len(header):
        yield f"{place}: {len(record)} values, where the header names {len(header)} columns"
        return
    for column, text, dtype in zip(header, record, types, strict=True):
        if not _is_number(text, dtype):
            wanted = "finite number" if dtype.kind == "f" else f"integer of type {dtype}"
            yield f"{place}: column `{column}`: `{text[:40]}` is no {wanted}"


def _is_number(text: str, dtype: np.dtype) -> bool:
    try:
        if dtype.kind == "f":
            return math.isfinite(value := float(text)) and abs(value) <= float(np.finfo(dtype).max)
        limits = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
        return limits[0] <= int(text) <= limits[1]
    except ValueError:
        return False


def _feature_of(by_column: Mapping[str, tuple[str, ...]], name: str, feature: Feature) -> np.ndarray:
    parse = float if np.dtype(feature.dtype).kind == "f" else int
    values = [
        np.array([parse(text) for text in by_column[column]], feature.dtype) for column in feature.columns or (name,)
    ]
    return np.stack(values, axis=1) if feature.columns else values[0]
