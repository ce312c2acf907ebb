"""What is there to look at in a model?"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from dlkit.evaluation.subject import Subject
from dlkit.recipe.registry import register


@register(kind="view")
def some_name(subject: Subject, /) -> dict[str, Any]:
    """What does it find, in one line?"""
    weights = {layer.name: layer.weights[0] for layer in subject.model.layers if layer.weights}
    sizes = {name: float(np.abs(keras.ops.convert_to_numpy(value)).mean()) for name, value in weights.items()}
    return {"some_name": sizes} if sizes else {}
