"""How far examples are apart."""

from __future__ import annotations

import numpy as np


def mean_distance(examples: np.ndarray) -> float:
    """The mean Euclidean distance of two different ones of some examples.

    Args:
        examples: Of shape (examples, ...), two at least.
    """
    flat = examples.reshape(len(examples), -1).astype(np.float64)
    flat = flat - flat.mean(axis=0)  # the same distances, and fewer digits lost
    squares = (flat**2).sum(axis=1)
    apart = np.maximum(squares[:, None] + squares - 2 * flat @ flat.T, 0.0)
    np.fill_diagonal(apart, 0.0)
    return float(np.sqrt(apart).sum() / (len(flat) * (len(flat) - 1)))
