"""Every optimizer that a recipe can name: from the recipe it takes the steps that it takes by hand."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from dlkit.models.instantiate import instantiate
from dlkit.recipe.catalogue import catalogue
from dlkit.recipe.diagnostics import RecipeError
from dlkit.recipe.load import load

NAMES = sorted(
    name
    for name in catalogue().names("optimizer")
    if (spec := catalogue().find("optimizer", name)) and not spec.refused and not spec.alias_of
)
COMMON: list[dict[str, Any]] = [
    {},
    {"clipnorm": 0.1},
    {"clipvalue": 0.05},
    {"global_clipnorm": 0.1},
    {"weight_decay": 0.1},
    {"use_ema": True, "ema_momentum": 0.5},
    {"loss_scale_factor": 8.0},
    {"gradient_accumulation_steps": 2},
]


def of_recipe(name: str, arguments: dict[str, Any]) -> Any:
    recipe = load(
        {
            "name": "test/optimizer",
            "data": {"source": "digits"},
            "model": {"sequential": ["Flatten", {"Dense": {"units": 10}}]},
            "training": {"epochs": 1, "optimizer": {name: arguments}},
        }
    )
    return instantiate(recipe.config.training.optimizer)


def trained(optimizer: Any) -> list[np.ndarray]:
    """The weights of a small network after four steps."""
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(16, 5)).astype("float32"), generator.normal(size=(16, 2)).astype("float32")
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(4, activation="tanh"), keras.layers.Dense(2)])
    model.compile(optimizer, "mse", run_eagerly=True)
    for _ in range(4):
        model.train_on_batch(x, y)
    return model.get_weights()


@pytest.mark.parametrize("name", NAMES)
def test_from_a_recipe_it_steps_as_by_hand(name: str) -> None:
    for arguments in ({}, {"learning_rate": 0.01}):
        made, by_hand = (
            trained(each) for each in (of_recipe(name, arguments), getattr(keras.optimizers, name)(**arguments))
        )
        for here, there in zip(made, by_hand, strict=True):
            np.testing.assert_array_equal(here, there)


@pytest.mark.parametrize("arguments", COMMON, ids=str)
@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_what_all_optimizers_take(name: str, arguments: dict[str, Any]) -> None:
    made, by_hand = (
        trained(each) for each in (of_recipe(name, arguments), getattr(keras.optimizers, name)(**arguments))
    )
    for here, there in zip(made, by_hand, strict=True):
        np.testing.assert_array_equal(here, there)


def test_a_clipped_gradient_is_as_long_as_it_may_be() -> None:
    """With SGD at a rate of one, the step is the gradient."""
    start, whole = trained(of_recipe("SGD", {"learning_rate": 1e-12})), []
    for limit in ({}, {"global_clipnorm": 0.01}):
        keras.utils.set_random_seed(1)
        model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(4, activation="tanh"), keras.layers.Dense(2)])
        model.compile(of_recipe("SGD", {"learning_rate": 1.0, **limit}), "mse", run_eagerly=True)
        generator = np.random.default_rng(0)
        x, y = generator.normal(size=(16, 5)).astype("float32"), generator.normal(size=(16, 2)).astype("float32")
        before = model.get_weights()
        model.train_on_batch(x, y)
        step = [old - new for old, new in zip(before, model.get_weights(), strict=True)]
        whole.append(float(np.sqrt(sum(np.square(part).sum() for part in step))))
    assert len(start) == 4
    assert whole[0] > 0.1 and whole[1] == pytest.approx(0.01, rel=1e-4)


def test_an_optimizer_that_is_none_is_told() -> None:
    with pytest.raises(RecipeError, match="did you mean `Adam`"):
        of_recipe("Adamm", {})
