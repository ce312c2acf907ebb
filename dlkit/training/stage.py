"""What a stage of training is, and when it has had enough."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stage:
    """A training that may follow others.

    Args:
        name: Its name in metrics.jsonl.
        number: From 0.
        epochs: Epochs at most.
        epochs_before: Of the stages before it, so that no order of the data comes twice.
        steps_before: Of the stages before it.
    """

    name: str
    epochs: int
    number: int = 0
    epochs_before: int = 0
    steps_before: int = 0


@dataclass(frozen=True, slots=True)
class Limit:
    """Ends a training before its last epoch, its schedules laid out for the whole: what is reached first counts.

    Args:
        epochs: Of all stages.
        steps: Of all stages.
        seconds: Of training, that of earlier processes included.
        asked: Asked after every epoch with how many there were, whether it ends there.
    """

    epochs: int | None = None
    steps: int | None = None
    seconds: float | None = None
    asked: Callable[[int], bool] | None = None

    def reached(self, epochs: int, steps: int, seconds: float) -> bool:
        """Whether a training that has come so far ends."""
        so_far = ((self.epochs, epochs), (self.steps, steps), (self.seconds, seconds))
        return any(most is not None and done >= most for most, done in so_far)
