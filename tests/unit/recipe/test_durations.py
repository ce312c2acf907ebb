"""Durations: epochs and shares of the run, counted in optimizer updates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from dlkit.recipe.durations import Steps, in_steps
from dlkit.recipe.load import Recipe

Read = Callable[..., Recipe]


def schedule(read: Read, text: str) -> Any:
    """A schedule as it is built for ten epochs of 25 updates."""
    recipe = read(f"training: {{epochs: 10, optimizer: {{SGD: {{learning_rate: {text}}}}}}}")
    optimizer = in_steps(recipe.config.training.optimizer, recipe.components, Steps(10, 25))
    return optimizer.arguments["learning_rate"].arguments


@pytest.mark.parametrize(
    ("written", "steps"),
    [
        ("100", 100),
        ("{epochs: 2}", 50),
        ("{epochs: 0.5}", 12),
        ("{share: 0.5}", 125),
        ("{share: 1}", 250),
        ("{share: 0.0001}", 1),
    ],
)
def test_steps(read: Read, written: str, steps: int) -> None:
    text = f"{{CosineDecay: {{initial_learning_rate: 0.1, decay_steps: {written}, warmup_steps: {written}}}}}"
    made = schedule(read, text)
    assert (made["decay_steps"], made["warmup_steps"]) == (steps, steps)


def test_updates_take_several_steps_where_gradients_are_accumulated(read: Read) -> None:
    text = "{PiecewiseConstantDecay: {boundaries: [10, {epochs: 2}, {share: 0.8}], values: [1, 0.5, 0.2, 0.1]}}"
    recipe = read(f"training: {{epochs: 10, optimizer: {{SGD: {{learning_rate: {text}}}}}}}")
    made = in_steps(recipe.config.training.optimizer, recipe.components, Steps(10, 25, per_update=4))
    assert made.arguments["learning_rate"].arguments["boundaries"] == [40, 50, 200]


def test_boundaries(read: Read) -> None:
    text = "{PiecewiseConstantDecay: {boundaries: [10, {epochs: 2}, {share: 0.8}], values: [1, 0.5, 0.2, 0.1]}}"
    assert schedule(read, text)["boundaries"] == [10, 50, 200]


@pytest.mark.parametrize(
    "written",
    ["{epochs: 0}", "{share: 1.5}", "{share: 0}", "{steps: 3}", "{epochs: 1, share: 0.5}", "1.5", "{epochs: x}"],
)
def test_mistakes(told: Callable[..., Any], written: str) -> None:
    text = f"{{CosineDecay: {{initial_learning_rate: 0.1, decay_steps: {written}}}}}"
    found = told(f"training: {{epochs: 10, optimizer: {{SGD: {{learning_rate: {text}}}}}}}")
    assert [(code, token) for code, _, token in found] == [("wrong-type", written)]


def test_a_mapping_that_is_no_duration_is_left_as_it_is(read: Read) -> None:
    source = "{python: {function: f, arguments: {epochs: 3}}}"
    recipe = read(f"data: {{source: {source}}}\nmodel: {{sequential: [Flatten]}}")
    made = in_steps(recipe.config.data.source, recipe.components, Steps(10, 25))
    assert made.arguments == {"function": "f", "arguments": {"epochs": 3}}
    unknown = replace(made, name="of_another_recipe")
    assert in_steps(unknown, recipe.components, Steps(10, 25)) == unknown


def test_a_duration_may_be_a_reference(read: Read) -> None:
    text = "{CosineDecay: {initial_learning_rate: 0.1, decay_steps: {epochs: $training.epochs}}}"
    assert schedule(read, text)["decay_steps"] == 250
