"""How does the model run by itself? Name the paper."""

from __future__ import annotations

from typing import Annotated, Any

import keras
import numpy as np

from dlkit.data.arrays import Arrays, take
from dlkit.recipe.facts import Target
from dlkit.recipe.registry import Range, register


@register(kind="rollout", task="forecasting")
def some_name(
    model: keras.Model,
    split: Arrays,
    name: str,
    target: Target,
    /,
    *,
    steps: Annotated[int, Range(min=1)] = 84,
) -> dict[str, Any]:
    """What does it measure of the forecasts, in one line?

    Args:
        model: Takes the last steps of the series, and gives those that follow.
        split: The examples: each begins a step after the one before it.
        name: The target.
        target: What is known of it.
        steps: How many examples it looks at.

    Returns:
        The errors `by_step`, from the first to the last.
    """
    rows = np.arange(min(steps, len(split)))
    given = {feature: np.asarray(take(values, rows)) for feature, values in split.features.items()}
    made = np.asarray(model.predict_on_batch(given)).reshape(len(rows), -1)
    truth = np.asarray(take(split.targets[name], rows)).reshape(len(rows), -1)
    return {"by_step": np.abs(made - truth).mean(axis=1).tolist()}
