"""Where in a plane a classifier says what: for examples of two numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from dlkit.evaluation.probabilities import class_probabilities

_STEPS = 81  # along each axis
_MOST_POINTS = 500
_DIGITS = 5
_MARGIN = 0.25  # of the range, beyond the outermost examples


def decision_map(
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
