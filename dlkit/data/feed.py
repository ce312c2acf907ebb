"""The examples as `fit`, `evaluate` and `predict` take them: batches that are a pure function of (seed, epoch, step).

A run that is resumed in the middle of an epoch asks for the batches that are left, and gets those of the uninterrupted
run. Keras accepts a `DataAdapter` wherever it takes data, and asks its one dataset for an iterator in every epoch:

    feed = Feed(splits.train, batch_size=128, seed=1)
    model.fit(feed, epochs=2, validation_data=Feed(splits.validation, batch_size=128, shuffle=False))
    feed.epoch, feed.start = 7, 100   # what the next iterator yields: epoch 7 from step 100 on
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from keras.src.trainers.data_adapters.data_adapter import DataAdapter

from dlkit.data.arrays import Arrays, Values
from dlkit.data.augment import Augment, Tensors, batch_seed
from dlkit.data.columns import Column
from dlkit.data.order import Order
from dlkit.errors import DlkitError

Batch = tuple[Any, ...]

_MOST_WORKERS = 16
_MOST_TOGETHER = 32
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Shard:
    """The devices that a process hands examples to, where several processes train together.

    Args:
        devices: All devices, of all processes; a batch is cut into so many parts.
        first: The number of this process's first one.
        local: How many it has; their parts follow one another.
        distribute: Makes of the dataset of parts what Keras takes.
    """

    devices: int = 1
    first: int = 0
    local: int = 1
    distribute: Callable[[tf.data.Dataset], Any] | None = None


class Once:
    """A dataset that gives an iterator again which nobody has asked for a batch yet.

    Keras makes an iterator at the end of an epoch and throws it away for another at the beginning of the next; each takes
    some 10 ms. For a single device: under a strategy, iterators read ahead on their own.

    Args:
        feed: The feed, whose `get_tf_dataset` it stands for.
    """

    def __init__(self, feed: Feed) -> None:
        self._feed: Any = weakref.proxy(feed)
        # Keras holds the iterator: here it must not outlive a training that failed (see `cli.main`).
        self._last: Callable[[], Any] = lambda: None

    def __iter__(self) -> Any:
        last = self._last()
        if self._feed._begun or last is None:
            self._feed._begun = False
            last = iter(self._feed._dataset)
            self._last = weakref.ref(last)
        return last


class _Block(NamedTuple):
    """Rows of an epoch that are read at once.

    Args:
        step: The first step they are for, times the devices of this process, and the number of the device.
        begin: The first of them.
        end: The one after the last.
        size: Examples of a step.
    """

    step: int
    begin: int
    end: int
    size: int


class Feed(DataAdapter):
    """Batches of examples, in an order of their own in every epoch.

    A batch is `(x, y)`: each a tensor, or a dict by name where there are several features or targets; `(x,)` without
    targets; `(x, y, weights)` with class weights. Values keep their type: uint8 images travel as uint8, texts become
    strings. The last batch of an epoch may be smaller. The next batches are read while the model works on one.

    Epochs advance by themselves from one iteration to the next; a callback may set `epoch` and `start` in its
    `on_epoch_begin`, and a run that is to be resumed must: under a distribution strategy, Keras reads a batch to build
    the model before the first epoch, which counts as an epoch here.

    Args:
        arrays: The examples; the order of its features is that of the dict. Arrays are not copied.
        batch_size: Examples of one step, over all replicas.
        seed: Of the order and of the augmentations, from 0.
        shuffle: Whether every pass over the examples has a random order; otherwise the order is that of the arrays.
        balance: The target of which every epoch draws each class equally often; implies `shuffle`.
        steps_per_epoch: Batches of an epoch; an epoch then goes on in the pass where the one before it stopped, and all
            batches are full. None: an epoch is one pass. (Keras's own `steps_per_epoch` must be left alone then: it
            draws several epochs from one iterator.)
        shares: Targets of classes that are handed over as shares of the classes, float32 of shape (batch, shares): one-hot
            before any label is mixed. One share is that of the second of two classes.
        prepare: Preprocesses the features of a batch, before it is augmented.
        augment: Changes the batches.
        answers: Makes the targets out of the features, for what learns to give them back.
        class_weight: For a target of classes, the weight of each class, of shape (classes,). The weights of mixed labels
            are mixed alike.
        at_least: Examples that the last batch has at least, taken from the one before it: several devices need one each.
        shard: The part of every batch that is made here, where several processes train together.

    Attributes:
        epoch: The epoch that the next iterator yields, from 0. It is read when the first batch is drawn.
        start: The step it begins at; the number of batches of the epoch stays what it is.
        failure: Why examples could not be read, as soon as that is so: TensorFlow only tells that something went wrong.
    """

    def __init__(
        self,
        arrays: Arrays,
        *,
        batch_size: int,
        seed: int = 0,
        shuffle: bool = True,
        balance: str | None = None,
        steps_per_epoch: int | None = None,
        shares: Mapping[str, int] | None = None,
        prepare: Callable[[Tensors], Tensors] | None = None,
        augment: Augment | None = None,
        answers: Callable[[Tensors], Tensors] | None = None,
        class_weight: Mapping[str, np.ndarray] | None = None,
        at_least: int = 1,
        shard: Shard | None = None,
    ) -> None:
        if min(len(arrays), batch_size, 1 if steps_per_epoch is None else steps_per_epoch) < 1:
            raise ValueError(
                "A feed needs at least one example, one example a batch and one batch an epoch. "
                f"Received: {len(arrays)} examples, batch_size={batch_size}, steps_per_epoch={steps_per_epoch}"
            )
        self.epoch = 0
        self.start = 0
        self.failure: DlkitError | None = None
        self._order = Order(
            len(arrays),
            seed=seed,
            shuffle=shuffle,
            epoch_size=None if steps_per_epoch is None else steps_per_epoch * batch_size,
            labels=None if balance is None else np.asarray(arrays.targets[balance]),
        )
        self._epoch_size = self._order.epoch_size
        self._batch_size = batch_size
        # Every batch is full but the last, and where that is too small the one before it.
        self._last_begins = min((self.num_batches - 1) * batch_size, max(0, self._epoch_size - at_least))
        self._seed = seed
        self._arrays = arrays
        self._shares = dict(shares or {})
        self._prepare = prepare
        self._augment = augment
        self._answers = answers
        self._class_weight = dict(class_weight or {})
        self._iterating = False
        self._shard = shard or Shard()
        self._together = self._batches_together()
        with tf.device("CPU:0"):
            self._dataset = self._make_dataset()
        self._begun = True  # whether the last iterator has been asked for a batch
        self._handed_over: Any = self._dataset
        if shard and shard.distribute:
            self._handed_over = shard.distribute(self._dataset)
        elif at_least == 1:
            self._handed_over = Once(self)

    def __iter__(self) -> Iterator[Batch]:
        with telling_failures(self):
            yield from self._dataset

    def get_tf_dataset(self) -> Any:
        """What Keras iterates over; each iterator yields the epoch that is due."""
        return self._handed_over

    @property
    def dataset(self) -> tf.data.Dataset:
        """The one dataset of this feed; each iterator over it yields the epoch that is due."""
        return self._dataset

    @property
    def element_spec(self) -> Any:
        """Shapes and types of a batch, or of the part of it that one device is given."""
        return self._dataset.element_spec

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
        return self.partial_batch_size is not None

    @property
    def partial_batch_size(self) -> int | None:
        """Examples of the last batch, where it is smaller."""
        size = self._epoch_size - self._last_begins
        return None if size == self._batch_size else size

    def on_epoch_begin(self) -> None:
        """Called by Keras before it asks for an iterator."""
        self._iterating = True

    def on_epoch_end(self) -> None:
        """Called by Keras after an epoch, and before the first one too."""
        if self._iterating:
            self.epoch, self.start, self._iterating = self.epoch + 1, 0, False

    def _make_dataset(self) -> tf.data.Dataset:
        # One dataset whose function asks for the order anew in each iterator: a dataset an epoch would be traced anew.
        # Without autotuning, whose thread delays every epoch by some 50 ms where other processes keep the cores busy.
        options = tf.data.Options()
        options.autotune.enabled = False
        epoch = tf.autograph.experimental.do_not_convert(self._epoch)
        return tf.data.Dataset.range(1).flat_map(epoch).prefetch(2).with_options(options)

    def _epoch(self, _: tf.Tensor) -> tf.data.Dataset:
        # TensorFlow never lets go of a function that it was given, nor of the examples that the function holds.
        feed = weakref.proxy(self)
        rows, epoch, blocks = tf.numpy_function(lambda: feed._due(), [], [tf.int64, tf.int64, tf.int64])
        rows, epoch = tf.ensure_shape(rows, [self._epoch_size]), tf.ensure_shape(epoch, [])
        blocks = tf.data.Dataset.from_tensor_slices(tf.ensure_shape(blocks, [None, len(_Block._fields)]))

        @tf.autograph.experimental.do_not_convert
        def batch(block: tf.Tensor) -> Batch:
            step, begin, end, _ = tf.unstack(block)
            number = self._shard.first + step % self._shard.local
            return self._part(rows[begin:end], epoch, step // self._shard.local, number)

        @tf.autograph.experimental.do_not_convert
        def batches(block: tf.Tensor) -> Batch:
            _, begin, end, size = tf.unstack(block)
            return tf.nest.map_structure(
                lambda values: tf.reshape(values, tf.concat([[-1, size], tf.shape(values, tf.int64)[1:]], axis=0)),
                self._batch(rows[begin:end], epoch, tf.constant(0, tf.int64)),
            )

        if self._together == 1:
            return blocks.map(batch, num_parallel_calls=_workers(), deterministic=True)
        return blocks.map(batches, num_parallel_calls=_workers(), deterministic=True).unbatch()

    def _due(self) -> tuple[np.ndarray, np.int64, np.ndarray]:
        """The rows of the epoch that is due, in its order, its number, and what is read at a time."""
        self._begun = True
        return self._order.epoch(self.epoch), np.int64(self.epoch), np.array(self._blocks(), np.int64).reshape(-1, 4)

    def _blocks(self) -> list[_Block]:
        begins = [*range(0, self._last_begins, self._batch_size), self._last_begins, self._epoch_size]
        local, together = self._shard.local, self._together
        sizes = np.diff(begins)
        blocks, step = [], self.start
        while step < self.num_batches:
            count = 1
            while count < together and step + count < self.num_batches and sizes[step + count] == sizes[step]:
                count += 1
            size = int(sizes[step])
            blocks += [_Block(step * local + part, begins[step], begins[step + count], size) for part in range(local)]
            step += count
        return blocks

    def _batches_together(self) -> int:
        """Batches that are read at once: several where they are small, lie in memory and are handed over as they are."""
        every = [*self._arrays.features.values(), *self._arrays.targets.values()]
        arrays = [values for values in every if not isinstance(values, Column)]
        if self._augment or self._prepare or self._answers or self._shard.devices > 1 or len(arrays) < len(every):
            return 1
        bytes_of_batch = sum(array[:1].nbytes for array in arrays) * self._batch_size
        return max(1, min(_MOST_TOGETHER, _BLOCK_BYTES // max(1, bytes_of_batch)))

    def _part(self, rows: tf.Tensor, epoch: tf.Tensor, step: tf.Tensor, number: tf.Tensor) -> Batch:
        """The part of a batch that a device is given, all of it where there is only one."""
        if self._shard.devices == 1:
            return self._batch(rows, epoch, step)
        size = tf.shape(rows, tf.int64)[0]
        part = slice(size * number // self._shard.devices, size * (number + 1) // self._shard.devices)
        if self._augment is None:
            return self._batch(rows[part], epoch, step)
        # The draws are those of the whole batch, whatever the number of devices.
        return tf.nest.map_structure(lambda values: values[part], self._batch(rows, epoch, step))

    def _batch(self, rows: tf.Tensor, epoch: tf.Tensor, step: tf.Tensor) -> Batch:
        x, y = self._read(rows)
        y = {name: _as_shares(values, self._shares.get(name)) for name, values in y.items()}
        if self._prepare is not None:
            x = self._prepare(x)
        if self._augment is not None:
            x, y = self._augment(x, y, batch_seed(self._seed, epoch, step))
        if self._answers is not None:
            y = self._answers(x)
        parts = [x, y, self._weights(y)] if self._class_weight else [x, y] if y else [x]
        return tuple(next(iter(part.values())) if len(part) == 1 else part for part in parts)

    def _read(self, rows: tf.Tensor) -> tuple[Tensors, Tensors]:
        """The features and targets of these rows.

        Gathered by NumPy also where they lie in memory: a tensor of them all would be another copy of the data. Declared
        as without state: where operations are to be deterministic, tf.data runs those with state one after another.
        """
        feed = weakref.proxy(self)
        features, targets = self._arrays.features, self._arrays.targets
        every = [*features.values(), *targets.values()]
        types = [_type(values) for values in every]
        read = tf.numpy_function(lambda rows: feed._values(rows), [rows], types, stateful=False)
        shaped = [tf.ensure_shape(got, [None, *values.shape[1:]]) for got, values in zip(read, every, strict=True)]
        return dict(zip(features, shaped, strict=False)), dict(zip(targets, shaped[len(features) :], strict=True))

    def _values(self, rows: np.ndarray) -> list[np.ndarray]:
        every = (*self._arrays.features.values(), *self._arrays.targets.values())
        try:
            return [values.read(rows) if isinstance(values, Column) else values[rows] for values in every]
        except DlkitError as error:
            self.failure = error
            raise

    def _weights(self, y: Tensors) -> Tensors:
        """The weight of every example, by target."""
        return {
            name: _weights_of(values, self._class_weight[name])
            if name in self._class_weight
            else tf.ones(tf.shape(values)[:1])
            for name, values in y.items()
        }


@contextmanager
def telling_failures(*feeds: Any) -> Iterator[None]:
    """What a feed could not read is raised as itself, instead of the error that TensorFlow makes of it.

    Args:
        *feeds: What is iterated over inside; what is no feed tells nothing.

    Raises:
        DlkitError: The failure of one of the feeds.
    """
    try:
        yield
    except tf.errors.OpError:
        for feed in feeds:
            failure = getattr(feed, "failure", None)
            if failure is not None:
                feed.failure = None
                raise failure from None
        raise


def _workers() -> int:
    """Batches that are made at a time: one on each core, but no more than memory has room for."""
    return min(_MOST_WORKERS, max(2, os.cpu_count() or 2))


def _type(values: Values) -> tf.DType:
    return tf.string if values.dtype.hasobject else tf.as_dtype(values.dtype)


def _as_shares(classes: tf.Tensor, shares: int | None) -> tf.Tensor:
    """Classes one-hot, or for one share whether it is the second class; as they are where no shares are asked for."""
    if shares is None:
        return classes
    return tf.cast(classes[:, None], tf.float32) if shares == 1 else tf.one_hot(classes, shares)


def _weights_of(target: tf.Tensor, weights: np.ndarray) -> tf.Tensor:
    """The weights of classes, or of shares of them, of shape (batch,)."""
    given = tf.constant(weights, tf.float32)
    if not target.dtype.is_floating:
        return tf.gather(given, target)
    if target.shape[1] == 1:
        target = tf.concat([1 - target, target], axis=1)
    return tf.linalg.matvec(target[:, : len(weights)], given)
