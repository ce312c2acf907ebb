"""Readers of one batch file of CIFAR, in both of its formats; each takes the whole content of a file.

- `-py`: a pickled mapping with `data`, unsigned bytes of shape (examples, 3072), and lists of labels.
- `-bin`: records of one byte a label and 3,072 of pixels.

The 3,072 pixels of an example are its red, green and blue planes of 32 x 32, row by row.
Source: https://www.cs.toronto.edu/~kriz/cifar.html
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dlkit.errors import DlkitError

if TYPE_CHECKING:
    import numpy as np

PIXELS = 3 * 32 * 32
_INTEGERS = {f"{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8)}
_CURE = "get the file anew: it is damaged, or no batch file of this kind"


@dataclass(frozen=True, eq=False)
class Batch:
    """The examples of a file.

    Args:
        pixels: uint8 of shape (examples, 3072).
        labels: int32 of shape (examples,), by labeling.
    """

    pixels: np.ndarray
    labels: dict[str, np.ndarray]


def read_binary(content: bytes, origin: str, classes: Mapping[str, int]) -> Batch:
    """The examples of a `-bin` file.

    Args:
        content: The bytes of the file.
        origin: What the file is called in messages.
        classes: The number of classes by labeling, in the order of the label bytes.

    Raises:
        DlkitError: The size is not that of records, or a label is out of range.
    """
    import numpy as np

    record = len(classes) + PIXELS
    if not content or len(content) % record:
        raise DlkitError(
            f"{origin} holds {len(content):,} bytes, which are no whole records of {record:,} bytes "
            f"({len(classes)} of labels and {PIXELS:,} of pixels)",
            _CURE,
        )
    rows = np.frombuffer(content, np.uint8).reshape(-1, record)
    labels = {
        name: check_labels(rows[:, column], origin, count) for column, (name, count) in enumerate(classes.items())
    }
    return Batch(rows[:, len(classes) :], labels)


def read_pickled(content: bytes, origin: str, classes: Mapping[str, int]) -> Batch:
    """The examples of a `-py` file; of the pickle nothing is run.

    Args:
        content: The bytes of the file.
        origin: What the file is called in messages.
        classes: The number of classes by labeling, named as in the file.

    Raises:
        DlkitError: The file is no pickle, is cut short, holds anything but arrays and plain containers, has other
            arrays than a batch, as many labels as it has not pictures, or a label out of range.
    """
    batch = _mapping(content, origin)
    for name in ("data", *classes):
        if name not in batch:
            raise DlkitError(f"{origin} has no `{name}`", _CURE)
    pixels = _array(batch["data"], f"{origin}: `data`")
    if pixels.dtype != "uint8" or pixels.ndim != 2 or pixels.shape[1] != PIXELS or not len(pixels):
        raise DlkitError(
            f"{origin}: `data` is {pixels.dtype} of shape {pixels.shape}, "
            f"where unsigned bytes of shape (examples, {PIXELS}) are expected",
            _CURE,
        )
    labels = {}
    for name, count in classes.items():
        labels[name] = check_labels(_array(batch[name], f"{origin}: `{name}`"), origin, count)
        if len(labels[name]) != len(pixels):
            raise DlkitError(f"{origin} holds {len(pixels):,} pictures and {len(labels[name]):,} {name}", _CURE)
    return Batch(pixels, labels)


def check_labels(labels: np.ndarray, origin: str, classes: int) -> np.ndarray:
    """Labels as int32 of shape (examples,).

    Raises:
        DlkitError: They are no integers, or some are out of range.
    """
    import numpy as np

    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise DlkitError(
            f"{origin}: its labels are {labels.dtype} of shape {labels.shape}, and no row of integers", _CURE
        )
    wrong = (labels < 0) | (labels >= classes)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DlkitError(
            f"{origin}: example {row:,} has the label {labels[row]}, which is none of 0 to {classes - 1}", _CURE
        )
    return labels.astype(np.int32)


def _mapping(content: bytes, origin: str) -> dict[Any, Any]:
    """The pickled mapping, its keys as text."""
    try:
        loaded = _Unpickler(io.BytesIO(content), encoding="bytes").load()
    except _Refused as refused:
        raise DlkitError(
            f"{origin} asks for `{refused}` to be run, where a batch file holds arrays, lists, numbers and text only; "
            "it was not run",
            "do not trust this file, and get it from where it is published",
        ) from None
    except Exception as error:  # a damaged pickle raises almost anything
        short = isinstance(error, EOFError) or "truncated" in str(error)
        what = "is cut short" if short else "is no pickle, or a damaged one"
        raise DlkitError(f"{origin} {what}: {error}", _CURE) from error
    if not isinstance(loaded, dict):
        raise DlkitError(f"{origin} holds a {type(loaded).__name__}, where a mapping is expected", _CURE)
    return {key.decode("latin-1") if isinstance(key, bytes) else key: value for key, value in loaded.items()}


def _array(value: Any, place: str) -> np.ndarray:
    import numpy as np

    try:
        if isinstance(value, _Array):
            return value.read()
        if isinstance(value, list) and all(type(item) is int for item in value):
            return np.array(value, np.int64)
    except (TypeError, ValueError, OverflowError) as error:
        raise DlkitError(f"{place} is a damaged array: {error}", _CURE) from None
    raise DlkitError(f"{place} is no array of integers", _CURE)


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


class _Array:
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
                return _Array
            case "numpy", "dtype":
                return _Dtype
            case "numpy._core.multiarray", "_reconstruct":
                return lambda *empty: _Array()
            case "numpy._core.numeric", "_frombuffer":  # of protocol 5
                return _from_buffer
        raise _Refused(f"{module}.{name}")


def _from_buffer(content: bytes, dtype: _Dtype, shape: tuple[int, ...], order: str) -> _Array:
    array = _Array()
    array.__setstate__((1, shape, dtype, order == "F", content))
    return array
