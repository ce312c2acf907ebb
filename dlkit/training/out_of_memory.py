"""A batch that does not fit into memory: told with the size that would."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import keras
import tensorflow as tf

from dlkit.data.feed import Feed
from dlkit.errors import DlkitError


@contextmanager
def telling_out_of_memory(model: keras.Model, feed: Feed) -> Iterator[None]:
    """Says of steps that take too much memory which batch size would fit; the model is lost to training then.

    Args:
        model: The compiled model that is trained inside.
        feed: The examples.

    Raises:
        DlkitError: There was not enough memory (`out-of-memory`).
    """
    try:
        yield
    except (tf.errors.ResourceExhaustedError, MemoryError) as error:
        is_single = model.distribute_strategy.num_replicas_in_sync == 1
        size = _size_that_fits(model, feed) if is_single else None
        if size is not None:
            cure = f"One step of {size} fits: --set data.batch_size={size}"
        elif is_single:
            cure = "Not even one example fits: make the network, or the examples, smaller."
        else:
            cure = f"Take a smaller data.batch_size, as {feed.batch_size // 2}, or more devices."
        message = f"A step of {feed.batch_size} examples does not fit into memory."
        raise DlkitError(message, cure, "out-of-memory") from error


def _size_that_fits(model: keras.Model, feed: Feed) -> int | None:
    """The largest of half, a quarter ... of the batch size that a step can be run with; None if there is none."""
    model.train_function = None
    batch = next(iter(feed.dataset.take(1)))
    size = feed.batch_size // 2
    while size:
        part = tf.nest.map_structure(lambda values, size=size: values[:size], batch)
        try:
            model.train_on_batch(*part)
            return size
        except (tf.errors.ResourceExhaustedError, MemoryError):
            model.train_function = None
            size //= 2
    return None
