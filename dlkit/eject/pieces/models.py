"""What the script builds a model with, besides Keras's layers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from dlkit.models.inner_layers import set_trainable


def as_layer(function: Callable[..., Any], x: Any, name: str, **arguments: Any) -> Any:
    """What a function makes of `x`; it is one layer of the model, with the layers that it is made of inside."""
    inputs = keras.Input(x.shape[1:], dtype=x.dtype)
    return keras.Model(inputs, function(inputs, **arguments), name=name)(x)


def as_fitted_layer(function: Callable[..., Any], x: Any, examples: np.ndarray, name: str, **arguments: Any) -> Any:
    """What a function makes of `x` that looks at the training examples first; one layer of the model, in 32 bits."""
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    inputs = keras.Input(x.shape[1:], dtype=x.dtype)
    made = function(inputs, examples, **arguments)
    keras.config.set_dtype_policy(policy)
    return keras.Model(inputs, getattr(made, "tensor", made), name=name)(x)


def saved_layer(file: Path, name: str, layer: str | None = None, trainable: bool = True) -> keras.Model:
    """A saved model as a layer, up to one of its own layers or to its end; what is in it learns, unless told otherwise."""
    model = keras.models.load_model(file, compile=False)
    output = model.outputs[0] if layer is None else model.get_layer(layer).output
    made = keras.Model(model.inputs[0], output, name=name)
    set_trainable(made, trainable)
    return made


def outputs_over(model: keras.Model, x: np.ndarray) -> np.ndarray:
    """What a model makes of examples, in their order."""
    batches = [model(x[start : start + 1024], training=False) for start in range(0, len(x), 1024)]
    return np.concatenate([keras.ops.convert_to_numpy(batch) for batch in batches])
