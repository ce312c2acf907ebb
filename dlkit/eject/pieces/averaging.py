"""Averages of the weights, which an optimizer with `use_ema` keeps, for validation and for what is saved."""

from __future__ import annotations

from typing import Any

import keras


class AveragesIn(keras.callbacks.Callback):
    """Puts the averages into the model for each validation and for the callbacks behind this one; the first callback."""

    def __init__(self) -> None:
        super().__init__()
        self.are_in = False

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.put_in()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.put_in()

    def put_in(self) -> None:
        """The averages take the place of the weights."""
        if not self.are_in:
            self.swap()

    def swap(self) -> None:
        """Weights and averages change places."""
        self.are_in = not self.are_in
        optimizer = getattr(self.model.optimizer, "inner_optimizer", self.model.optimizer)
        averages = optimizer._model_variables_moving_average
        for variable, average in zip(optimizer._trainable_variables, averages, strict=True):
            value = variable.value.numpy()
            variable.assign(average.value.numpy())
            average.assign(value)


class AveragesOut(keras.callbacks.Callback):
    """Puts the weights back at the end of each epoch; the last callback."""

    def __init__(self, averages: AveragesIn) -> None:
        super().__init__()
        self.averages = averages

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.averages.swap()
