"""The JSON Schema: what editors are told of the language agrees with what `validate` says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dlkit.recipe.diagnostics import RecipeError, Source
from dlkit.recipe.json_schema import schema
from dlkit.recipe.load import parse
from dlkit.recipe.nodes import plain
from dlkit.recipe.yaml_source import read_text

jsonschema = pytest.importorskip("jsonschema")


@pytest.fixture(scope="module")
def accepts() -> Callable[[str], bool]:
    """Whether the schema accepts a text."""
    validator = jsonschema.Draft7Validator(schema())
    return lambda text: validator.is_valid(plain(read_text(Source("text", text))))


def test_it_is_a_schema_whose_references_lead_somewhere() -> None:
    made = schema()
    jsonschema.Draft7Validator.check_schema(made)
    wanted: set[str] = set()

    def collect(value: Any) -> None:
        if isinstance(value, dict):
            wanted.update([value["$ref"]] if "$ref" in value else [])
            for inner in value.values():
                collect(inner)
        elif isinstance(value, list):
            for inner in value:
                collect(inner)

    collect(made)
    assert {f"#/definitions/{name}" for name in made["definitions"]} >= wanted
    assert not any("x-dlkit" in str(key) for key in _keys(made))


def _keys(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*(_keys(inner) for inner in value.values()))
    return set().union(*(_keys(inner) for inner in value)) if isinstance(value, list) else set()


HEAD = "name: a/b\ndata: {source: digits}\ntraining: {epochs: 1}\n"
MODEL = "model: {sequential: [Flatten, {Dense: {units: 10}}]}\n"


@pytest.mark.parametrize(
    "text",
    [
        HEAD + MODEL,
        HEAD
        + "model: {sequential: [{reuse: {layer: a}}, my_block, {my_block: {x: 1}}, run:latest, {mlp: {units: [3]}}]}",
        HEAD + "model: {sequential: [{'recipe:a/b': {layer: x, trainable: false, name: y}}, recipe:../a.yaml]}",
        HEAD + "model: {functional: {inputs: [a], layers: [{Add: {from: [a, b], repeat: 2}}], outputs: {x: y}}}",
        "training: {callbacks+: [EarlyStopping], loss: null}",
        "training: {epochs: $data.batch_size, optimizer: $x, callbacks: $y}",
        "data: {source: digits, limit: {per_class: 3}, batch_size: $training.epochs}",
        "training: {optimizer: {Adam: {learning_rate: {CosineDecay: {initial_learning_rate: 1, decay_steps: {share: 1}}}}}}",
        "tune: {algorithm: {random: {trials: 3}}, space: {a.b: {float: [0.1, 1]}, c: bool}}",
        "training: {stages: [{name: a, freeze: ['*'], callbacks+: []}]}",
    ],
)
def test_what_is_valid_is_accepted(accepts: Callable[[str], bool], text: str) -> None:
    assert accepts(text)


@pytest.mark.parametrize(
    "text",
    [
        MODEL + "training: {epoch: 1}",
        "model: {sequental: [Flatten]}",
        "model: {sequential: [{'recipe:a/b': {layr: x}}]}",
        "model: {sequential: [Flaten]}",
        "model: {sequential: [{Dense: {unit: 10}}]}",
        "model: {sequential: [{Dense: {units: ten}}]}",
        "model: {sequential: [{Dense: {units: 0}}]}",
        "model: {sequential: [{Dense: {activation: relu}}]}",
        "model: {sequential: [{Dense: {units: 1}, Flatten: {}}]}",
        "model: {sequential: [{Conv2D: {filters: 1, kernel_size: 3, padding: Same}}]}",
        "model: {sequential: [Lambda]}",
        "model: {sequential: [{reuse: {from: a}}]}",
        "training: {optimizer: {Adm: {}}}",
        "training: {callbacks: EarlyStopping}",
        "data: {source: digits, batch_size: 0}",
        "data: {source: digits, features: []}",
        "name: My Recipe",
        "seed: one",
    ],
)
def test_what_is_a_mistake_is_refused_by_both(accepts: Callable[[str], bool], text: str) -> None:
    assert not accepts(text)
    with pytest.raises(RecipeError):
        parse(text)
