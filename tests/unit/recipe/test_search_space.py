"""`tune.space`: paths and ranges, checked before a sweep begins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dlkit.recipe.load import Recipe

Read = Callable[..., Recipe]
Told = Callable[..., list[tuple[str, int, str]]]

BASE = """\
model:
  sequential:
    - Flatten
    - Dense: {units: 16, activation: relu, name: hidden}
    - Dropout: {rate: 0.1}
    - Dense: {units: 10, name: head}
training: {epochs: 2, optimizer: {Adam: {learning_rate: 1e-3}}}
"""


def space(entry: str) -> str:
    return f"{BASE}tune:\n  algorithm: {{random: {{trials: 3}}}}\n  space:\n    {entry}\n"


@pytest.mark.parametrize(
    "entry",
    [
        "training.optimizer.learning_rate: {float: [1e-4, 1e-2], sampling: log}",
        "training.optimizer.Adam.learning_rate: {float: [1e-4, 1]}",
        "training.optimizer.clipnorm: {choice: [null, 1.0]}",
        "model.sequential.hidden.units: {int: [8, 64], step: 8}",
        "model.sequential.hidden.activation: {choice: [relu, tanh, gelu]}",
        "model.sequential.dropout.rate: {float: [0.0, 0.6], step: 0.1}".replace("dropout", "Dropout"),
        "model.sequential.hidden.repeat: {int: [0, 3]}",
        "model.sequential.hidden.use_bias: bool",
        "model.sequential.hidden.use_bias: {bool: true}",
        "data.batch_size: {choice: [16, 32]}",
        "data.limit: {choice: [100, {per_class: 5}, $data.batch_size]}",
        "seed: {int: [1, 10]}",
        "training.optimizer: {choice: [Adam, {Adam: {learning_rate: 1e-2}}, {SGD: {momentum: 0.9}}]}",
        "training.optimizer: {choice: [{Adam: {}}, SGD]}\n    training.optimizer.SGD.momentum: {float: [0.0, 0.9]}",
        "training.optimizer: {choice: [{Adam: {}}, SGD]}\n    training.optimizer.momentum: {float: [0.0, 0.9]}",
        "training.callbacks: {choice: [[], [{EarlyStopping: {patience: 1}}]]}",
        "model: {choice: [{sequential: [Flatten, {Dense: {units: 10}}]}, {mlp: {units: [10], activation: linear}}]}",
    ],
)
def test_spaces(read: Read, entry: str) -> None:
    config = read(space(entry)).config
    assert config.tune is not None
    assert len(config.tune.space) == entry.count("\n") + 1


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("training.optimizer.learning_rat: {float: [0.1, 1]}", [("unknown-path", "training.optimizer.learning_rat")]),
        ("training.optimizer.learning_rate: {float: [-1, 1]}", [("out-of-range", "-1")]),
        ("training.optimizer.learning_rate: {float: [0.1]}", [("wrong-value", "[0.1]")]),
        ("training.optimizer.learning_rate: {float: [0.1, ten]}", [("wrong-type", "ten")]),
        ("training.optimizer.learning_rate: {float: [0.1, .inf]}", [("wrong-type", ".inf")]),
        (
            "training.optimizer.learning_rate: {float: [0.0, 1.0], sampling: log}",
            [("wrong-range", "[0.0, 1.0]"), ("out-of-range", "0.0")],
        ),
        ("training.optimizer.learning_rate: {float: [0.5, 0.1]}", [("wrong-range", "[0.5, 0.1]")]),
        ("training.optimizer.learning_rate: [0.1, 0.5]", [("wrong-type", "[0.1, 0.5]")]),
        ("training.optimizer.learning_rate: {flaot: [0.1, 0.5]}", [("unknown-key", "flaot")]),
        ("training.optimizer.learning_rate: {}", [("wrong-range", "training.optimizer.learning_rate")]),
        ("training.optimizer.amsgrad: {int: [0, 1]}", [("wrong-type", "0"), ("wrong-type", "1")]),
        ("model.sequential.hidden.units: {float: [8.0, 9.0]}", [("wrong-type", "8.0"), ("wrong-type", "9.0")]),
        ("model.sequential.hidden.units: {int: [8, 9], step: 0.5}", [("wrong-range", "0.5")]),
        ("model.sequential.hidden.units: {choice: [8, 9], step: 1}", [("wrong-range", "step")]),
        (
            "model.sequential.hidden.units: {int: [8, 9], float: [1.0, 2.0]}",
            [("wrong-range", "model.sequential.hidden.units")],
        ),
        ("model.sequential.hidden.activation: {choice: [relu, rellu]}", [("unknown-activation", "rellu")]),
        ("model.sequential.Dense.units: {int: [8, 9]}", [("unknown-path", "model.sequential.Dense.units")]),
        ("model.sequential.head.units: {choice: [4, 10, 5]}", [("output-size", "4"), ("output-size", "5")]),
        ("model.sequential.head.activation: {choice: [softmax, relu]}", [("no-loss", "relu")]),
        ("training.epochs: {int: [0, 3]}", [("out-of-range", "0")]),
        ("data.limit: {choice: [{per_clas: 5}]}", [("unknown-key", "per_clas")]),
        ("training.optimizer: {choice: [Adam, {SGD: {momentun: 0.9}}]}", [("unknown-argument", "momentun")]),
        (
            "training.optimizer: {choice:\n      [Adam, {SGD:\n        {momentun: 0.9}}]}",
            [("unknown-argument", "momentun")],
        ),
        ("training.optimizer: {choice: [Adm]}", [("unknown-optimizer", "Adm")]),
        ("training.optimizer.momentum: {float: [0.0, 0.9]}", [("unknown-path", "training.optimizer.momentum")]),
        (
            "training.optimiser: {choice: [SGD]}\n    training.optimiser.momentum: {float: [0.1, 0.2]}",
            [("unknown-path", "training.optimiser"), ("unknown-path", "training.optimiser.momentum")],
        ),
        ("name: {choice: [a, b]}", [("unknown-path", "name")]),
        ("tune.seeds: {int: [1, 2]}", [("unknown-path", "tune.seeds")]),
        ("seed: {choice: []}", [("wrong-value", "[]")]),
        ("seed: {choice: [" + "1, " * 400 + "]}", [("too-many-values", "1")]),
    ],
)
def test_mistakes(told: Told, entry: str, expected: list[tuple[str, str]]) -> None:
    assert [(code, token) for code, _, token in told(space(entry))] == expected


def test_a_choice_that_contradicts_the_rest_is_told_with_its_value(read: Read) -> None:
    from dlkit.recipe.diagnostics import RecipeError

    with pytest.raises(RecipeError) as raised:
        read(space("model.sequential.head.units: {choice: [10, 5]}"))
    assert raised.value.diagnostics[0].message == (
        "with `model.sequential.head.units: 5`: 5 outputs cannot tell the 10 classes of `digit` apart"
    )


def test_a_mistake_elsewhere_is_not_told_again_for_every_value(told: Told) -> None:
    text = space("model.sequential.hidden.units: {choice: [8, 16, 0]}").replace("units: 10", "units: 9")
    assert [(code, token) for code, _, token in told(text)] == [("output-size", "Dense"), ("out-of-range", "0")]


@pytest.mark.parametrize(
    ("setting", "left"),
    [
        ("training.optimizer.learning_rate=0.1", ["model.sequential.hidden.units"]),
        ("training.optimizer.Adam.learning_rate=0.1", ["model.sequential.hidden.units"]),
        ("model.sequential.1.units=7", ["training.optimizer.learning_rate"]),
        (
            "training.optimizer={SGD: {momentum: 0.9}}",
            ["training.optimizer.learning_rate", "model.sequential.hidden.units"],
        ),
        ("model={sequential: [Flatten, {Dense: {units: 10}}]}", ["training.optimizer.learning_rate"]),
        ("training.epochs=7", ["training.optimizer.learning_rate", "model.sequential.hidden.units"]),
    ],
)
def test_a_setting_fixes_what_was_searched(read: Read, setting: str, left: list[str]) -> None:
    text = space(
        "training.optimizer.learning_rate: {float: [0.1, 0.2]}\n    model.sequential.hidden.units: {int: [1, 2]}"
    )
    config: Any = read(text, setting).config
    assert list(config.tune.space) == left
