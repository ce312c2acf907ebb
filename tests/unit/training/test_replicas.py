"""Copies of a model draw apart; `tests/system/test_devices.py` trains on two devices."""

from __future__ import annotations

from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlkit.training.replicas import prepare_for_replicas


def test_every_replica_has_seeds_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = keras.random.SeedGenerator(3)
    expected = [np.asarray(generator.next()).tolist() for _ in range(2)]
    dropout = keras.layers.Dropout(0.5, seed=3)
    prepare_for_replicas(keras.Sequential([keras.Input((4,)), dropout]))
    found = []
    for number, replicas in ((0, 1), (0, 2), (1, 2)):
        dropout.seed_generator.state.assign(keras.random.SeedGenerator(3).state)
        context = SimpleNamespace(num_replicas_in_sync=replicas, replica_id_in_sync_group=number)
        with monkeypatch.context() as patched:
            patched.setattr(tf.distribute, "get_replica_context", lambda context=context: context)
            found.append([np.asarray(dropout.seed_generator.next()).tolist() for _ in range(2)])
    alone, first, second = found
    assert alone == expected  # as Keras has it, where there is one
    assert all(one != other for one, other in zip(first, second, strict=True))
