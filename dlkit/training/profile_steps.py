"""TensorBoard's profiler over some steps."""

from __future__ import annotations

from pathlib import Path

import keras
import tensorflow as tf


class ProfileSteps(keras.callbacks.Callback):
    """Records what the steps of a training spend their time on, for TensorBoard's Profile tab.

    Args:
        folder: Where TensorBoard looks for event files; the profile goes below it.
        first: The first step that is recorded, of the steps of the stage, from 0.
        last: The first step that is not.
        steps_per_epoch: Steps of an epoch.
    """

    def __init__(self, folder: Path, first: int, last: int, steps_per_epoch: int) -> None:
        super().__init__()
        self._folder, self._first, self._last = folder, first, last
        self._steps_per_epoch = steps_per_epoch
        self._before_epoch = 0
        self._records = False

    def get_state(self) -> None:
        return None

    def set_state(self, state: None) -> None:
        pass

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._before_epoch = epoch * self._steps_per_epoch

    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        step = self._before_epoch + batch
        if self._records and step >= self._last:
            self._stop()
        elif not self._records and self._first <= step < self._last:
            tf.profiler.experimental.start(str(self._folder))
            self._records = True

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        if self._records:
            self._stop()

    def _stop(self) -> None:
        tf.profiler.experimental.stop()
        self._records = False
