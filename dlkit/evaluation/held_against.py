"""A model beside baselines: their own errors, and how much of them it takes away."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from dlkit.evaluation.bootstrap import Recount
from dlkit.evaluation.given import Given

Error = Literal["choice", "absolute", "squared"]
# Of a task, where it is not the absolute one.
ERRORS: dict[str, Error] = {"classification": "choice", "reconstruction": "squared"}


@dataclass
class HeldAgainst:
    """The answers of one baseline to the examples that a model is measured on.

    Args:
        name: Of the baseline.
        answer: Gives its answers for a batch.
        error: How an answer is held against the truth: by `choice`, of a class, or by its `absolute` or `squared` error.
    """

    name: str
    answer: Callable[[Given], np.ndarray]
    error: Error
    _losses: list[np.ndarray] = field(default_factory=list)

    def update(self, given: Given, truth: np.ndarray) -> None:
        """Takes a batch with its targets."""
        answer = self.answer(given)
        if self.error == "choice":
            loss = answer != truth
        else:
            off = answer - np.asarray(truth, np.float64)
            loss = np.abs(off) if self.error == "absolute" else np.square(off)
        self._losses.append(loss.reshape(len(loss), -1).mean(axis=1))

    def recount(self, of_model: Recount) -> Recount:
        """The metrics of the model with those of the baseline beside them."""
        losses = np.concatenate(self._losses)

        def recount(counts: np.ndarray) -> dict[str, float]:
            found = of_model(counts)
            loss = float(counts @ losses / counts.sum())
            if self.error == "choice":
                return {**found, f"{self.name}_accuracy": 1 - loss}
            name = f"mean_{self.error}_error"
            skill = 1 - found[name] / loss if loss else 0.0
            found = {**found, f"{self.name}_{name}": loss, f"skill_over_{self.name}": skill}
            if self.error == "squared" and loss and "psnr" in found:
                gain = 10 * math.log10(loss / found[name])
                found |= {f"{self.name}_psnr": found["psnr"] - gain, f"psnr_gain_over_{self.name}": gain}
            return found

        return recount
