"""Free runs against loops in NumPy."""

from __future__ import annotations

import inspect

import keras
import numpy as np
import pytest

from dlkit.data.arrays import Arrays
from dlkit.data.sources._generated_series import forecasts
from dlkit.errors import DlkitError
from dlkit.evaluation.rollouts.free_running import free_running
from dlkit.recipe.facts import Continues, Target
from dlkit.recipe.task_metrics import STEPS

SERIES = np.sin(np.arange(80) / 3).astype("float32") + np.random.default_rng(1).normal(0, 0.1, 80).astype("float32")
TARGET = Target("number", (1,), "float32", continues=Continues("past", (0,)))


def linear(weights: np.ndarray) -> keras.Model:
    """The values to come as weighted sums of the past, of shape (history, horizon)."""
    dense = keras.layers.Dense(weights.shape[1], use_bias=False)
    model = keras.Sequential([keras.Input((len(weights), 1)), keras.layers.Flatten(), dense])
    dense.set_weights([weights])
    return model


@pytest.mark.parametrize("horizon", [1, 3])
def test_it_goes_on_from_its_own_forecasts(horizon: int) -> None:
    weights = np.random.default_rng(2).normal(0, 0.4, (5, horizon)).astype("float32")
    split = forecasts(SERIES, 5, horizon).train
    found = free_running(linear(weights), split, "future", TARGET, steps=8, starts=1_000)
    errors = []
    for start in range(len(split) - 8 + 1):
        window = SERIES[start : start + 5].astype(float)
        made: list[float] = []
        while len(made) < 8:
            told = window @ weights
            made += list(told)
            window = np.concatenate([window, told])[-5:]
        errors.append(np.array(made[:8]) - SERIES[start + 5 : start + 13])
    deviation = SERIES[5 : 5 + len(split)].std()
    np.testing.assert_allclose(found["by_step"], np.sqrt(np.square(errors).mean(axis=0)) / deviation, rtol=1e-4)
    last = found["paths"][-1]
    assert last["row"] == len(split) - 8
    np.testing.assert_allclose(np.array(last["predicted"]) - last["truth"], errors[-1], atol=1e-5)


def test_several_variables_go_back_to_their_places() -> None:
    series = np.random.default_rng(3).normal(size=(30, 2)).astype("float32")
    past = np.stack([series[n : n + 2] for n in range(28)])
    split = Arrays({"past": past}, {"future": series[2:][:, None, ::-1]})
    target = Target("number", (1, 2), "float32", continues=Continues("past", (1, 0)))
    swapped = keras.Sequential([keras.Input((2, 2)), keras.layers.Lambda(lambda x: x[:, -1:, ::-1])])
    found = free_running(swapped, split, "future", target, steps=4, starts=2)
    np.testing.assert_array_equal(found["paths"][0]["predicted"], [series[1, 1]] * 4)


def test_what_it_refuses() -> None:
    model, split = linear(np.ones((5, 1), "float32")), forecasts(SERIES, 5, 1).train
    with pytest.raises(DlkitError, match="100 steps need as many examples, and there are 75"):
        free_running(model, split, "future", TARGET, steps=100)
    with pytest.raises(DlkitError, match="the examples do not follow each other"):
        free_running(model, split.take(np.arange(0, 75, 2)), "future", TARGET, steps=5)
    with pytest.raises(DlkitError, match="the target is no forecast"):
        free_running(model, split, "future", Target("number"), steps=5)
    with pytest.raises(DlkitError, match="more than what it forecasts"):
        later = Target("number", (1,), continues=Continues("past", (0,), offset=2))
        free_running(model, split, "future", later, steps=5)
    with pytest.raises(DlkitError, match="not numbers"):
        free_running(linear(np.full((5, 1), 1e30, "float32")), split, "future", TARGET, steps=5)


def test_its_name_tells_the_steps_that_it_takes() -> None:
    assert inspect.signature(free_running).parameters["steps"].default == STEPS
