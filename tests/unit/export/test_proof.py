"""How a file is held against its model."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from dlkit.data.arrays import Arrays
from dlkit.export.as_model import KerasRuntime, as_model
from dlkit.export.proof import Difference, difference, loss_of
from dlkit.export.servable import whole
from dlkit.recipe.facts import Feature

FEATURES = {"x": Feature("vector", (3,))}


@pytest.fixture(scope="module")
def model() -> keras.Model:
    keras.utils.set_random_seed(1)
    x = keras.Input((3,), name="x")
    return keras.Model(x, {"a": keras.layers.Dense(2)(x), "b": keras.layers.Dense(1)(x)})


def split(rows: int = 5) -> Arrays:
    return Arrays({"x": np.random.default_rng(1).normal(size=(rows, 3)).astype("float32")}, {})


def told(servable):
    return {
        name: {"shape": list(tensor.shape), "dtype": tensor.dtype, "target": name}
        for name, tensor in zip(servable.outputs, servable.model.outputs, strict=True)
    }


def test_a_runtime_as_a_model_gives_what_it_gives(model):
    servable = whole(model, "")
    wrapped = as_model(KerasRuntime(servable), FEATURES, told(servable))
    assert difference(model, wrapped, split(), 2).largest == 0


def test_the_largest_difference_of_all_examples_counts(model):
    servable = whole(model, "")
    right = KerasRuntime(servable)

    def wrong(features):
        made = right(features)
        made["b"] = made["b"] + 0.5 * (np.arange(len(made["b"]))[:, None] == 1)
        return made

    found = difference(model, as_model(wrong, FEATURES, told(servable)), split(4), 4)
    assert found.largest == pytest.approx(0.5, abs=1e-6)
    outputs = model.predict_on_batch(split(4).features["x"])
    assert found.scale == pytest.approx(max(np.abs(each).max() for each in outputs.values()))


def test_a_tolerance_is_of_the_largest_output():
    assert Difference(1e-3, 20.0).within(1e-4)
    assert not Difference(1e-3, 2.0).within(1e-4)
    assert not Difference(1e-5, 1e-3).within(1e-4)  # of outputs that are all small, too
    assert not Difference(float("nan"), 2.0).within(1.0)
    assert Difference(0.0, 0.0).within(1e-4)


def test_what_is_lost():
    assert loss_of("max", 0.98, 0.96) == pytest.approx(0.02)
    assert loss_of("max", 0.96, 0.98) < 0
    assert loss_of("min", 4.0, 5.0) == pytest.approx(0.25)
    assert loss_of(None, 4.0, 3.5) == loss_of(None, 3.5, 4.0) == 0.5
    assert not loss_of("max", 0.9, float("nan")) <= 1.0
