"""Same seed, same numbers, also a second time in the same process."""

from __future__ import annotations

import random

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlkit.training.determinism import seed_everything


def draws() -> list[float]:
    return [
        random.random(),
        float(np.random.random()),
        float(tf.random.uniform(())),
        float(tf.random.get_global_generator().uniform(())),
        float(keras.random.uniform(())),
        float(keras.ops.mean(keras.layers.Dense(3)(np.ones((1, 4))))),
        float(keras.ops.mean(keras.layers.Dropout(0.5)(np.ones((1, 64)), training=True))),
    ]


def test_every_generator_starts_anew():
    seed_everything(5, deterministic=False)
    first = draws()
    assert draws() != first
    seed_everything(5, deterministic=False)
    assert draws() == first
    seed_everything(6, deterministic=False)
    assert all(one != other for one, other in zip(draws()[:6], first[:6], strict=True))


def test_what_draws_before_does_not_move_keras_s_global_generator():
    seed_everything(5, deterministic=False)
    expected = float(keras.random.uniform(()))
    seed_everything(5, deterministic=False)
    random.random()
    assert float(keras.random.uniform(())) == expected


@pytest.mark.parametrize("deterministic", [True, False])
def test_deterministic_ops_are_switched_on_when_asked(deterministic: bool, monkeypatch: pytest.MonkeyPatch):
    # Not for real: there is no way back, and other tests share this process.
    calls = []
    monkeypatch.setattr(tf.config.experimental, "enable_op_determinism", lambda: calls.append(1))
    seed_everything(1, deterministic=deterministic)
    assert bool(calls) is deterministic
