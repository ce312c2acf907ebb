"""Out of memory: the message names a batch size that fits."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlkit.data.arrays import Arrays
from dlkit.data.feed import Feed
from dlkit.errors import DlkitError
from dlkit.training.out_of_memory import telling_out_of_memory


class Greedy(keras.Sequential):
    """A step of more examples than this takes too much memory."""

    room = 10

    def train_step(self, data: Any) -> Any:
        if data[0].shape[0] > self.room:
            raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
        return super().train_step(data)


def trained(room: int) -> None:
    model = Greedy([keras.Input((2,)), keras.layers.Dense(1)])
    model.room = room
    model.compile("sgd", "mse", run_eagerly=True)
    feed = Feed(Arrays({"x": np.zeros((128, 2), "float32")}, {"y": np.zeros(128, "float32")}), batch_size=64)
    with telling_out_of_memory(model, feed):
        model.fit(feed, verbose=0)


@pytest.mark.parametrize(
    ("room", "cure"), [(10, "--set data.batch_size=8"), (1, "--set data.batch_size=1"), (0, "Not even one")]
)
def test_the_size_that_fits_is_told(room: int, cure: str) -> None:
    with pytest.raises(DlkitError, match="A step of 64 examples does not fit into memory") as told:
        trained(room)
    assert told.value.code == "out-of-memory"
    assert cure in str(told.value.cure)


def test_what_fits_is_trained() -> None:
    trained(64)
