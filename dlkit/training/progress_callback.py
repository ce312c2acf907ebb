"""Tells a display how a training goes."""

from __future__ import annotations

import keras

from dlkit.training.callbacks import BestModel
from dlkit.training.progress import Display, Plan, Values
from dlkit.training.steps import Steps


class ProgressCallback(keras.callbacks.Callback):
    """Stands after `best`, so that it knows whether the epoch was the best so far.

    Args:
        display: What shows it. Whoever made it stops it, for Keras does not say when a training fails.
        plan: What is trained.
        best: The callback that keeps the best model, if any.
        steps: The steps that are run.
    """

    def __init__(self, display: Display, plan: Plan, best: BestModel | None, steps: Steps) -> None:
        super().__init__()
        self._display = display
        self._plan = plan
        self._best = best
        self._steps = steps
        self._epoch = 0

    def get_state(self) -> None:
        return None

    def set_state(self, state: None) -> None:
        pass

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        self._display.start(self._plan)

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._epoch = epoch

    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        self._display.step(self._epoch + 1, batch, self._values)

    def on_test_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        self._display.validating(batch)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        is_best = self._best is not None and self._best.best_epoch == epoch
        self._display.epoch_done(epoch + 1, logs or {}, is_best)

    def _values(self) -> Values:
        # Not from the model: where several processes train, none of them can ask for all metrics by itself.
        return {name: float(value) for name, value in self._steps.logs.items() if len(value.shape) == 0}
