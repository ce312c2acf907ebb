"""The rollout some_name against errors by hand."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from dlkit.data.arrays import Arrays
from dlkit.evaluation.rollouts.some_name import some_name
from dlkit.recipe.facts import Continues, Target


def test_its_errors() -> None:
    past = np.arange(6, dtype="float32").reshape(3, 2, 1)
    split = Arrays({"past": past}, {"future": np.array([[1.5], [3.0], [7.0]], "float32")})
    last = keras.Sequential([keras.Input((2, 1), name="past"), keras.layers.Cropping1D((1, 0)), keras.layers.Flatten()])
    found = some_name(last, split, "future", Target("number", (1,), continues=Continues("past", (0,))), steps=3)
    assert found["by_step"] == pytest.approx([0.5, 0.0, 2.0])
