"""What layers of capsules share."""

from __future__ import annotations

from typing import Any

# Added to squared lengths, as the slope of a square root at zero is infinite; 16-bit floats lose a smaller one nowhere.
_EPSILON = 1e-7


def length(vectors: Any) -> Any:
    """The lengths of the vectors along the last axis."""
    from keras import ops

    return ops.sqrt(ops.sum(ops.square(vectors), axis=-1) + _EPSILON)


def squashed(vectors: Any) -> Any:
    """Vectors of length n shortened to n^2 / (1 + n^2)."""
    from keras import ops

    size = ops.expand_dims(length(vectors), -1)
    return vectors * (size / (1.0 + ops.square(size)))
