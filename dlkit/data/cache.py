"""Keeps decoded examples in memory or on disk, so that an epoch need not decode them again."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np

from dlkit.data.arrays import Arrays, Splits, Values
from dlkit.data.columns import Column
from dlkit.data.memory import available_memory
from dlkit.data.reading.problems import Problems
from dlkit.errors import DlkitError
from dlkit.runs.atomic import replacing

Mode = Literal["auto", "memory", "disk"] | bool
_SHARE = 4  # `auto` takes one of so many parts of the available memory
_CHUNK = 2**26  # bytes that are decoded before they are written


class Stored(Column):
    """Values in a `.npy` file, of which the system keeps in memory what it has room for.

    Args:
        values: The whole file, mapped into memory.
        column: What was stored, or the rows of it that count: its digest is theirs, wherever they are read from.
        rows: The rows of the file that count, in their order; None for all of them.
    """

    def __init__(self, values: np.memmap, column: Column, rows: np.ndarray | None = None) -> None:
        self._values = values
        self._column = column
        self._rows = np.arange(len(values)) if rows is None else rows
        self.shape = (len(self._rows), *values.shape[1:])
        self.dtype = values.dtype

    def read(self, rows: np.ndarray) -> np.ndarray:
        return np.asarray(self._values[self._rows[rows]])

    def take(self, rows: np.ndarray) -> Stored:
        return Stored(self._values, self._column.take(rows), self._rows[rows])

    def digest(self) -> bytes:
        return self._column.digest()


def cached(splits: Splits, mode: Mode, budget: int | None = None) -> Splits:
    """The same examples, their columns kept where a recipe's `data.cache` says.

    - `auto`: a column is read whole into an array where that fits into a quarter of the available memory, together with
      the ones before it; columns that sit in memory already, as windows of a series, stay what they are.
    - `memory`, `True`: every column is read whole.
    - `disk`: every column that does not sit in memory is decoded once into a file in `DLKIT_CACHE_DIR` or
      `~/.cache/dlkit`, named by what it was read from, and read from there by this run and later ones. To be asked for
      before the examples are split: then runs with other seeds, folds and limits share the file.
    - `False`: columns are read batch by batch, in every epoch anew.

    Args:
        splits: The examples.
        mode: One of these.
        budget: Bytes that `auto` may take, in place of a quarter of the available memory.

    Raises:
        DlkitError: Examples cannot be decoded, all of which are named; memory or the disk has no room for them.
    """
    if mode is False:
        return splits
    keepers: dict[Mode, Callable[[Column], Values]] = {
        "auto": _Budget(budget).keep,
        "memory": _in_memory,
        True: _in_memory,
        "disk": _on_disk,
    }
    problems = Problems()
    parts = {name: _kept(arrays, keepers[mode], problems) for name, arrays in splits.named().items()}
    problems.raise_any()
    return splits.replace(parts)


def _kept(arrays: Arrays, keep: Callable[[Column], Values], problems: Problems) -> Arrays:
    groups: list[dict[str, Values]] = []
    for group in (arrays.features, arrays.targets):
        groups.append(dict(group))
        for name, values in group.items():
            if isinstance(values, Column):
                with problems.noted():
                    groups[-1][name] = keep(values)
    return Arrays(*groups)


class _Budget:
    """Bytes of memory that are left for columns."""

    def __init__(self, left: int | None) -> None:
        self.left = available_memory() // _SHARE if left is None else left

    def keep(self, column: Column) -> Values:
        size = _bytes_of(column)
        if column.nbytes or size > self.left:
            return column
        self.left -= size
        return _whole(column)


def _bytes_of(column: Column) -> int:
    return int(np.prod(column.shape, dtype=np.int64)) * column.dtype.itemsize


def _whole(column: Column) -> np.ndarray:
    return column.read(np.arange(len(column)))


def _in_memory(column: Column) -> np.ndarray:
    size, available = _bytes_of(column), available_memory()
    if size > available:
        raise DlkitError(
            f"The decoded examples take {size / 2**30:,.1f} GiB of memory, where {available / 2**30:,.1f} are available",
            "set `data.cache: disk` or `false`",
            code="no-memory",
        )
    return _whole(column)


def _on_disk(column: Column) -> Values:
    if column.nbytes:
        return column
    path = cache_folder() / f"{column.digest().hex()}.npy"
    values = _stored(path, column)
    if values is None:
        _write(column, path)
        values = _stored(path, column)
        assert values is not None
    return Stored(values, column)


def cache_folder() -> Path:
    """Where decoded examples are kept on disk."""
    return Path(os.environ.get("DLKIT_CACHE_DIR") or "~/.cache/dlkit").expanduser()


def _stored(path: Path, column: Column) -> np.memmap | None:
    """The values of a column in a file, if it is there and whole."""
    try:
        values = np.lib.format.open_memmap(path, mode="r")
    except (OSError, ValueError, EOFError):
        return None
    return values if (values.shape, values.dtype) == (column.shape, column.dtype) else None


def _write(column: Column, path: Path) -> None:
    """Decodes a column into a file, which appears whole or not at all."""
    rows = max(1, _CHUNK * len(column) // max(1, _bytes_of(column)))
    header = {"descr": np.lib.format.dtype_to_descr(column.dtype), "fortran_order": False, "shape": column.shape}
    problems = Problems()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Written, not mapped: where the disk is full, the system kills the process that writes to a mapped file.
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.lib.format.write_array_header_2_0(file, header)
            for start in range(0, len(column), rows):
                with problems.noted():
                    file.write(column.read(np.arange(start, min(start + rows, len(column)))).tobytes())
            problems.raise_any()
    except OSError as error:
        raise _cannot_keep(path, error.strerror or str(error)) from None
    except DlkitError as error:
        if error.code != "cannot-write":
            raise
        cause = error.__cause__
        raise _cannot_keep(path, (isinstance(cause, OSError) and cause.strerror) or str(cause)) from None


def _cannot_keep(path: Path, reason: str) -> DlkitError:
    return DlkitError(
        f"The decoded examples cannot be kept in {path.parent}: {reason}",
        "free some space there, set DLKIT_CACHE_DIR to a folder on another disk, or set `data.cache: false`",
        code="cannot-write",
    )
