"""What dlkit asks of Keras Tuner's oracles besides what they do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import keras_tuner

_FAILURES = 10**9  # in a row: what failures mean for a search is decided in `search`


@dataclass(frozen=True, slots=True)
class Asked:
    """What every oracle is made with.

    Args:
        objective: The metric, with its direction.
        hyperparameters: The space.
        seed: Of its draws.
        epochs: That a training has, with all its stages.
    """

    objective: keras_tuner.Objective
    hyperparameters: keras_tuner.HyperParameters
    seed: int
    epochs: int

    @property
    def arguments(self) -> Mapping[str, Any]:
        """The arguments of the oracle's class."""
        return {
            "objective": self.objective,
            "hyperparameters": self.hyperparameters,
            "seed": self.seed + 1,  # Keras Tuner takes 0 for none
            "allow_new_entries": False,
            "max_consecutive_failed_trials": _FAILURES,
        }


class Unsaved:
    """Goes before an oracle among its bases: it writes no files and prints nothing.

    What happened stands in the journal, and an oracle that goes on is asked and told everything again. That is exact where
    `get_state` is not: it forgets what a grid has still to visit, and where a Gaussian process's generator is.
    """

    # Whether it need not be asked again, but takes the values that the journal has: it is slow, and draws nothing that the
    # next answer depends on.
    takes_recorded: ClassVar[bool] = False

    def save(self) -> None:
        pass

    def _save_trial(self, trial: Any) -> None:
        pass


def silent(oracle: keras_tuner.Oracle) -> keras_tuner.Oracle:
    """The oracle, which prints nothing."""
    oracle.verbose = 0
    return oracle
