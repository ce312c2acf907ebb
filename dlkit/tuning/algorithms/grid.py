"""Grid search."""

from __future__ import annotations

from typing import Annotated, Any

import keras_tuner

from dlkit.recipe.registry import Range, register
from dlkit.tuning.oracle import Asked, Unsaved


class _Grid(Unsaved, keras_tuner.oracles.GridSearchOracle):
    """Goes on from a trial as soon as it is chosen: what comes next does not depend on what has ended, nor on its order."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        told = super().populate_space(trial_id)
        if told["values"] is not None and trial_id not in self._populate_next:
            self._populate_next.append(trial_id)
        return dict(told)


@register(kind="algorithm")
def grid(asked: Asked, /, trials: Annotated[int | None, Range(min=1)] = None) -> keras_tuner.Oracle:
    """Every combination of the values. Of a range of floats without a `step`, ten values.

    Args:
        trials: How many at most; all combinations where it is left out.
    """
    return _Grid(max_trials=trials, **asked.arguments)
