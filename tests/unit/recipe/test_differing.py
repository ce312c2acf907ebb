"""Where recipes differ."""

from __future__ import annotations

from typing import Any

import pytest

from dlkit.recipe.differing import ABSENT, differences, value_text

CONV: dict[str, Any] = {"Conv2D": {"filters": 32}}


def told(*recipes: Any) -> dict[str, tuple[Any, ...]]:
    return {each.path: each.values for each in differences(recipes)}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({"seed": 1, "data": {"batch_size": 32}}, {"data": {"batch_size": 32}, "seed": 1}, {}),
        ({"seed": 1}, {"seed": 2}, {"seed": (1, 2)}),
        ({"a": {"b": 1, "c": {"d": 2}}}, {"a": {"b": 1, "c": {"d": 3}}}, {"a.c.d": (2, 3)}),
        ({"a": 1}, {"a": 1, "b": {"c": 2}}, {"b": (ABSENT, {"c": 2})}),
        ({"x": [64, 1]}, {"x": [64, 3]}, {"x": ([64, 1], [64, 3])}),
        ({"x": None}, {"x": {"y": 1}}, {"x": (None, {"y": 1})}),
    ],
)
def test_values_by_their_paths(one: Any, other: Any, expected: Any) -> None:
    assert told(one, other) == expected


def test_a_component_differs_in_its_arguments_or_as_a_whole() -> None:
    adam, slow, sgd = {"Adam": {"learning_rate": 1e-3}}, {"Adam": {"learning_rate": 1e-4}}, {"SGD": {"momentum": 0.9}}
    assert told({"optimizer": adam, "x": 1}, {"optimizer": slow, "x": 1}) == {
        "optimizer.Adam.learning_rate": (1e-3, 1e-4)
    }
    assert told({"optimizer": adam, "x": 1}, {"optimizer": sgd, "x": 1}) == {"optimizer": (adam, sgd)}
    assert told({"optimizer": adam, "x": 1}, {"optimizer": "Adam", "x": 1}) == {
        "optimizer.Adam.learning_rate": (1e-3, ABSENT)
    }
    assert told({"optimizer": "Adam", "x": 1}, {"optimizer": "SGD", "x": 1}) == {"optimizer": ("Adam", "SGD")}


def test_a_layer_that_is_put_in_is_one_difference() -> None:
    dropout = {"Dropout": {"rate": 0.5}}
    before, after = [CONV, "Flatten"], ["ReLU", CONV, dropout, "Flatten"]
    assert told(before, after) == {"ReLU": (ABSENT, "ReLU"), "Dropout": (ABSENT, dropout)}


def test_items_of_one_component_are_numbered_and_named_ones_go_by_their_names() -> None:
    dense = [{"Dense": {"units": 8}}, {"Dense": {"units": 8}}, {"Dense": {"units": 10, "name": "classifier"}}]
    wider = [{"Dense": {"units": 8}}, {"Dense": {"units": 16}}, {"Dense": {"units": 3, "name": "classifier"}}]
    assert told({"a": dense}, {"a": wider}) == {"a.Dense#2.units": (8, 16), "a.classifier.units": (10, 3)}
    assert told({"a": dense[:1]}, {"a": wider[:2]}) == {"a.Dense#2": (ABSENT, {"Dense": {"units": 16}})}


def test_stages_go_by_their_names() -> None:
    one = [{"name": "head", "epochs": 3}, {"name": "all", "epochs": 5}]
    other = [{"name": "head", "epochs": 4}, {"name": "all", "epochs": 5}]
    assert told({"stages": one}, {"stages": other}) == {"stages.head.epochs": (3, 4)}


def test_the_order_of_layers_counts() -> None:
    assert told({"a": ["ReLU", CONV, "Flatten"]}, {"a": [CONV, "ReLU", "Flatten"]}) == {
        "a (order)": (["ReLU", "Conv2D", "Flatten"], ["Conv2D", "ReLU", "Flatten"])
    }


def test_several_recipes() -> None:
    assert told({"a": 1, "b": 1}, {"a": 1, "b": 2}, {"a": 1}) == {"b": (1, 2, ABSENT)}
    assert told({"a": 1}, {"a": 1}, {"a": 1}) == {}


def test_values_as_they_are_read() -> None:
    assert value_text({"a": [1, True, None], "b": {}, "c": 1e-05}) == "{a: [1, true, null], b: {}, c: 1e-05}"
    assert value_text(ABSENT) == "–"
