"""Bayesian optimization."""

from __future__ import annotations

import warnings
from typing import Annotated, Any

import keras_tuner
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from dlkit.recipe.registry import Range, register
from dlkit.tuning.oracle import Asked, Unsaved


class _Bayesian(Unsaved, keras_tuner.oracles.BayesianOptimizationOracle):
    """Each choice draws from a generator of its own, so that it does not depend on how often the search was killed."""

    takes_recorded = True

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        self._random_state = np.random.RandomState([self.seed, len(self.trials)])
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", ConvergenceWarning
            )  # of a length scale at its bound, which few trials leave open
            return dict(super().populate_space(trial_id))


@register(kind="algorithm")
def bayesian(
    asked: Asked,
    /,
    trials: Annotated[int, Range(min=1)],
    initial: Annotated[int | None, Range(min=1)] = None,
    alpha: Annotated[float, Range(above=0)] = 1e-4,
    beta: Annotated[float, Range(min=0)] = 2.6,
) -> keras_tuner.Oracle:
    """Values where a Gaussian process expects the best, or knows least (Snoek, Larochelle and Adams, 2012, arXiv:1206.2944).

    Args:
        trials: How many.
        initial: Trials at random before the first guess; three for each dimension where it is left out.
        alpha: The variance of the noise of a score, of scores that are scaled to a variance of 1.
        beta: How much it is drawn to where it knows little.
    """
    return _Bayesian(max_trials=trials, num_initial_points=initial, alpha=alpha, beta=beta, **asked.arguments)
