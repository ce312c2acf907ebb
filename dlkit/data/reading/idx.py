"""A strict reader of idx files, the format of MNIST and its kin, plain or compressed with gzip.

Format: two zero bytes, the type (8: unsigned byte), the number of axes, the length of each axis as a big-endian 32-bit
integer, then the values. Source: http://yann.lecun.com/exdb/mnist/
"""

from __future__ import annotations

import gzip
import math
import zlib
from io import BufferedIOBase
from pathlib import Path
from typing import TYPE_CHECKING

from dlkit.errors import DlkitError

if TYPE_CHECKING:
    import numpy as np

_CHUNK = 2**20
_CURE = "get the file anew: it is damaged, or no idx file of this kind"


def read_idx(path: Path, item_shape: tuple[int, ...]) -> np.ndarray:
    """The examples of an idx file of unsigned bytes.

    Reads as much as the file holds, never as much as its header claims.

    Args:
        path: The file; whether it is compressed is told by its content.
        item_shape: The shape of one example, as (28, 28) for images and () for labels.

    Returns:
        uint8, of shape (examples, *item_shape).

    Raises:
        DlkitError: The file cannot be read, is damaged, is cut short or too long, or holds something else.
    """
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            if not packed:
                return _read(raw, path, item_shape)
            with gzip.open(raw) as unpacked:
                return _read(unpacked, path, item_shape)
    except EOFError:
        raise DlkitError(f"{path} is cut short: its compressed data ends too early", _CURE) from None
    except (OSError, zlib.error) as error:
        raise DlkitError(f"{path} cannot be read: {error}", _CURE) from None


def _read(file: BufferedIOBase, path: Path, item_shape: tuple[int, ...]) -> np.ndarray:
    import numpy as np

    shape = _read_header(file, path, item_shape)
    size = math.prod(shape)
    values = bytearray()
    while len(values) <= size and (chunk := file.read(_CHUNK)):
        values += chunk
    if len(values) != size:
        found = f"more than {size:,}" if len(values) > size else f"{len(values):,}"
        raise DlkitError(
            f"{path}: its header claims {shape[0]:,} examples, {size:,} bytes, but it holds {found} bytes", _CURE
        )
    return np.frombuffer(values, np.uint8).reshape(shape)


def _read_header(file: BufferedIOBase, path: Path, item_shape: tuple[int, ...]) -> tuple[int, ...]:
    axes = 1 + len(item_shape)
    expected = bytes([0, 0, 8, axes])
    magic = file.read(4)
    if magic != expected:
        raise DlkitError(
            f"{path} begins with 0x{magic.hex()}, where 0x{expected.hex()} is the mark of an idx file of {axes} axes",
            _CURE,
        )
    lengths = file.read(4 * axes)
    if len(lengths) < 4 * axes:
        raise DlkitError(f"{path} is cut short: it ends in its header", _CURE)
    shape = tuple(int.from_bytes(lengths[start : start + 4], "big") for start in range(0, 4 * axes, 4))
    if shape[0] == 0 or shape[1:] != item_shape:
        raise DlkitError(
            f"{path} claims the shape {shape}, where (examples, {', '.join(map(str, item_shape))}) is expected", _CURE
        )
    return shape
