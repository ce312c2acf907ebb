"""The weights of the units of a map, as the layer `unit_distances` keeps them."""

from __future__ import annotations

from typing import Any

import keras

MAP, UNITS = "map", "units"  # the layer that gives the distances, and the one in it that holds the weights of the units


def units_of(model: keras.Model) -> Any:
    """The weights of the units of a model that has a map, a tensor of shape (units, values)."""
    return keras.ops.transpose(_holder(model).kernel)


def set_units(model: keras.Model, weights: Any) -> None:
    """Gives the units of a model other weights, of shape (units, values)."""
    hold(_holder(model), weights)


def hold(layer: keras.layers.Dense, weights: Any) -> None:
    """Has a layer hold units: its kernel is theirs, its bias what a distance needs besides the product with the input."""
    ops = keras.ops
    layer.kernel.assign(ops.transpose(weights))
    layer.bias.assign(-0.5 * ops.sum(ops.square(weights), axis=-1))


def _holder(model: keras.Model) -> keras.layers.Dense:
    return model.get_layer(MAP).get_layer(UNITS)
