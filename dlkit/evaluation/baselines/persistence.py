"""Tomorrow will be like today."""

from __future__ import annotations

import numpy as np

from dlkit.evaluation.given import Given
from dlkit.recipe.registry import register


@register(kind="baseline", task="forecasting")
def persistence(given: Given, /) -> np.ndarray:
    """The last value that is known, for every step to come; where it is missing, the one before it."""
    past = given.last_steps("persistence")
    known = np.isfinite(past)
    steps = np.arange(past.shape[1])[:, None]
    last = np.where(known, steps, 0).max(axis=1, keepdims=True)
    value = np.take_along_axis(past, last, axis=1)
    return np.repeat(value, given.shape[1], axis=1).reshape(given.shape)
