"""Where in a plane a classifier says what: for examples of two numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from dlkit.evaluation.probabilities import class_probabilities
from dlkit.evaluation.subject import Subject
from dlkit.recipe.registry import register
from dlkit.recipe.task_metrics import task_of

_STEPS = 81  # along each axis
_MOST_POINTS = 500
_DIGITS = 5
_MARGIN = 0.25  # of the range, beyond the outermost examples


@register(kind="view")
def decision_map(subject: Subject, /) -> dict[str, Any]:
    """What a classifier of two numbers says over the plane that they span."""
    recipe, split = subject.recipe, subject.split
    ((feature, values), *more), targets = split.features.items(), recipe.facts.targets
    (target,) = targets if len(targets) == 1 else ("",)
    if more or not target or task_of(targets[target]) != "classification" or values.shape[1:] != (2,):
        return {}
    if values.dtype.kind not in "fiu":
        return {}
    known = recipe.facts.features[feature].columns or ("first", "second")
    points, classes = (np.asarray(each) for each in (values, split.targets[target]))
    logits = recipe.supervisions[target].logits
    return {"decision_map": over_plane(subject.model, points, classes, logits, known)}


def over_plane(
    model: keras.Model, points: np.ndarray, classes: np.ndarray, logits: bool, axes: Sequence[str]
) -> dict[str, Any]:
    """What a model says over the plane, with examples in it, as plain values for JSON.

    Args:
        model: Takes two numbers an example.
        points: Examples, of shape (examples, 2).
        classes: Their classes, of shape (examples,).
        logits: Whether the model gives logits.
        axes: What the two numbers are called.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    margin = _MARGIN * np.where(high > low, high - low, 1.0)
    sides = np.linspace(low - margin, high + margin, _STEPS).astype(np.float32)
    plane = np.stack(np.meshgrid(sides[:, 0], sides[:, 1]), axis=-1).reshape(-1, 2)
    shares = class_probabilities(np.asarray(model.predict(plane, batch_size=1024, verbose=0)), logits)
    shown = slice(None, _MOST_POINTS)
    return {
        "axes": list(axes),
        "sides": sides.T.tolist(),
        "classes": shares.argmax(axis=-1).reshape(_STEPS, _STEPS).tolist(),
        # Of two classes, how much more likely the second is: where that is 0 lies a line without steps.
        **({"lead": _lead(shares)} if shares.shape[-1] == 2 else {}),
        "points": points[shown].astype(float).tolist(),
        "truth": classes[shown].tolist(),
    }


def _lead(shares: np.ndarray) -> list[list[float]]:
    return np.round(shares[:, 1] - shares[:, 0], _DIGITS).reshape(_STEPS, _STEPS).tolist()
