"""Cuts generated series into examples, by the rules that all of them share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlkit.data.arrays import Arrays, Splits
from dlkit.data.columns import Windows
from dlkit.errors import DlkitError

if TYPE_CHECKING:
    import numpy as np


def forecasts(series: np.ndarray, history: int, horizon: int) -> Splits:
    """Examples that tell the values to come from those before, in the order of time.

    A row later is a step later. Between two splits so many examples are left out that they have no input in common and
    no target: with `history` 1 and `horizon` 1 none, so that the series goes on from split to split.

    Args:
        series: float32, of shape (steps,).
        history: Steps of the feature `past`, of shape (history, 1).
        horizon: Steps of the target `future`, of shape (horizon,).

    Raises:
        DlkitError: The series is too short.
    """
    starts = _starts(len(series), history, horizon)
    past = Windows(series[:, None], starts, history)
    future = Windows(series, starts + history, horizon)
    return Splits(Arrays({"past": past}, {"future": future}), ordered=True, gap=max(history, horizon) - 1)


def responses(driven: np.ndarray, outputs: np.ndarray, history: int) -> Splits:
    """Examples that tell the output of a system from its last inputs, in the order of time; else as `forecasts`.

    Args:
        driven: The inputs, float32, of shape (steps,).
        outputs: The outputs that follow on each of them, float32, of shape (steps,).
        history: Steps of the feature `input`, of shape (history, 1); the target is `output`.

    Raises:
        DlkitError: The series is too short.
    """
    starts = _starts(len(driven), history, 0)
    last = Windows(driven[:, None], starts, history)
    return Splits(Arrays({"input": last}, {"output": outputs[starts + history - 1]}), ordered=True, gap=history - 1)


def _starts(steps: int, history: int, horizon: int) -> np.ndarray:
    import numpy as np

    if history + horizon > steps:
        needed = f"`history: {history}`" + (f" and `horizon: {horizon}`" if horizon else "")
        raise DlkitError(
            f"{needed} take {history + horizon:,} steps, but the series has {steps:,}",
            "give a larger `length`, or a smaller `history`",
            code="wrong-value",
        )
    return np.arange(steps - history - horizon + 1)
