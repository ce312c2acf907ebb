"""The space of a search: what its values are told by, when they exist, and what they make of the recipe."""

from __future__ import annotations

import pytest

from dlkit.recipe.load import Recipe, parse, varied
from dlkit.tuning.space import Space

RECIPE = """
name: a/b
data: {{source: digits}}
model: {{sequential: [Flatten, {{Dense: {{units: 16, name: hidden}}}}, {{Dense: {{units: 10}}}}]}}
training: {{epochs: 2}}
tune:
  algorithm: {{random: {{trials: 3}}}}
  space:
{entries}
"""


def searched(*entries: str) -> Recipe:
    return parse(RECIPE.format(entries="\n".join(f"    {entry}" for entry in entries)))


def of(*entries: str) -> Space:
    return Space.of(searched(*entries))


@pytest.mark.parametrize(
    ("choices", "labels"),
    [
        ("[relu, tanh]", ["relu", "tanh"]),
        ("[1, 2]", [1, 2]),
        ("[1, 2.5]", [1.0, 2.5]),
        ("[null, 1.0]", ["null", "1.0"]),
        ("[Adam, {SGD: {momentum: 0.9}}]", ["Adam", "SGD"]),
        (
            "[{SGD: {momentum: 0.9}}, {SGD: {momentum: 0.5}}]",
            ['{"SGD": {"momentum": 0.9}}', '{"SGD": {"momentum": 0.5}}'],
        ),
    ],
)
def test_a_choice_is_told_by_what_it_is_or_by_its_name(choices: str, labels: list[object]) -> None:
    path = "training.optimizer" if "SGD" in choices else "model.sequential.hidden.activation"
    if labels[0] in (1, 1.0):
        path = "training.optimizer.clipnorm"
    if labels[0] == "null":
        path = "training.optimizer.clipnorm"
    (dimension,) = of(f"{path}: {{choice: {choices}}}").dimensions
    assert list(dimension.choices) == labels


def test_what_exists_under_a_choice_alone_stands_behind_it_and_says_so() -> None:
    space = of(
        "training.optimizer.momentum: {float: [0.0, 0.9]}",
        "training.optimizer.learning_rate: {float: [1e-4, 1e-2], sampling: log}",
        "training.optimizer: {choice: [{Adam: {}}, SGD, RMSprop]}",
    )
    found = {each.path: dict(each.only_with) for each in space.dimensions}
    assert list(found)[-1] == "training.optimizer.momentum"
    assert found["training.optimizer.momentum"] == {"training.optimizer": ("SGD", "RMSprop")}
    assert found["training.optimizer.learning_rate"] == found["training.optimizer"] == {}


def test_what_exists_under_a_choice_under_a_choice_names_both() -> None:
    space = of(
        "training.optimizer: {choice: [Adam, {SGD: {learning_rate: {CosineDecay: {initial_learning_rate: 0.1, decay_steps: 9}}}}]}",
        "training.optimizer.SGD.learning_rate: {choice: [0.1, {ExponentialDecay: "
        "{initial_learning_rate: 0.1, decay_steps: 5, decay_rate: 0.9}}]}",
        "training.optimizer.SGD.learning_rate.decay_rate: {float: [0.5, 0.9]}",
    )
    assert dict(space.dimensions[-1].only_with) == {
        "training.optimizer": ("SGD",),
        "training.optimizer.SGD.learning_rate": ("ExponentialDecay",),
    }


def test_the_values_of_a_trial_are_set_in_the_recipe_in_their_order() -> None:
    recipe = searched(
        "training.optimizer.momentum: {float: [0.0, 0.9], step: 0.1}",
        "training.optimizer: {choice: [Adam, SGD]}",
        "model.sequential.hidden.repeat: {int: [0, 3]}",
        "model.sequential.hidden.use_bias: bool",
    )
    space = Space.of(recipe)
    values = {
        "training.optimizer.momentum": 0.1 * 3,
        "training.optimizer": "SGD",
        "model.sequential.hidden.repeat": 2,
        "model.sequential.hidden.use_bias": False,
        "tuner/epochs": 4,
    }
    told = space.told(values)
    assert told["training.optimizer.momentum"] == 0.3
    made = varied(recipe, space.settings(told))
    assert made.config.training.optimizer.arguments == {"momentum": 0.3}
    assert made.config.tune is None
    layers = made.graphs["model"].layers
    assert [layer.arguments["use_bias"] for name, layer in layers.items() if name.startswith("hidden")] == [False] * 2


def test_a_reference_to_what_is_searched_follows_it() -> None:
    recipe = parse(
        RECIPE.format(entries="    model.sequential.hidden.units: {int: [8, 64]}")
        .replace(
            "{Dense: {units: 16, name: hidden}}",
            "{Dense: {units: 16, name: hidden}}, {Dense: {units: $data.batch_size}}",
        )
        .replace("model.sequential.hidden.units", "data.batch_size")
    )
    made = varied(recipe, {"data.batch_size": 48})
    assert [layer.arguments.get("units") for layer in made.graphs["model"].layers.values()] == [None, 16, 48, 10]


def test_keras_tuner_is_told_the_same() -> None:
    made = of(
        "training.optimizer.learning_rate: {float: [1e-4, 1e-2], sampling: log}",
        "model.sequential.hidden.units: {int: [8, 64], step: 8}",
        "model.sequential.hidden.use_bias: bool",
        "training.optimizer: {choice: [Adam, SGD]}",
        "training.optimizer.momentum: {float: [0.0, 0.9]}",
    ).hyperparameters()
    names = {each.name: each for each in made.space}
    assert names["training.optimizer.learning_rate"].sampling == "log"
    assert (names["model.sequential.hidden.units"].step, names["model.sequential.hidden.units"].max_value) == (8, 64)
    assert type(names["model.sequential.hidden.use_bias"]).__name__ == "Boolean"
    (condition,) = names["training.optimizer.momentum"].conditions
    assert (condition.name, condition.values) == ("training.optimizer", ["SGD"])
