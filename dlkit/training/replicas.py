"""What the copies of a model on several devices need: noise of their own, and statistics in common."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import keras
import tensorflow as tf


class _PerReplica(keras.random.SeedGenerator):
    """Gives every replica a seed of its own; the state moves as Keras's does, so it is saved and restored like that."""

    def next(self, ordered: bool = True) -> Any:
        seed = super().next(ordered)
        context = tf.distribute.get_replica_context()
        if context is None or context.num_replicas_in_sync == 1:
            return seed
        return tf.random.experimental.stateless_fold_in(seed, context.replica_id_in_sync_group)


def prepare_for_replicas(model: keras.Model, synchronized_as_written: Collection[str] = ()) -> None:
    """Lets the replicas of a model draw noise of their own, and share the statistics of BatchNormalization.

    Keras draws the same dropout masks on all replicas, and normalizes each part of the batch by itself.

    Args:
        model: A built model, not compiled yet; models inside it are gone into.
        synchronized_as_written: Names of the layers that keep the `synchronized` they have.
    """
    for layer in model._flatten_layers():
        for value in vars(layer).values():
            if type(value) is keras.random.SeedGenerator:
                # In its place, for Keras has noted it among the layer's states: only what it does differs.
                value.__class__ = _PerReplica
        if isinstance(layer, keras.layers.BatchNormalization) and layer.name not in synchronized_as_written:
            layer.synchronized = True
