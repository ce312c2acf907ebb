"""Random changes of batches, each a function of (seed, epoch, step) alone.

A change takes features, targets and a seed, and gives the features and targets as they are then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf


class SeedsOfBatch(keras.random.SeedGenerator):
    """Gives the draws of a batch their seeds: a function of the batch's seed and of how many draws came before."""

    def __init__(self) -> None:
        self.seed, self.draws = None, 0  # no variable, which `SeedGenerator` would make

    def next(self, ordered: bool = True) -> Any:
        self.draws += 1
        return tf.random.experimental.stateless_fold_in(self.seed, self.draws)


class ByFunction:
    """A function of a batch and a seed."""

    def __init__(self, function: Callable[..., Any], **arguments: Any) -> None:
        self.function, self.arguments = function, arguments

    def __call__(self, x: Any, y: Any, seed: Any) -> tuple[Any, Any]:
        return self.function(x, seed, **self.arguments), y


class ByLayer:
    """A layer of Keras."""

    def __init__(self, layer: keras.layers.Layer) -> None:
        self.layer, self.seeds = layer, SeedsOfBatch()
        for each in layer._flatten_layers():
            attributes = vars(each)
            for name, value in attributes.items():
                if isinstance(value, keras.random.SeedGenerator):
                    attributes[name] = self.seeds

    def __call__(self, x: Any, y: Any, seed: Any) -> tuple[Any, Any]:
        self.seeds.seed, self.seeds.draws = seed, 0
        return self.changed(tf.cast(x, self.layer.compute_dtype), y)

    def changed(self, x: Any, y: Any) -> tuple[Any, Any]:
        """What the layer makes of a batch."""
        return self.layer(x, training=True), y


class ByMixingLayer(ByLayer):
    """A layer of Keras that mixes examples, and their labels likewise."""

    def changed(self, x: Any, y: Any) -> tuple[Any, Any]:
        mixed = self.layer({"images": x, "labels": y}, training=True)
        return mixed["images"], tf.ensure_shape(mixed["labels"], y.shape)


class Augmentation:
    """Random changes, one after another.

    Args:
        changes: What is done, in order.
        seed: Where every draw comes from.
    """

    def __init__(self, changes: Sequence[Callable[[Any, Any, Any], tuple[Any, Any]]], seed: int) -> None:
        self.changes, self.seed = changes, seed
        self.changed = tf.function(self.change, reduce_retracing=True)

    def __call__(self, x: Any, y: Any, epoch: int, step: int) -> tuple[Any, Any]:
        changed = self.changed(x, y, tf.constant(epoch, tf.int64), tf.constant(step, tf.int64))
        return keras.tree.map_structure(lambda values: values.numpy(), changed)

    def change(self, x: Any, y: Any, epoch: Any, step: Any) -> tuple[Any, Any]:
        """The changed batch, in the types that it had."""
        fold_in = tf.random.experimental.stateless_fold_in
        seed = fold_in(tf.stack([tf.constant(self.seed, tf.int64), epoch]), step)
        for number, change in enumerate(self.changes):
            changed, y = change(x, y, fold_in(seed, number))
            if x.dtype.is_integer and not changed.dtype.is_integer:
                changed = tf.clip_by_value(tf.round(changed), x.dtype.min, x.dtype.max)
            x = tf.ensure_shape(tf.cast(changed, x.dtype), x.shape)
        return x, y
