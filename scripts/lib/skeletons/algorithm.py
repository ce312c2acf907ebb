"""What is it called, and which paper is it from?"""

from __future__ import annotations

from typing import Annotated

import keras_tuner

from dlkit.recipe.registry import Range, register
from dlkit.tuning.oracle import Asked, Unsaved


class _SomeName(Unsaved, keras_tuner.oracles.RandomSearchOracle):
    pass


@register(kind="algorithm")
def some_name(asked: Asked, /, trials: Annotated[int, Range(min=1)]) -> keras_tuner.Oracle:
    """How does it choose values, in one line?

    Args:
        trials: How many; fewer where the space has no more.
    """
    return _SomeName(max_trials=trials, **asked.arguments)
