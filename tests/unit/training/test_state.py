"""An exact state puts back what decides on the next draws; `tests/system/test_exact_resume.py` holds whole runs to it."""

from __future__ import annotations

import random

import keras
import numpy as np
import tensorflow as tf

from dlkit.training.determinism import seed_everything
from dlkit.training.state import Position, State


def drawn() -> list[float]:
    """A number of each generator that a layer or a plugin may draw by."""
    numbers = (
        random.random(),
        np.random.random(),
        tf.random.get_global_generator().normal([]),
        keras.random.normal(()),
    )
    return [float(number) for number in numbers]


def test_every_generator_is_put_back() -> None:
    seed_everything(1, deterministic=False)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.ones((4, 2), "float32")
    model.fit(x, x[:, :1], verbose=0)
    state = State.of(model, (), Position())
    first = drawn()
    second = drawn()
    state.restore(model, ())
    assert drawn() == first
    assert all(one != other for one, other in zip(first, second, strict=True))
