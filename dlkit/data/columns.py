"""Values that are read when a batch asks for them, where all of them at once would not fit or need not be made.

A column stands in `Arrays` wherever an array does. It knows its shape and type, and hands over the rows it is asked for:

    column.shape, column.dtype        # (50000, 224, 224, 3), uint8
    column.read(np.array([7, 3]))     # (2, 224, 224, 3)
    column.take(np.arange(100))       # the first hundred, still unread
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


class Column(ABC):
    """One feature or target of many examples, read when it is asked for.

    Attributes:
        shape: (examples, ...); all examples have the same shape.
        dtype: The type of the values.
    """

    shape: tuple[int, ...]
    dtype: np.dtype

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def nbytes(self) -> int:
        """Bytes of memory that it takes as it is."""
        return 0

    @abstractmethod
    def read(self, rows: np.ndarray) -> np.ndarray:
        """The values of these rows, of shape (rows, ...). Several threads may ask at once.

        Raises:
            DlkitError: A row cannot be read; the message names its place.
        """

    @abstractmethod
    def take(self, rows: np.ndarray) -> Column:
        """These rows, in their order, unread."""

    @abstractmethod
    def digest(self) -> bytes:
        """Changes when a value changes, and is quick: a checksum of what the values are read from, and how."""

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> np.ndarray:
        import numpy as np

        values = self.read(np.arange(len(self)))
        return values if dtype is None else values.astype(dtype, copy=False)


class Windows(Column):
    """Overlapping pieces of one long array, of which only the array is in memory.

    Args:
        series: The array; the pieces run along its first axis.
        starts: The index at which each piece begins.
        length: Steps of a piece.

    Raises:
        ValueError: A piece would reach beyond the array.
    """

    def __init__(self, series: np.ndarray, starts: np.ndarray, length: int) -> None:
        if length < 1 or (len(starts) and not 0 <= starts.min() <= starts.max() <= len(series) - length):
            raise ValueError(f"Windows must lie within their series. Received: {length=}, a series of {len(series)}")
        self.series = series
        self.starts = starts
        self.length = length
        self.shape = (len(starts), length, *series.shape[1:])
        self.dtype = series.dtype

    @property
    def nbytes(self) -> int:
        return int(self.series.nbytes + self.starts.nbytes)

    def read(self, rows: np.ndarray) -> np.ndarray:
        import numpy as np

        return self.series[self.starts[rows][:, None] + np.arange(self.length)]

    def take(self, rows: np.ndarray) -> Windows:
        return Windows(self.series, self.starts[rows], self.length)

    def digest(self) -> bytes:
        import hashlib

        import numpy as np

        digest = hashlib.sha256(f"{self.length} {self.dtype.str} {self.series.shape}".encode())
        digest.update(np.ascontiguousarray(self.series).reshape(-1).view(np.uint8).data)
        digest.update(np.ascontiguousarray(self.starts, dtype=np.int64).view(np.uint8).data)
        return digest.digest()


class Joined(Column):
    """Values one after the other, as those of all splits.

    Args:
        parts: Arrays or columns, at least one, whose examples have the same shape and type.
        rows: The rows that are taken, counted through all parts; None takes them all.

    Raises:
        ValueError: The parts differ.
    """

    def __init__(self, parts: Sequence[Column | np.ndarray], rows: np.ndarray | None = None) -> None:
        import numpy as np

        if len({(part.shape[1:], part.dtype) for part in parts}) != 1:
            told = [(part.shape, part.dtype) for part in parts]
            raise ValueError(f"Parts of a column must be alike. Received: {told}")
        self.parts = tuple(parts)
        self.dtype = parts[0].dtype
        self._ends = np.cumsum([len(part) for part in parts])
        self._rows = np.arange(self._ends[-1]) if rows is None else rows
        self.shape = (len(self._rows), *parts[0].shape[1:])

    @property
    def nbytes(self) -> int:
        return sum(part.nbytes for part in self.parts)

    def read(self, rows: np.ndarray) -> np.ndarray:
        import numpy as np

        wanted = self._rows[rows]
        places = np.searchsorted(self._ends, wanted, side="right")
        values = np.empty((len(rows), *self.shape[1:]), self.dtype)
        for number, part in enumerate(self.parts):
            chosen = places == number
            own = wanted[chosen] - (self._ends[number] - len(part))
            values[chosen] = part.read(own) if isinstance(part, Column) else part[own]
        return values

    def take(self, rows: np.ndarray) -> Joined:
        return Joined(self.parts, self._rows[rows])

    def digest(self) -> bytes:
        import hashlib

        import numpy as np

        digest = hashlib.sha256(np.ascontiguousarray(self._rows, dtype=np.int64).view(np.uint8).data)
        for part in self.parts:
            digest.update(part.digest() if isinstance(part, Column) else hashlib.sha256(part.tobytes()).digest())
        return digest.digest()
