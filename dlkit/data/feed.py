"""The examples as `fit`, `evaluate` and `predict` take them: batches that are a pure function of (seed, epoch, step).

A run that is resumed in the middle of an epoch asks for the batches that are left, and gets those of the uninterrupted
run. Keras accepts a `DataAdapter` wherever it takes data, and asks its one dataset for an iterator in every epoch:

    feed = Feed(splits.train, batch_size=128, seed=1)
    model.fit(feed, epochs=2, validation_data=Feed(splits.validation, batch_size=128, shuffle=False))
    feed.epoch, feed.start = 7, 100   # what the next iterator yields: epoch 7 from step 100 on
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from keras.src.trainers.data_adapters.data_adapter import DataAdapter

from dlkit.data.arrays import Arrays, Values

Batch = tuple[Any, ...]


class Feed(DataAdapter):
    """Batches of examples in memory, in an order of their own in every epoch.

    A batch is `(x, y)`: each a tensor, or a dict by name where there are several features or targets; `(x,)` without
    targets. Values keep their type: uint8 images travel as uint8. The last batch of an epoch may be smaller.

    Epochs advance by themselves from one iteration to the next; a callback may set `epoch` and `start` in its
    `on_epoch_begin`, and a run that is to be resumed must: under a distribution strategy, Keras reads a batch to build
    the model before the first epoch, which counts as an epoch here.

    Args:
        arrays: The examples; the order of its features is that of the dict.
        batch_size: Examples of one step, over all replicas.
        seed: Of the order, from 0; not used without `shuffle`.
        shuffle: Whether every pass over the examples has a random order; otherwise the order is that of the arrays.
        steps_per_epoch: Batches of an epoch; an epoch then goes on in the pass where the one before it stopped, and all
            batches are full. None: an epoch is one pass. (Keras's own `steps_per_epoch` must be left alone then: it
            draws several epochs from one iterator.)

    Attributes:
        epoch: The epoch that the next iterator yields, from 0. It is read when the first batch is drawn.
        start: The step it begins at; the number of batches of the epoch stays what it is.
    """

    def __init__(
        self,
        arrays: Arrays,
        *,
        batch_size: int,
        seed: int = 0,
        shuffle: bool = True,
        steps_per_epoch: int | None = None,
    ) -> None:
        if min(len(arrays), batch_size, 1 if steps_per_epoch is None else steps_per_epoch) < 1:
            raise ValueError(
                "A feed needs at least one example, one example a batch and one batch an epoch. "
                f"Received: {len(arrays)} examples, batch_size={batch_size}, steps_per_epoch={steps_per_epoch}"
            )
        self.epoch = 0
        self.start = 0
        self._size = len(arrays)
        self._epoch_size = len(arrays) if steps_per_epoch is None else steps_per_epoch * batch_size
        self._batch_size = batch_size
        self._seed = seed
        self._shuffle = shuffle
        self._iterating = False
        with tf.device("CPU:0"):
            self._parts = tuple(_tensors(part) for part in (arrays.features, arrays.targets) if part)
            self._dataset = self._make_dataset()

    def __iter__(self) -> Iterator[Batch]:
        return iter(self._dataset)

    def get_tf_dataset(self) -> tf.data.Dataset:
        """The one dataset of this feed; each iterator over it yields the epoch that is due."""
        return self._dataset

    @property
    def num_batches(self) -> int:
        """Batches of a whole epoch, wherever the next one starts."""
        return -(-self._epoch_size // self._batch_size)

    @property
    def batch_size(self) -> int:
        """Examples of a batch, over all replicas; the last batch may have fewer."""
        return self._batch_size

    @property
    def has_partial_batch(self) -> bool:
        """Whether the last batch of an epoch is smaller."""
        return self._epoch_size % self._batch_size != 0

    @property
    def partial_batch_size(self) -> int | None:
        """Examples of the last batch, where it is smaller."""
        return self._epoch_size % self._batch_size or None

    def on_epoch_begin(self) -> None:
        """Called by Keras before it asks for an iterator."""
        self._iterating = True

    def on_epoch_end(self) -> None:
        """Called by Keras after an epoch, and before the first one too."""
        if self._iterating:
            self.epoch, self.start, self._iterating = self.epoch + 1, 0, False

    def _order(self) -> tuple[np.ndarray, np.int64]:
        """The rows of the epoch that is due, in its order, and the step it begins at."""
        first = self.epoch * self._epoch_size
        passes = range(first // self._size, (first + self._epoch_size - 1) // self._size + 1)
        rows = np.concatenate([self._pass(number) for number in passes])
        return rows[first % self._size :][: self._epoch_size], np.int64(self.start)

    def _pass(self, number: int) -> np.ndarray:
        if not self._shuffle:
            return np.arange(self._size)
        return np.random.Generator(np.random.Philox(key=[self._seed, number])).permutation(self._size)

    def _make_dataset(self) -> tf.data.Dataset:
        # One dataset whose function asks for the order anew in each iterator: a dataset an epoch would be traced anew.
        # Without autotuning, whose thread delays every epoch by some 50 ms where other processes keep the cores busy.
        options = tf.data.Options()
        options.autotune.enabled = False
        return tf.data.Dataset.range(1).flat_map(self._epoch).prefetch(2).with_options(options)

    def _epoch(self, _: tf.Tensor) -> tf.data.Dataset:
        feed = weakref.proxy(self)  # TensorFlow never lets go of the function, nor of the examples that it holds
        order, start = tf.numpy_function(lambda: feed._order(), [], [tf.int64, tf.int64])
        order, start = tf.ensure_shape(order, [self._epoch_size]), tf.ensure_shape(start, [])
        steps = tf.data.Dataset.range(start, self.num_batches)
        return steps.map(lambda step: self._batch(order, step), num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)

    def _batch(self, order: tf.Tensor, step: tf.Tensor) -> Batch:
        rows = order[step * self._batch_size : (step + 1) * self._batch_size]
        return tuple(tf.nest.map_structure(lambda values: tf.gather(values, rows), part) for part in self._parts)


def _tensors(arrays: Mapping[str, Values]) -> tf.Tensor | dict[str, tf.Tensor]:
    tensors = {name: tf.constant(array) for name, array in arrays.items()}
    return next(iter(tensors.values())) if len(tensors) == 1 else tensors
