"""Dotted paths: every form that the contract has, to what is written and to what is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dlkit.recipe.components import Components
from dlkit.recipe.diagnostics import Source
from dlkit.recipe.nodes import Mapping, from_plain, plain
from dlkit.recipe.paths import PathError, Paths
from dlkit.recipe.yaml_source import read_text

RECIPE = """\
data: {source: digits, validation: 0.2}
blocks:
  unit:
    arguments: {filters: $required, rate: 0.1}
    layers:
      - Conv2D: {filters: $filters, kernel_size: 3}
      - Dropout: {rate: $rate}
model:
  sequential:
    - Rescaling: {scale: 1/16}
    - unit: {filters: 8}
    - unit: {filters: 16, name: second}
    - Flatten
    - Dense: {units: 32}
    - Dropout: {rate: 0.4, name: dropout}
    - mlp: {units: [8]}
    - Dense: {units: 10}
training:
  epochs: 3
  callbacks:
    - EarlyStopping: {patience: 5}
    - {ReduceLROnPlateau: {patience: 1}}
    - ReduceLROnPlateau
  stages:
    - {name: first, epochs: 2}
  metrics_by_output: {digit: [{AUC: {name: area}}]}
"""


def root(text: str = RECIPE) -> Mapping:
    made = read_text(Source("text", text))
    assert isinstance(made, Mapping)
    return made


def find(path: str, text: str = RECIPE) -> Any:
    return plain(Paths(Components()).find(root(text), path).node)


def put(path: str, value: Any, text: str = RECIPE) -> Any:
    return plain(Paths(Components()).put(root(text), path, lambda step: from_plain(value)))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("data.validation", 0.2),
        ("model.sequential.Rescaling.scale", 1 / 16),
        ("model.sequential.0.Rescaling.scale", 1 / 16),
        ("model.sequential.0.scale", 1 / 16),
        ("model.Rescaling.scale", 1 / 16),
        ("model.sequential.dropout.rate", 0.4),
        ("model.sequential.dropout.Dropout.rate", 0.4),
        ("model.sequential.Dropout.rate", 0.4),
        ("model.sequential.second.filters", 16),
        ("model.sequential.mlp.units", [8]),
        ("model.mlp.units.0", 8),
        ("training.callbacks.EarlyStopping.patience", 5),
        ("training.callbacks.1.patience", 1),
        ("training.stages.first.epochs", 2),
        ("training.stages.0.epochs", 2),
        ("training.metrics_by_output.digit.area.name", "area"),
        ("blocks.unit.arguments.rate", 0.1),
        ("blocks.unit.layers.Dropout.rate", "$rate"),
    ],
)
def test_what_is_written(path: str, value: Any) -> None:
    assert find(path) == value


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("data.batch_size", 32),
        ("training.optimizer", "Adam"),
        ("training.optimizer.learning_rate", 0.001),
        ("training.optimizer.Adam.beta_1", 0.9),
        ("training.optimizer.SGD.momentum", 0.0),
        ("training.best.monitor", "val_loss"),
        ("training.checkpoint.every", "auto"),
        ("training.callbacks.EarlyStopping.monitor", "val_loss"),
        ("training.callbacks.2.factor", 0.1),
        ("training.stages.first.precision", "float32"),
        ("model.sequential.Flatten.data_format", None),
        ("model.sequential.second.rate", 0.1),
        ("model.sequential.second.repeat", None),
        ("model.sequential.4.kernel_initializer.seed", None),
        ("training.optimizer.learning_rate.CosineDecay.alpha", 0.0),
        ("tune.seeds", 1),
        ("seed", 1),
    ],
)
def test_what_is_not_written_but_known(path: str, value: Any) -> None:
    assert find(path) == value


@pytest.mark.parametrize(
    ("path", "message", "cure"),
    [
        ("trainig.epochs", "there is no `trainig`", "did you mean `training`?"),
        ("training.optimizer.lerning_rate", "`Adam` has no argument `lerning_rate`", "did you mean `learning_rate`?"),
        ("training.optimizer.Adm.learning_rate", "`Adam` has no argument `Adm`", "did you mean `Adam`?"),
        ("model.sequential.Dense.units", "leads to 2 places: `Dense` occurs in the list at 4, 7", "by its index"),
        ("model.sequential.unit.filters", "leads to 2 places", "give it a `name`"),
        ("model.sequential.droput.rate", "the list has no item `droput`", "did you mean `dropout`?"),
        ("model.sequential.8.units", "the list has 8 items, counted from 0", ""),
        ("model.sequential.second.filtrs", "`unit` has no argument `filtrs`", "did you mean `filters`?"),
        ("data.validation.share", "there is nothing inside the value before `share`", ""),
        ("training.loss.from_logits", "no component is written before `from_logits`", "write the component first"),
        ("data..source", "is no path", "words with dots"),
        ("", "is no path", "words with dots"),
        (".".join(["model"] * 100), "it has 100 words", "60"),
    ],
)
def test_paths_that_lead_nowhere(path: str, message: str, cure: str) -> None:
    with pytest.raises(PathError) as raised:
        find(path)
    assert message in raised.value.message
    assert cure in raised.value.cure


def changed(before: Any, *path: str | int, to: Any) -> Any:
    """A copy of plain values with another one in a place."""
    head, *rest = path
    made = before.copy()
    made[head] = changed(made[head], *rest, to=to) if rest else to
    return made


def test_put_changes_nothing_else() -> None:
    before = plain(root())
    assert put("data.validation", 0.3) == changed(before, "data", "validation", to=0.3)
    assert put("model.sequential.dropout.rate", 0.3) == changed(
        before, "model", "sequential", 5, "Dropout", "rate", to=0.3
    )
    assert put("training.callbacks.2.factor", 0.5) == changed(
        before, "training", "callbacks", 2, to={"ReduceLROnPlateau": {"factor": 0.5}}
    )


def test_put_makes_what_is_needed_on_the_way() -> None:
    made = put("training.optimizer.learning_rate", 0.1)
    assert made["training"]["optimizer"] == {"Adam": {"learning_rate": 0.1}}
    made = put("training.optimizer.learning_rate.CosineDecay.decay_steps", 9)
    assert made["training"]["optimizer"] == {"Adam": {"learning_rate": {"CosineDecay": {"decay_steps": 9}}}}
    assert put("tune.space", {}, "{}") == {"tune": {"space": {}}}


def test_paths_into_the_kinds_of_networks() -> None:
    assert put("model.mlp.dropout", 0.5, "model: {mlp: {units: [8]}}") == {
        "model": {"mlp": {"units": [8], "dropout": 0.5}}
    }
    assert put("model.dropout", 0.5, "model: {mlp: {units: [8]}}") == {"model": {"mlp": {"units": [8], "dropout": 0.5}}}
    text = "model: {functional: {inputs: [a], layers: [{Dense: {units: 1, name: b}}]}}"
    assert put("model.functional.outputs", "b", text)["model"]["functional"]["outputs"] == "b"
    assert put("model.layers.b.units", 2, text)["model"]["functional"]["layers"] == [
        {"Dense": {"units": 2, "name": "b"}}
    ]
    text = "model: {gan: {latent_size: 2, generator: {sequential: [ReLU]}}}"
    assert put("model.gan.generator.sequential.ReLU.max_value", 6, text)["model"]["gan"]["generator"] == {
        "sequential": [{"ReLU": {"max_value": 6}}]
    }


def test_put_over_another_component_replaces_it() -> None:
    made = put("training.optimizer.SGD.momentum", 0.9, "training: {optimizer: {Adam: {learning_rate: 0.1}}}")
    assert made["training"]["optimizer"] == {"SGD": {"momentum": 0.9}}


def test_a_layer_of_the_name_of_an_architecture_is_not_the_model() -> None:
    made = put("model.mlp.units", [9])
    assert [*made["model"]] == ["sequential"]
    assert made["model"]["sequential"][6] == {"mlp": {"units": [9]}}


@pytest.mark.parametrize(
    "paths",
    [
        ("training.optimizer.learning_rate", "training.optimizer.Adam.learning_rate"),
        (
            "model.sequential.dropout.rate",
            "model.sequential.5.rate",
            "model.dropout.Dropout.rate",
            "model.Dropout.rate",
        ),
        ("training.callbacks.EarlyStopping.patience", "training.callbacks.0.patience"),
    ],
)
def test_all_ways_to_write_a_path_are_one_path_in_full(paths: tuple[str, ...]) -> None:
    walker = Paths(Components())
    assert len({walker.find(root(), path).words for path in paths}) == 1


def test_the_same_paths_serve_every_part_of_the_language(read: Callable[..., Any]) -> None:
    text = "model: {sequential: [Flatten, {Dropout: {rate: 0.1}}, {Dense: {units: 10, name: head}}]}"
    path = "model.sequential.Dropout.rate"
    in_set = read(f"{text}\nset: {{{path}: 0.2}}")
    said = read(text, f"{path}=0.2")
    quick = read(f"{text}\nquick: {{set: {{{path}: 0.2}}}}")
    referred = read(
        f"{text.replace('Flatten', '{Dropout: {rate: $model.sequential.dropout.rate}}, Flatten')}".replace(
            "{Dropout: {rate: 0.1}}", "{Dropout: {rate: 0.2, name: dropout}}"
        )
    )
    for recipe in (in_set, said, referred):
        dropout = next(layer for layer in recipe.graphs["model"].layers.values() if layer.name == "Dropout")
        assert dropout.arguments == {"rate": 0.2}
    assert quick.config.quick.set == {path: 0.2}
