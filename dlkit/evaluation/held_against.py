"""A model beside baselines: their own errors, and how much of them it takes away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from dlkit.evaluation.bootstrap import Recount
from dlkit.evaluation.given import Given


@dataclass
class HeldAgainst:
    """The answers of one baseline to the examples that a model is measured on.

    Args:
        name: Of the baseline.
        answer: Gives its answers for a batch.
        is_choice: Whether the target is a class; else a number.
    """

    name: str
    answer: Callable[[Given], np.ndarray]
    is_choice: bool
    _losses: list[np.ndarray] = field(default_factory=list)

    def update(self, given: Given, truth: np.ndarray) -> None:
        """Takes a batch with its targets."""
        answer = self.answer(given)
        loss = (answer != truth) if self.is_choice else np.abs(answer - np.asarray(truth, np.float64))
        self._losses.append(loss.reshape(len(loss), -1).mean(axis=1))

    def recount(self, of_model: Recount) -> Recount:
        """The metrics of the model with those of the baseline beside them."""
        losses = np.concatenate(self._losses)

        def recount(counts: np.ndarray) -> dict[str, float]:
            found = of_model(counts)
            loss = float(counts @ losses / counts.sum())
            if self.is_choice:
                return {**found, f"{self.name}_accuracy": 1 - loss}
            skill = 1 - found["mean_absolute_error"] / loss if loss else 0.0
            return {**found, f"{self.name}_mean_absolute_error": loss, f"skill_over_{self.name}": skill}

        return recount
