"""Whether a file gives what its model gives: the outputs of both, and the time that they take."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import keras
import numpy as np

from dlkit.data.arrays import Arrays
from dlkit.data.feed import Feed, telling_failures
from dlkit.export.format import Runtime

OUTPUTS = 1e-4  # the largest difference of a file in float32, by the largest output
METRIC = 0.02  # what a quantized or pruned file may lose
_WARM, _TIMED = 3, 20  # examples


@dataclass(frozen=True, slots=True)
class Difference:
    """How far the outputs of two models are apart.

    Args:
        largest: The largest absolute difference of two outputs.
        scale: The largest absolute output of the first model.
    """

    largest: float
    scale: float

    def within(self, tolerance: float) -> bool:
        """Whether it is small against the outputs; what is no number is not."""
        return self.largest <= tolerance * (self.scale or 1.0)


def difference(model: keras.Model, exported: keras.Model, split: Arrays, batch_size: int) -> Difference:
    """How far the outputs of a model and of its file are apart, over all examples.

    Raises:
        DlkitError: Examples cannot be read.
    """
    largest, scale = 0.0, 0.0
    feed = Feed(Arrays(split.features, {}), batch_size=batch_size, shuffle=False)
    with telling_failures(feed):
        for (x,) in feed:
            wanted, made = (keras.tree.flatten(each.predict_on_batch(x)) for each in (model, exported))
            for one, other in zip(wanted, made, strict=True):
                apart = np.abs(one.astype("float64") - other.astype("float64"))
                largest = float(np.maximum(largest, apart.max()))  # NaN stays
                scale = float(np.maximum(scale, np.abs(one).max()))
    return Difference(largest, scale)


def loss_of(direction: Literal["min", "max"] | None, before: float, after: float) -> float:
    """How much worse a metric is.

    Args:
        direction: `max` of what is better the more there is of it, as accuracy: by how much it is less; `min` of an error:
            by which share it is more; None: how much it changed.
        before: Of the model.
        after: Of the file.
    """
    if direction == "max":
        return before - after
    if direction is None:
        return abs(after - before)
    return (after - before) / abs(before) if before else after - before


def seconds_per_sample(runtime: Runtime, examples: Mapping[str, np.ndarray]) -> float:
    """The median time that a single example takes; told, and never decided by."""
    count = len(next(iter(examples.values())))
    taken = []
    for number in range(_WARM + _TIMED):
        row = number % count
        one = {name: values[row : row + 1] for name, values in examples.items()}
        begin = time.perf_counter()
        runtime(one)
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken[_WARM:])
