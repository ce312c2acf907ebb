"""Where the values of a dimension stand between its ends, as it is sampled."""

from __future__ import annotations

import math

from dlkit.tuning.space import Dimension, Value


def position(dimension: Dimension, value: Value) -> float:
    """Where a value stands: 0 at the low end, 1 at the high one, evenly sampled between; choices in their order.

    The inverse of how Keras Tuner samples (`keras_tuner.engine.hyperparameters.hp_types.numerical`).
    """
    if dimension.kind == "bool":
        return float(bool(value))
    if dimension.kind == "choice":
        return share(list(dimension.choices).index(value), 0, len(dimension.choices) - 1)
    number, low, high = float(value), *ends(dimension)
    if dimension.sampling == "log":
        return share(math.log(number), math.log(low), math.log(high))
    if dimension.sampling == "reverse_log":
        return 1 - share(math.log(high + low - number), math.log(low), math.log(high))
    return share(number, low, high)


def ends(dimension: Dimension) -> tuple[float, float]:
    """The smallest and the largest number of a dimension of numbers."""
    if dimension.low is None or dimension.high is None:
        raise ValueError(f"`dimension` must be one of numbers. Received: kind={dimension.kind!r}")
    return dimension.low, dimension.high


def share(value: float, low: float, high: float) -> float:
    """Where a number stands between two ends, from 0 to 1; in the middle where these are the same."""
    return (value - low) / (high - low) if high > low else 0.5
