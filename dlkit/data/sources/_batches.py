"""Readers of one batch file of CIFAR, in both of its formats; each takes the whole content of a file.

- `-py`: a pickled mapping with `data`, unsigned bytes of shape (examples, 3072), and lists of labels.
- `-bin`: records of one byte a label and 3,072 of pixels.

The 3,072 pixels of an example are its red, green and blue planes of 32 x 32, row by row.
Source: https://www.cs.toronto.edu/~kriz/cifar.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dlkit.data.reading.pickles import PickledArray, load_pickle
from dlkit.errors import DlkitError

if TYPE_CHECKING:
    import numpy as np

PIXELS = 3 * 32 * 32
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
    loaded = load_pickle(content, origin, _CURE)
    if not isinstance(loaded, dict):
        raise DlkitError(f"{origin} holds a {type(loaded).__name__}, where a mapping is expected", _CURE)
    return {key.decode("latin-1") if isinstance(key, bytes) else key: value for key, value in loaded.items()}


def _array(value: Any, place: str) -> np.ndarray:
    import numpy as np

    try:
        if isinstance(value, PickledArray):
            return value.read()
        if isinstance(value, list) and all(type(item) is int for item in value):
            return np.array(value, np.int64)
    except (TypeError, ValueError, OverflowError) as error:
        raise DlkitError(f"{place} is a damaged array: {error}", _CURE) from None
    raise DlkitError(f"{place} is no array of integers", _CURE)
