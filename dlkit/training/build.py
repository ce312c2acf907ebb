"""Builds what Keras would build in the first step, so that a state can be put back before it."""

from __future__ import annotations

from typing import Any

import keras

from dlkit.data.feed import Feed
from dlkit.training.optimizers import optimizers_of


def build_state(model: keras.Model, feed: Feed) -> None:
    """Makes all variables of a compiled model: its own, of the optimizer, of losses and metrics; nothing is computed.

    Args:
        model: A compiled model.
        feed: The examples it is to be trained on.
    """

    def symbol(spec: Any) -> keras.KerasTensor:
        return keras.KerasTensor((feed.batch_size, *spec.shape[1:]), spec.dtype.name)

    batch = keras.tree.map_structure(symbol, feed.element_spec)
    with model.distribute_strategy.scope():
        for optimizer, variables in optimizers_of(model).values():
            optimizer.build(variables)
        model._symbolic_build(data_batch=batch)
