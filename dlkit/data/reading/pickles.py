"""Reads pickles of arrays and plain containers; of a pickle nothing is run.

What the pickle says of an array is kept as it stands and looked at afterwards: NumPy is handed no state from a file.
"""

from __future__ import annotations

import io
import pickle
from typing import TYPE_CHECKING, Any

from dlkit.errors import DlkitError

if TYPE_CHECKING:
    import numpy as np

_INTEGERS = {f"{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8)}


def load_pickle(content: bytes, origin: str, cure: str) -> Any:
    """What was pickled, with `PickledArray` in place of arrays; texts of Python 2 are bytes.

    Args:
        content: The bytes of the file.
        origin: What the file is called in messages.
        cure: What to do about a damaged file.

    Raises:
        DlkitError: It is no pickle, is cut short, or asks for anything but arrays and plain containers.
    """
    try:
        return _Unpickler(io.BytesIO(content), encoding="bytes").load()
    except _Refused as refused:
        raise DlkitError(
            f"{origin} asks for `{refused}` to be run, where such a file holds arrays, lists, numbers and text only; "
            "it was not run",
            "do not trust this file, and get it from where it is published",
        ) from None
    except Exception as error:  # a damaged pickle raises almost anything
        short = isinstance(error, EOFError) or "truncated" in str(error)
        what = "is cut short" if short else "is no pickle, or a damaged one"
        raise DlkitError(f"{origin} {what}: {error}", cure) from error


class _Refused(Exception):
    """A pickle names something that is to be run."""


class _Dtype:
    """What a pickle says of the type of an array."""

    def __init__(self, code: str | bytes, *flags: object) -> None:
        self.code = code.decode("latin-1") if isinstance(code, bytes) else code
        self.order = "="

    def __setstate__(self, state: tuple) -> None:
        order = state[1]
        self.order = order.decode("latin-1") if isinstance(order, bytes) else order


class PickledArray:
    """What a pickle says of an array.

    NumPy is not handed the state itself: with a type of forged flags it would read memory that is not the array's.
    """

    def __setstate__(self, state: tuple) -> None:
        _, self.shape, self.dtype, self.fortran, self.content = state

    def read(self) -> np.ndarray:
        """The array, if it is one of integers, as a view of the content that was read."""
        import numpy as np

        if not isinstance(self.dtype, _Dtype) or self.dtype.code not in _INTEGERS:
            raise TypeError("its values are no integers")
        order = ">" if self.dtype.order == ">" else "<"  # of single bytes it is "|", and does not matter
        values = np.frombuffer(self.content, np.dtype(order + self.dtype.code))
        return values.reshape(self.shape, order="F" if self.fortran else "C")


class _Unpickler(pickle.Unpickler):
    """Makes plain containers and descriptions of arrays, and refuses to name anything else."""

    def find_class(self, module: str, name: str) -> Any:
        match module.replace("numpy.core", "numpy._core"), name:
            case "numpy", "ndarray":
                return PickledArray
            case "numpy", "dtype":
                return _Dtype
            case "numpy._core.multiarray", "_reconstruct":
                return lambda *empty: PickledArray()
            case "numpy._core.numeric", "_frombuffer":  # of protocol 5
                return _from_buffer
        raise _Refused(f"{module}.{name}")


def _from_buffer(content: bytes, dtype: _Dtype, shape: tuple[int, ...], order: str) -> PickledArray:
    array = PickledArray()
    array.__setstate__((1, shape, dtype, order == "F", content))
    return array
