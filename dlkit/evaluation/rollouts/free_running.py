"""A model that goes on with a series from its own forecasts."""

from __future__ import annotations

from typing import Annotated, Any

import keras
import numpy as np

from dlkit.data.arrays import Arrays, take
from dlkit.errors import DlkitError
from dlkit.evaluation.tasks.task import few
from dlkit.recipe.facts import Continues, Target
from dlkit.recipe.registry import Range, register

_DRAWN = 4  # starts that the report shows


@register(kind="rollout", task="forecasting")
def free_running(
    model: keras.Model,
    split: Arrays,
    name: str,
    target: Target,
    /,
    *,
    steps: Annotated[int, Range(min=1)] = 84,
    starts: Annotated[int, Range(min=1)] = 100,
) -> dict[str, Any]:
    """The error so many steps ahead, where every forecast is taken for the truth and the next one made from it.

    `nrmse84` is, over all starts, the root of the mean squared error of the 84th step, divided by the standard deviation of
    the series: Jaeger and Haas (2004), "Harnessing nonlinearity", Science 304, supporting material. Free running from
    examples of the split as they are, the model is never told a value again.

    Args:
        model: Takes the last steps of the series, in its own units, and gives those that follow.
        split: The examples: each begins a step after the one before it.
        name: The target.
        target: What is known of it.
        steps: How far it runs.
        starts: From how many examples, evenly spread.

    Returns:
        The normalized errors `by_step`, from the first to the last, and some of the `paths`.

    Raises:
        DlkitError: The model needs more than its own forecasts, the examples do not follow each other or are too few
            (`no-free-running`), or the forecasts grow beyond all numbers (`not-a-number`).
    """
    continues = _series_of(split, target)
    last = len(split) - steps
    if last < 0:
        raise _cannot(f"{steps} steps need as many examples, and there are {len(split)}", "take fewer `steps`")
    rows = np.unique(np.linspace(0, last, starts).round().astype(int))
    past, ahead = split.features[continues.feature], split.targets[name]
    window = np.asarray(take(past, rows))
    shape = (len(rows), -1, len(continues.columns))
    truth = np.stack([np.asarray(take(ahead, rows + step))[:, 0] for step in range(steps)], axis=1).reshape(shape)
    known = min(steps - 1, window.shape[1])
    later = np.asarray(take(past, rows + steps - 1))[:, window.shape[1] - known :, list(continues.columns)]
    if not np.array_equal(later, truth[:, steps - 1 - known : steps - 1]):
        raise _cannot("the examples do not follow each other, a step apart", "keep a series in its order, without gaps")
    made = _run(model, name, window, continues.columns, steps)
    variance = np.asarray(take(ahead, np.arange(len(split))), np.float64)[:, 0].reshape(-1, shape[-1]).var(axis=0)
    errors = np.square(made - truth).mean(axis=0) / np.where(variance, variance, 1)
    return {
        "by_step": np.sqrt(errors.mean(axis=-1)).tolist(),
        "paths": [
            {"row": int(rows[n]), "truth": truth[n, :, 0].tolist(), "predicted": made[n, :, 0].tolist()}
            for n in few(np.arange(len(rows)), _DRAWN)
        ],
    }


def _series_of(split: Arrays, target: Target) -> Continues:
    """The series that the target goes on with, and that alone is what the model is given."""
    continues = target.continues
    if continues is None or continues.feature not in split.features:
        raise _cannot("the target is no forecast of what the model is given", "use it with a source of series")
    if (
        continues.offset
        or len(split.features) > 1
        or len(continues.columns) < split.features[continues.feature].shape[-1]
    ):
        cure = "forecast all variables that the model is given, from the next step on"
        raise _cannot("the model is given more than what it forecasts", cure)
    return continues


def _run(model: keras.Model, name: str, window: np.ndarray, columns: tuple[int, ...], steps: int) -> np.ndarray:
    """The forecasts, float64 of shape (starts, steps, variables)."""
    made: list[np.ndarray] = []
    while sum(part.shape[1] for part in made) < steps:
        told = model.predict_on_batch(window)
        told = np.asarray(told[name] if isinstance(told, dict) else told).reshape(len(window), -1, len(columns))
        if not np.isfinite(told).all():
            raise DlkitError(
                "Running free, the model gives values that are not numbers.",
                "Take fewer `steps`, or a model that is stable: for a solved readout, a larger `ridge`.",
                "not-a-number",
            )
        made.append(told)
        fed = np.empty_like(told, window.dtype)
        fed[:, :, list(columns)] = told
        window = np.concatenate([window, fed], axis=1)[:, -window.shape[1] :]
    return np.concatenate(made, axis=1)[:, :steps].astype(np.float64)


def _cannot(why: str, cure: str) -> DlkitError:
    return DlkitError(f"`evaluation.metrics: free_running`: {why}.", f"{cure[0].upper()}{cure[1:]}.", "no-free-running")
