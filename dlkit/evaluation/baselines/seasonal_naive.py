"""This season will be like the last one."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from dlkit.errors import DlkitError
from dlkit.evaluation.given import Given
from dlkit.recipe.registry import Range, register


@register(kind="baseline", task="forecasting")
def seasonal_naive(given: Given, /, period: Annotated[int, Range(min=1)]) -> np.ndarray:
    """The value of as many steps before, or of twice as many, where that is not known yet.

    Hyndman and Athanasopoulos, "Forecasting: Principles and Practice", section 5.2.

    Args:
        period: Steps of a season: 12 for months, 7 for days of a week. The model's history must hold one.

    Raises:
        DlkitError: The history is shorter than a season.
    """
    past = given.last_steps("seasonal_naive")
    history = past.shape[1]
    if history < period:
        raise DlkitError(
            f"`evaluation.metrics: seasonal_naive` with `period: {period}` looks further back than the {history} steps "
            "that the model is given.",
            f"give a `history` of at least {period}",
            "no-baseline",
        )
    ahead = given.steps_ahead()
    back = period * np.ceil(ahead / period).astype(int) - ahead  # steps before the last known one
    return past[:, history - 1 - back].reshape(given.shape)
