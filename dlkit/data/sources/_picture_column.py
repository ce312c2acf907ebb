"""A column of pictures that are decoded when a batch asks for them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from dlkit.data.columns import Column
from dlkit.data.sources._blobs import Blob
from dlkit.data.sources._problems import Problems
from dlkit.errors import DlkitError

if TYPE_CHECKING:
    import numpy as np

T = TypeVar("T")
_SMALL = 2**12  # bytes of a picture from which on threads decode more of them a second than one thread does
_PIECES = 4  # of a batch that each core takes


class Pictures(Column):
    """Pictures in files, of one size and type.

    Args:
        blobs: The files.
        size: The height and width that the pictures have, or are resized to.
        channels: 1 (gray) or 3 (RGB).
        resized: Whether they are resized; otherwise one of another size is an error.
    """

    def __init__(self, blobs: Sequence[Blob], size: tuple[int, int], channels: int, *, resized: bool) -> None:
        import numpy as np

        self._blobs = blobs
        self._resized = resized
        self.shape = (len(blobs), *size, channels)
        self.dtype = np.dtype(np.uint8)

    def read(self, rows: np.ndarray) -> np.ndarray:
        import numpy as np

        blobs = [self._blobs[row] for row in rows.tolist()]
        images = np.empty((len(blobs), *self.shape[1:]), self.dtype)

        def fill(piece: slice) -> Problems:
            problems = Problems()
            for image, blob in zip(images[piece], blobs[piece], strict=True):
                with problems.noted():
                    image[...] = self._decode(blob)
            return problems

        raise_all(in_threads(fill, blobs))
        return images

    def _decode(self, blob: Blob) -> np.ndarray:
        from dlkit.data.pictures import decode

        _, height, width, channels = self.shape
        pixels = decode(blob.read(), blob.place, channels, (height, width) if self._resized else None)
        if pixels.shape != self.shape[1:]:
            raise DlkitError(
                f"{blob.place} has {pixels.shape[1]} x {pixels.shape[0]} pixels, where {width} x {height} are expected",
                "give the source a `size`; or, if the file was changed meanwhile, load the data anew",
            )
        return pixels

    def take(self, rows: np.ndarray) -> Pictures:
        blobs = [self._blobs[row] for row in rows.tolist()]
        return Pictures(blobs, (self.shape[1], self.shape[2]), self.shape[3], resized=self._resized)

    def digest(self) -> bytes:
        digest = hashlib.sha256(f"pictures {self.shape} {self._resized}".encode())
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

    pieces = list(in_threads(call, blobs))
    raise_all(problems for _, problems in pieces)
    return [one for made, _ in pieces for one in made]


def in_threads(function: Callable[[slice], T], blobs: Sequence[Blob]) -> Iterator[T]:
    """What a function makes of each piece of the files, in their order; one thread alone where the files are small."""
    cores = os.cpu_count() or 1
    small = sum(blob.size for blob in blobs) < _SMALL * len(blobs)
    length = max(1, len(blobs) if small else -(-len(blobs) // (cores * _PIECES)))
    pieces = [slice(start, start + length) for start in range(0, len(blobs), length)]
    return map(function, pieces) if len(pieces) <= 1 else _pool(os.getpid()).map(function, pieces)


@cache
def _pool(process: int) -> ThreadPoolExecutor:
    """The threads of a process: they are not there in one that was forked."""
    return ThreadPoolExecutor(os.cpu_count(), f"pictures-{process}")


def raise_all(problems: Iterable[Problems]) -> None:
    """Raises the problems of all pieces as one."""
    Problems([error for piece in problems for error in piece.found]).raise_any()
