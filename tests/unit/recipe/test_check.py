"""How components are told apart from values, and what is said of mistaken ones."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dlkit.recipe.diagnostics import RecipeError
from dlkit.recipe.load import Recipe

Read = Callable[..., Recipe]


@pytest.mark.parametrize(
    ("rate", "value"),
    [("0.1", 0.1), ("1", 1.0), ("1/4", 0.25), ("$data.validation", 0.1)],
)
def test_a_number_in_the_place_of_a_schedule(read: Read, rate: str, value: float) -> None:
    recipe = read(f"training: {{epochs: 1, optimizer: {{SGD: {{learning_rate: {rate}}}}}}}")
    found = recipe.config.training.optimizer.arguments["learning_rate"]
    assert (type(found), found) == (float, value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SGD: {learning_rate: [0.1]}", "a number or a schedule belongs here, not a list"),
        ("SGD: {learning_rate: fast}", "there is no schedule `fast`"),
        ("SGD: {learning_rate: 0.1s}", '`learning_rate` takes a number or a schedule, not the text "0.1s"'),
        ("SGD: {learning_rate: true}", "`learning_rate` takes a number or a schedule, not `true`"),
        ("SGD: {learning_rate: null}", "`learning_rate` of SGD takes a number or a schedule, not nothing (null)"),
        ("SGD: {learning_rate: {a: 1, b: 2}}", "a schedule is one name with its arguments; found `a`, `b`"),
        ("SGD: {momentum: {x: 1}}", "`momentum` of SGD takes a number, not a mapping"),
        ("SGD: {momentum: -1}", "`momentum` of SGD is -1, but must be at least 0 and at most 1"),
        ("SGD: {momentum: -1e40}", "`momentum` of SGD is -1e30 or less, but must be at least 0 and at most 1"),
        ("SGD: {momentum: 1e40}", "`momentum` of SGD is 1e30 or more, but must be at least 0 and at most 1"),
        ("SGD: 5", "the arguments of `SGD` are a mapping, not the number 5"),
        ("[SGD]: {}", "a key is a single word or text"),
        ("{}", "an optimizer belongs here, not a mapping"),
        ("Dense: {units: 1}", "`Dense` is a layer, not an optimizer"),
    ],
)
def test_messages(read: Read, text: str, message: str) -> None:
    written = text if text == "{}" else f"{{{text}}}"
    with pytest.raises(RecipeError) as raised:
        read(f"training: {{epochs: 1, optimizer: {written}}}")
    assert [found.message for found in raised.value.diagnostics] == [message]


@pytest.mark.parametrize(
    ("beside", "message"),
    [
        ("units: 3", "`units` stands beside `Dense`"),
        ("units: 3\n      name: a", "`units`, `name` stand beside `Dense`"),
    ],
)
def test_arguments_beside_their_layer(read: Read, beside: str, message: str) -> None:
    text = f"model:\n  sequential:\n    - Dense:\n      {beside}\n    - Flatten\n    - Dense: {{units: 10}}\n"
    with pytest.raises(RecipeError) as raised:
        read(text)
    assert [found.message for found in raised.value.diagnostics] == [f"{message}, not under it"]


def test_null_where_keras_takes_it(read: Read) -> None:
    text = "model: {sequential: [Flatten, {Dense: {units: 10, kernel_regularizer: null, activation: null}}]}"
    arguments = read(text).graphs["model"].layers["dense"].arguments
    assert arguments == {"units": 10, "kernel_regularizer": None, "activation": None}


def test_a_component_that_is_a_reference_is_checked_as_what_it_stands_for(read: Read) -> None:
    text = "model: {sequential: [Flatten, {Dense: {units: 4, kernel_initializer: HeNormal, name: one}}, "
    text += "{Dense: {units: 10, kernel_initializer: $model.one.kernel_initializer}}]}"
    layers = read(text).graphs["model"].layers
    assert layers["dense"].arguments["kernel_initializer"] == layers["one"].arguments["kernel_initializer"]
