"""What the frames of an error hold is freed before the interpreter ends."""

from __future__ import annotations

import gc

import keras
import numpy as np

from dlkit.cli.failures import let_go
from dlkit.data.arrays import Arrays
from dlkit.data.columns import Column
from dlkit.data.feed import Feed
from dlkit.errors import DlkitError
from dlkit.evaluation.evaluate import measure_split


class Damaged(Column):
    shape, dtype = (40, 2), np.dtype(np.float32)

    def read(self, rows: np.ndarray) -> np.ndarray:
        if 20 in rows:
            raise DlkitError("row 20 is damaged", "get it anew")
        return np.zeros((len(rows), 2), np.float32)

    def take(self, rows: np.ndarray) -> Damaged:
        return self

    def digest(self) -> bytes:
        return b""


def iterators() -> int:
    gc.collect()
    return sum(type(each).__name__ == "OwnedIterator" for each in gc.get_objects())


def test_iterators_over_data_that_failed_are_freed() -> None:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(loss="mse")
    feed = Feed(Arrays({"x": Damaged()}, {"y": np.zeros(40, np.float32)}), batch_size=4, shuffle=False)
    before = iterators()
    kept: list[BaseException] = []
    try:
        measure_split(model, feed, "test")
    except DlkitError as error:
        kept.append(error)
    assert iterators() > before  # else there is nothing to let go, and `let_go` may go
    let_go(kept[0])
    assert iterators() == before
