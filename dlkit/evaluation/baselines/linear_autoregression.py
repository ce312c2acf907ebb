"""The future is a weighted sum of the past."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from dlkit.data.arrays import take
from dlkit.errors import DlkitError
from dlkit.evaluation.given import Given
from dlkit.recipe.facts import Continues
from dlkit.recipe.registry import register

_BLOCK = 4096  # training windows that are looked at together


@register(kind="baseline", task="forecasting")
def linear_autoregression(given: Given, /) -> np.ndarray:
    """Each step to come as a constant and a weighted sum of the known steps, by least squares on the training windows.

    A regression of its own for every step ahead (a direct forecast: Marcellino, Stock and Watson, 2006, Journal of
    Econometrics 135), from the same history of the forecast variables as the model has.

    Raises:
        DlkitError: Values are missing.
    """
    past = given.last_steps("linear_autoregression")
    weights = given.memory.get("linear_autoregression")
    if weights is None:
        assert given.target.continues is not None  # or there were no last steps
        weights = given.memory["linear_autoregression"] = _fitted(given, given.target.continues)
    return (_with_constant(past) @ weights).reshape(given.shape)


def _fitted(given: Given, continues: Continues) -> np.ndarray:
    """The weights by least squares, float64 of shape (1 + known values, values to come).

    The triangle of a QR decomposition, with one block of windows after the other below it, has the solution of all.
    """
    triangle: Any = None
    known = 0
    for rows in _blocks(len(given.learned)):
        past = np.asarray(take(given.examples[continues.feature], rows), np.float64)[:, :, list(continues.columns)]
        told, known = _with_constant(past), 1 + past[0].size
        both = np.concatenate([told, np.asarray(take(given.learned, rows), np.float64).reshape(len(rows), -1)], axis=1)
        triangle = np.linalg.qr(both if triangle is None else np.concatenate([triangle, both]), mode="r")
    return np.linalg.lstsq(triangle[:, :known], triangle[:, known:], rcond=None)[0]


def _blocks(count: int) -> Iterator[np.ndarray]:
    for start in range(0, count, _BLOCK):
        yield np.arange(start, min(start + _BLOCK, count))


def _with_constant(past: np.ndarray) -> np.ndarray:
    """A row a window: 1 and its values."""
    if not np.isfinite(past).all():
        raise DlkitError(
            "`evaluation.metrics: linear_autoregression` cannot take values that are missing.",
            "fill them in, as with `fill: forward` of time_series",
            "no-baseline",
        )
    return np.concatenate([np.ones((len(past), 1)), past.reshape(len(past), -1)], axis=1)
