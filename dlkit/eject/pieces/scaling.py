"""The scale of a target."""

from __future__ import annotations

import numpy as np


def scale_of_each(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of a target, or of each entry of one that is a vector."""
    values = y.astype("float64")
    axes = tuple(range(values.ndim - 1)) if values.ndim > 1 else None
    deviation = values.std(axis=axes)
    return values.mean(axis=axes), np.where(deviation > 0, deviation, 1.0)


def scale_of_all(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of all entries of a target."""
    values = y.astype("float64")
    deviation = values.std()
    return values.mean(), np.where(deviation > 0, deviation, 1.0)
