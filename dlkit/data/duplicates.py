"""Finds examples that occur more than once, within a split and in several of them.

An example is known by a checksum of all its features: the same picture, the same row. Its targets do not count.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator

import numpy as np

from dlkit.data.arrays import Arrays, Splits, Values
from dlkit.data.columns import Column, Windows

_CHUNK = 2**26  # bytes of a column that are read at a time


def row_keys(values: Values) -> np.ndarray:
    """A key for each row: equal where the rows are, whatever the array that holds them.

    Keys are the 64-bit BLAKE2b of a row's bytes: of ten million distinct rows, two share a key with a probability of
    3e-6. Negative zeros are zeros. A column is read in chunks.

    Args:
        values: Of shape (examples, ...); numbers, or objects that are str.

    Returns:
        uint64 of shape (examples,).
    """
    keys = np.empty(len(values), np.uint64)
    first = 0
    for chunk in _chunks(values):
        keys[first : first + len(chunk)] = _keys(chunk)
        first += len(chunk)
    return keys


def example_keys(arrays: Arrays) -> np.ndarray:
    """A key for each example, of all its features in the order of their names; uint64 of shape (examples,)."""
    keys = [row_keys(values) for _, values in sorted(arrays.features.items())]
    return keys[0] if len(keys) == 1 else row_keys(np.stack(keys, axis=1))


def count_leaks(splits: Splits) -> dict[tuple[str, str], int]:
    """How many examples of a split also stand in one before it, by the two: `("train", "test")` counts test examples.

    Splits that do not share any example are left out. Examples that follow each other in time are not looked at: their
    windows overlap by design, and are held apart by a gap.
    """
    return {} if splits.ordered else shared({name: example_keys(arrays) for name, arrays in splits.named().items()})


def shared(keys: dict[str, np.ndarray]) -> dict[tuple[str, str], int]:
    """The same as `count_leaks`, from the keys of each split."""
    counts = {
        (first, second): int(np.isin(keys[second], keys[first]).sum())
        for first, second in itertools.combinations(keys, 2)
    }
    return {pair: count for pair, count in counts.items() if count}


def count_duplicates(keys: np.ndarray) -> int:
    """How many rows are a repetition of one before them."""
    return len(keys) - len(np.unique(keys))


def is_cheap(splits: Splits) -> bool:
    """Whether the examples can be compared without decoding them from files."""
    return not any(
        isinstance(values, Column) and not isinstance(values, Windows) for values in splits.train.features.values()
    )


def _chunks(values: Values) -> Iterator[np.ndarray]:
    if not isinstance(values, Column):
        if len(values):
            yield values
        return
    row = max(1, int(np.prod(values.shape[1:])) * values.dtype.itemsize)
    step = max(1, _CHUNK // row)
    for start in range(0, len(values), step):
        yield values.read(np.arange(start, min(start + step, len(values))))


def _keys(rows: np.ndarray) -> np.ndarray:
    return np.frombuffer(b"".join(_digests(rows)), np.uint64)


def _digests(rows: np.ndarray) -> Iterator[bytes]:
    if rows.dtype.hasobject:
        for row in rows.tolist():
            yield hashlib.blake2b(json.dumps(row).encode(), digest_size=8).digest()
        return
    if rows.dtype.kind == "f":
        rows = rows + rows.dtype.type(0)  # makes zeros of negative zeros
    for row in np.ascontiguousarray(rows).reshape(len(rows), -1).view(np.uint8):
        yield hashlib.blake2b(row.data, digest_size=8).digest()
