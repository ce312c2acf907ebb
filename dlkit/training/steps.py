"""The steps that `Model.fit` runs: which of an epoch, and whether their loss is a number."""

from __future__ import annotations

import math
import time
from typing import Any

import keras

from dlkit.errors import DlkitError


class Steps:
    """Keras's train function, told which steps of the epoch to run; the others it passes over.

    A resumed epoch goes on in its middle this way. A shortened one would differ: an iterator that runs dry still
    advances the optimizer's iterations and the seeds of layers.

    Args:
        model: A compiled model; its `train_function` is this until `release`.
        per_epoch: Steps of an epoch.

    Attributes:
        at: The step that is next.
        first: The first step that is run.
        end: The first step after those that are run.
        logs: What the last one gave: metrics of the epoch up to there, where several processes train of this one's part.
    """

    def __init__(self, model: keras.Model, per_epoch: int) -> None:
        model.make_train_function()
        self._model = model
        self._run = model.train_function
        self._per_epoch = per_epoch
        self._losses: list[tuple[int, Any]] = []
        self._looked = time.monotonic()
        self.at = self.first = 0
        self.logs: dict[str, Any] = {}
        self.end = per_epoch
        model.train_function = self

    def __call__(self, iterator: Any) -> dict[str, Any]:
        if self.first <= self.at < self.end:
            logs = self._run(iterator)
            self._losses.append((self.at, logs.get("loss")))
            self.logs = logs
            return logs
        is_last = self.at + self._model.steps_per_execution >= self._per_epoch
        # Keras takes the metrics of the epoch from the model where the last step names them all.
        return self._model.get_metrics_result() if is_last else {}

    def begin_epoch(self, first: int = 0) -> None:
        """Begins an epoch at a step."""
        self.at, self.first, self.end = 0, first, self._per_epoch
        self._losses.clear()

    def release(self) -> None:
        """Takes this out of the model."""
        self._model.train_function = None

    def look(self, epoch: int, seconds_between: float = 0.0) -> None:
        """Looks whether the loss is finite: NaN and infinity stay in the mean that Keras keeps over the epoch.

        Args:
            epoch: The epoch, from 0.
            seconds_between: Looks only if the last time is so long ago: fetching a loss makes an accelerator wait.

        Raises:
            DlkitError: It is not (`not-a-number`); the step is named.
        """
        now = time.monotonic()
        if not self._losses or now - self._looked < seconds_between:
            return
        self._looked = now
        if not _is_finite(self._losses[-1][1]):
            step, value = next((step, value) for step, value in self._losses if not _is_finite(value))
            raise not_a_number("loss", float(value), f"in {self._told(step)} of epoch {epoch + 1}")
        self._losses.clear()

    def _told(self, step: int) -> str:
        last = min(step + self._model.steps_per_execution, self._per_epoch)
        return f"step {last}" if last == step + 1 else f"one of the steps {step + 1} to {last}"


def not_a_number(name: str, value: float, where: str) -> DlkitError:
    """The error of a loss that is not finite."""
    return DlkitError(
        f"The {name} became {value} {where}.",
        "Lower the learning rate, clip the gradients (`clipnorm`), or look for values in the data that are not numbers.",
        "not-a-number",
    )


def _is_finite(value: Any) -> bool:
    return value is None or math.isfinite(float(value))
