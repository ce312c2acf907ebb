"""Layers by the names that `freeze` and `initial_weights` take: those of a model inside a model are `<model>.<layer>`."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator
from typing import Any

import keras


def named_layers(model: keras.Model, prefix: str = "") -> Iterator[tuple[str, keras.layers.Layer]]:
    """Every layer of a model, a model inside it before its own layers."""
    for layer in model.layers:
        name = prefix + layer.name
        yield name, layer
        if isinstance(layer, keras.Model):
            yield from named_layers(layer, f"{name}.")


def matching_layers(model: keras.Model, globs: Iterable[str]) -> dict[str, keras.layers.Layer]:
    """The layers that at least one glob matches, by name."""
    wanted = list(globs)
    return {
        name: layer for name, layer in named_layers(model) if any(fnmatch.fnmatchcase(name, glob) for glob in wanted)
    }


def set_trainable(layer: keras.layers.Layer, trains: bool) -> None:
    """Says whether a layer, with every layer inside it, is trained.

    Keras leaves the layers inside a model as they are where the model itself has that value already.
    """
    for each in layer._flatten_layers():
        each.trainable = trains


def layer_outputs(model: keras.Model) -> tuple[Any, dict[str, Any], Any]:
    """The input of a model that takes one, what each of its layers gives, and its output."""
    if not isinstance(model, keras.Sequential):
        return model.inputs[0], {layer.name: layer.output for layer in model.layers}, model.outputs[0]
    # What the layers of a Sequential gave while it was put together leads to no output of it.
    (given,) = model.inputs
    tensor = first = keras.Input(batch_shape=given.shape, dtype=given.dtype, name=given.name)
    outputs = {}
    for layer in model.layers:
        outputs[layer.name] = tensor = layer(tensor)
    return first, outputs, tensor
