"""Columns of files that are decoded when a batch asks for them, by several threads, bad ones named all at once."""

from __future__ import annotations

import copy
import hashlib
import os
from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from dlkit.data.columns import Column
from dlkit.data.reading.blobs import Blob
from dlkit.data.reading.problems import Problems
from dlkit.errors import DlkitError

if TYPE_CHECKING:
    import numpy as np

T = TypeVar("T")
_SMALL = 2**12  # bytes of a file from which on threads decode more of them a second than one thread does
_PIECES = 4  # of a batch that each core takes
_TOLD = 5  # values, where they differ


class Decoded(Column):
    """A value a file.

    Args:
        blobs: The files.
        shape: Of the value of one file.
        dtype: Of the values.
        how: How files become values, besides shape and type: part of the digest.
    """

    def __init__(self, blobs: Sequence[Blob], shape: tuple[int, ...], dtype: str, how: str) -> None:
        import numpy as np

        self._blobs = blobs
        self._how = how
        self.shape = (len(blobs), *shape)
        self.dtype = np.dtype(dtype)

    @abstractmethod
    def decode(self, blob: Blob) -> np.ndarray:
        """The value of a file.

        Raises:
            DlkitError: It is damaged; the message names its place.
        """

    def read(self, rows: np.ndarray) -> np.ndarray:
        import numpy as np

        blobs = [self._blobs[row] for row in rows.tolist()]
        values = np.empty((len(blobs), *self.shape[1:]), self.dtype)

        def fill(piece: slice) -> Problems:
            problems = Problems()
            for value, blob in zip(values[piece], blobs[piece], strict=True):
                with problems.noted():
                    value[...] = self.decode(blob)
            return problems

        _raise_all(_in_threads(fill, blobs))
        return values

    def take(self, rows: np.ndarray) -> Decoded:
        taken = copy.copy(self)
        taken._blobs = [self._blobs[row] for row in rows.tolist()]
        taken.shape = (len(rows), *self.shape[1:])
        return taken

    def digest(self) -> bytes:
        digest = hashlib.sha256(f"{self._how} {self.shape}".encode())
        for part in checked(Blob.checksum, self._blobs):
            digest.update(part)
        return digest.digest()


def checked(function: Callable[[Blob], T], blobs: Sequence[Blob]) -> list[T]:
    """What a function makes of each file, in their order, by several threads.

    Raises:
        DlkitError: It fails for some; all of them are named.
    """

    def call(piece: slice) -> tuple[list[T], Problems]:
        made, problems = [], Problems()
        for blob in blobs[piece]:
            with problems.noted():
                made.append(function(blob))
        return made, problems

    pieces = list(_in_threads(call, blobs))
    _raise_all(problems for _, problems in pieces)
    return [one for made, _ in pieces for one in made]


def _in_threads(function: Callable[[slice], T], blobs: Sequence[Blob]) -> Iterator[T]:
    """What a function makes of each piece of the files, in their order; one thread alone where the files are small."""
    cores = os.cpu_count() or 1
    small = sum(blob.size for blob in blobs) < _SMALL * len(blobs)
    length = max(1, len(blobs) if small else -(-len(blobs) // (cores * _PIECES)))
    pieces = [slice(start, start + length) for start in range(0, len(blobs), length)]
    return map(function, pieces) if len(pieces) <= 1 else _pool(os.getpid()).map(function, pieces)


@cache
def _pool(process: int) -> ThreadPoolExecutor:
    """The threads of a process: they are not there in one that was forked."""
    return ThreadPoolExecutor(os.cpu_count(), f"decode-{process}")


def _raise_all(problems: Iterable[Problems]) -> None:
    """Raises the problems of all pieces as one."""
    Problems([error for piece in problems for error in piece.found]).raise_any()


def common(
    values: Sequence[T], blobs: Sequence[Blob], of: str, cure: Callable[[T], str], told: Callable[[T], str] = str
) -> T:
    """The value that all files have.

    Args:
        values: That of each file.
        blobs: The files.
        of: What differs where they differ, as `The pictures of pets have different sizes`.
        cure: What to do then, from the most frequent value.
        told: A value in words.

    Raises:
        DlkitError: They differ; some values are told, with a file of each.
    """
    counts = Counter(values)
    if len(counts) > 1:
        some = [f"{told(value)} as {blobs[values.index(value)].place}" for value, _ in counts.most_common(_TOLD)]
        more = [f"and {len(counts) - _TOLD:,} more"] if len(counts) > _TOLD else []
        raise DlkitError("\n  ".join([f"{of}:", *some, *more]), cure(counts.most_common(1)[0][0]), code="damaged-data")
    return values[0]
