"""What a baseline is given: a batch, without what is to be predicted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dlkit.data.arrays import Values
from dlkit.errors import DlkitError
from dlkit.recipe.facts import Target


@dataclass(frozen=True, slots=True)
class Given:
    """A batch of examples, and what there was to learn from.

    Args:
        features: The raw features, by name.
        target: What is known of the target.
        shape: Of the target of the batch.
        learned: The target of the training examples.
        examples: The raw features of the training examples, by name.
        inputs: What the network is given, where the task is to give it back: a baseline is given that too.
        has_noise: Whether `inputs` have noise that is not to be given back.
        memory: What baselines worked out of these, kept from batch to batch.
    """

    features: Mapping[str, np.ndarray]
    target: Target
    shape: tuple[int, ...]
    learned: Any
    examples: Mapping[str, Values] = field(default_factory=dict)
    memory: dict[str, Any] = field(default_factory=dict)
    inputs: np.ndarray | None = None
    has_noise: bool = False

    def last_steps(self, baseline: str) -> np.ndarray:
        """The last steps of the series that the target goes on with, float64 of shape (batch, history, variables).

        Raises:
            DlkitError: The target is no forecast of a series that the model is given.
        """
        continues = self.target.continues
        if continues is None or continues.feature not in self.features:
            raise DlkitError(
                f"`evaluation.metrics: {baseline}` needs the last values of what is forecast, and the model is given none.",
                "use it with a source of series, as `time_series`, whose target is among the columns of `past`",
                "no-baseline",
            )
        past = np.asarray(self.features[continues.feature], np.float64)
        return past[:, :, list(continues.columns)]

    def steps_ahead(self) -> np.ndarray:
        """How many steps behind the last known one each forecast lies, from 1."""
        continues = self.target.continues
        return np.arange(self.shape[1]) + 1 + (continues.offset if continues else 0)
