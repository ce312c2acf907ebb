"""A callback of Keras that is put back goes on as the one that was left alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import pytest

from dlkit.training.callback_state import restore_callback, state_of_callback

LOSSES = [1.0, 0.9, 0.95, 0.96, 0.97, 0.98, 0.99]


def stopping() -> keras.callbacks.Callback:
    return keras.callbacks.EarlyStopping(monitor="val_loss", patience=4)


def lowering() -> keras.callbacks.Callback:
    return keras.callbacks.ReduceLROnPlateau(monitor="val_loss", patience=2, factor=0.5, cooldown=2)


def begun(make: Callable[[], keras.callbacks.Callback], rate: float = 0.5) -> keras.callbacks.Callback:
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(rate), "mse")
    model.stop_training = False  # as `fit` begins
    callback = make()
    callback.set_model(model)
    callback.on_train_begin()
    return callback


def told(callback: keras.callbacks.Callback, losses: Sequence[float], first: int = 0) -> list[tuple[bool, float]]:
    """After each epoch, whether the training is to end, and the rate."""
    found = []
    for epoch, loss in enumerate(losses, start=first):
        callback.on_epoch_end(epoch, {"val_loss": loss})
        found.append((bool(callback.model.stop_training), float(callback.model.optimizer.learning_rate)))
    return found


@pytest.mark.parametrize("make", [stopping, lowering])
def test_it_counts_on_from_where_it_was(make: Callable[[], Any]) -> None:
    alone = told(begun(make), LOSSES)
    assert len(set(alone)) > 1  # something happens
    for cut in range(1, len(LOSSES)):
        before = begun(make)
        assert told(before, LOSSES[:cut]) == alone[:cut]
        after = begun(make, rate=alone[cut - 1][1])
        after.model.stop_training = alone[cut - 1][0]
        restore_callback(after, state_of_callback(before))
        assert told(after, LOSSES[cut:], cut) == alone[cut:]
