"""Random search."""

from __future__ import annotations

from typing import Annotated

import keras_tuner

from dlkit.recipe.registry import Range, register
from dlkit.tuning.oracle import Asked, Unsaved


class _Random(Unsaved, keras_tuner.oracles.RandomSearchOracle):
    pass


@register(kind="algorithm")
def random(asked: Asked, /, trials: Annotated[int, Range(min=1)]) -> keras_tuner.Oracle:
    """Values drawn at random, none twice (Bergstra and Bengio, 2012, "Random Search for Hyper-Parameter Optimization").

    Args:
        trials: How many; fewer where the space has no more.
    """
    return _Random(max_trials=trials, **asked.arguments)
