"""Random changes of batches, each a function of (seed, epoch, step) alone."""

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


class ByLayer:
    """A layer of Keras as a function of a batch and a seed."""

    def __init__(self, layer: keras.layers.Layer) -> None:
        self.layer, self.seeds = layer, SeedsOfBatch()
        for each in layer._flatten_layers():
            attributes = vars(each)
            for name, value in attributes.items():
                if isinstance(value, keras.random.SeedGenerator):
                    attributes[name] = self.seeds

    def __call__(self, x: Any, seed: Any) -> Any:
        self.seeds.seed, self.seeds.draws = seed, 0
        return self.layer(tf.cast(x, self.layer.compute_dtype), training=True)


class Augmentation:
    """Random changes, one after another.

    Args:
        changes: Functions of a batch and a seed.
        seed: Where every draw comes from.
    """

    def __init__(self, changes: Sequence[Callable[[Any, Any], Any]], seed: int) -> None:
        self.changes, self.seed = changes, seed
        self.changed = tf.function(self.change, reduce_retracing=True)

    def __call__(self, x: Any, epoch: int, step: int) -> Any:
        return self.changed(x, tf.constant(epoch, tf.int64), tf.constant(step, tf.int64)).numpy()

    def change(self, x: Any, epoch: Any, step: Any) -> Any:
        """The changed batch, in the type that it had."""
        fold_in = tf.random.experimental.stateless_fold_in
        seed = fold_in(tf.stack([tf.constant(self.seed, tf.int64), epoch]), step)
        for number, change in enumerate(self.changes):
            changed = change(x, fold_in(seed, number))
            if x.dtype.is_integer and not changed.dtype.is_integer:
                changed = tf.clip_by_value(tf.round(changed), x.dtype.min, x.dtype.max)
            x = tf.ensure_shape(tf.cast(changed, x.dtype), x.shape)
        return x
