"""The weights of a first layer as pictures, where it looks at pictures."""

from __future__ import annotations

import base64
import math
from typing import Any

import keras
import numpy as np

from dlkit.evaluation.subject import Subject
from dlkit.recipe.registry import register

_MOST = 100  # units that are shown
_LARGEST = 64  # pixels of a side
_GRAY, _SHADES = 128, 127


@register(kind="view")
def filters(subject: Subject, /) -> dict[str, Any]:
    """What the units of a dense first layer look for in pictures."""
    found = first_weights(subject.model)
    return {"filters": found} if found else {}


def first_weights(model: keras.Model) -> dict[str, Any] | None:
    """The weights of the units of a dense first layer, as plain values for JSON; None where it sees no pictures.

    Args:
        model: A saved model, which takes raw input.

    Returns:
        `shape` of a picture, and `shades` of 100 units at most, bytes in base64: 128 is a weight of 0, and the largest of
        a unit, up or down, is 255 or 1.
    """
    shape = tuple(model.input_shape[1:]) if len(model.inputs) == 1 else ()
    first = next((layer for layer in model.layers if hasattr(layer, "kernel")), None)
    is_picture = len(shape) == 3 and shape[-1] in (1, 3) and max(size or math.inf for size in shape) <= _LARGEST
    if not is_picture or not isinstance(first, keras.layers.Dense) or first.kernel.shape[0] != math.prod(shape):
        return None
    weights = keras.ops.convert_to_numpy(first.kernel).T[:_MOST].astype("float64")
    largest = np.abs(weights).max(axis=1, keepdims=True)
    shades = np.round(weights / np.where(largest > 0, largest, 1.0) * _SHADES + _GRAY).astype(np.uint8)
    return {"shape": list(shape), "shades": base64.b64encode(shades.tobytes()).decode()}
