"""What a pattern asks for that every backend of Keras does in a way of its own: see `dlkit.models.pattern`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf


def differentiate(function: Any, values: Any) -> tuple[Any, list[Any]]:
    """What a function gives, and its gradients: see `Pattern.differentiate`."""
    with tf.GradientTape() as tape:
        for value in values:
            if not isinstance(value, keras.Variable):
                tape.watch(value)
        result = function()
    first = result[0] if isinstance(result, tuple) else result
    return result, tape.gradient(first, list(values))


def call_numpy(function: Callable[..., None], tensors: Sequence[Any]) -> None:
    """Calls a function of NumPy within a step: see `Pattern.call_numpy`."""
    tf.numpy_function(function, tensors, [])
