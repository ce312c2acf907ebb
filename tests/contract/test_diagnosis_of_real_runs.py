"""Diagnosis of real runs: small perceptrons on digits, each made to go wrong in one way, and recipes that go right."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

import dlkit
from dlkit.errors import DlkitError
from dlkit.evaluation.diagnosis import Diagnosis, diagnose, known_of, read_curves
from dlkit.recipe.load import Recipe, load, parse
from dlkit.runs.folder import RunFolder

CHANCE = math.log(10)  # the classes of digits are as frequent as each other
MLP = """
name: mlp
data: {source: digits}
model:
  sequential:
    - Rescaling: {scale: 1/16}
    - Flatten
    - Dense: {units: 32, activation: relu, name: hidden}
    - Dense: {units: $data.classes}
training: {epochs: 20, optimizer: {SGD: {learning_rate: 0.1}}}
"""

# Linear, so that what processors round otherwise does not grow: a deep network at such a rate learns otherwise on each.
LINE = """
name: line
seed: 1
data:
  source: diabetes
  batch_size: 8
  preprocess: {table: [Normalization], progression: [Normalization]}
model: {sequential: [Dense: {units: 1, kernel_initializer: {RandomNormal: {stddev: 3.0}}}]}
training: {epochs: 30, loss: MeanSquaredError, optimizer: {SGD: {learning_rate: 0.08}}}
"""


@pytest.fixture
def diagnosed(tmp_path: Path) -> Any:
    """Trains a recipe, and gives the diagnosis of its curves."""

    def train(recipe: Recipe) -> list[Diagnosis]:
        try:
            folder = dlkit.train(recipe, runs_dir=tmp_path).folder
        except DlkitError as error:
            assert error.code == "not-a-number"
            (path,) = (tmp_path / recipe.name).iterdir()
            folder = RunFolder(path)
        return diagnose(read_curves(folder.read_metrics(), CHANCE), known_of(recipe))

    return train


def kinds(found: list[Diagnosis]) -> list[str]:
    return [one.kind for one in found]


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_a_learning_rate_a_hundred_times_too_high(diagnosed: Any, momentum: float) -> None:
    sgd = {"SGD": {"learning_rate": 10.0, "momentum": momentum}}
    assert kinds(diagnosed(parse(MLP, {"training.optimizer": sgd}))) == ["learning rate too high"]


@pytest.mark.parametrize("rate", [1e-3, 1e-5])
def test_a_learning_rate_a_hundred_times_too_low_and_less(diagnosed: Any, rate: float) -> None:
    found = diagnosed(parse(MLP, {"training.optimizer.learning_rate": rate}))
    assert kinds(found) == ["learning rate too low"]


def test_a_large_network_on_a_hundred_examples(diagnosed: Any) -> None:
    changes = {"data.limit": 100, "model.sequential.hidden.units": 512, "training.epochs": 50}
    found = diagnosed(parse(MLP, {**changes, "training.optimizer": {"Adam": {"learning_rate": 0.003}}}))
    assert kinds(found) == ["over-fitting"]
    assert found[0].cures[0].setting == "data.limit=null"


def test_a_network_that_sees_the_brightness_alone(diagnosed: Any) -> None:
    layers = [{"Rescaling": {"scale": 0.0625}}, "GlobalAveragePooling2D", {"Dense": {"units": "$data.classes"}}]
    changes = {"model.sequential": layers, "training.optimizer": {"Adam": {"learning_rate": 0.03}}}
    assert kinds(diagnosed(parse(MLP, changes))) == ["under-fitting"]


def test_one_hidden_unit(diagnosed: Any) -> None:
    hidden = {
        "model.sequential.hidden.units": 1,
        "model.sequential.hidden.activation": "sigmoid",
        "training.epochs": 30,
    }
    rate = {"Adam": {"learning_rate": {"CosineDecay": {"initial_learning_rate": 0.03, "decay_steps": {"share": 1}}}}}
    assert kinds(diagnosed(parse(MLP, {**hidden, "training.optimizer": rate}))) == ["under-fitting"]


def test_three_epochs(diagnosed: Any) -> None:
    assert kinds(diagnosed(parse(MLP, {"training.epochs": 3}))) == ["not converged"]


def test_three_epochs_that_end_at_a_rate_of_zero_leave_open_what_more_would_do(diagnosed: Any) -> None:
    assert diagnosed(load("digits/cnn", {"training.epochs": 3})) == []


def test_ten_epochs_at_a_moderate_rate(diagnosed: Any) -> None:
    found = diagnosed(parse(MLP, {"training.epochs": 10, "training.optimizer.learning_rate": 0.01}))
    assert kinds(found) == ["not converged"]
    assert found[0].cures[0].setting == "training.epochs=20"


def test_a_constant_high_rate(diagnosed: Any) -> None:
    found = diagnosed(parse(LINE))
    assert kinds(found) == ["plateau"]
    assert "CosineDecay" in str(found[0].cures[0].setting)


def test_the_recipe_as_it_is_has_no_diagnosis(diagnosed: Any) -> None:
    assert diagnosed(load("digits/cnn")) == []


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_a_plain_perceptron_has_no_diagnosis(diagnosed: Any, momentum: float) -> None:
    sgd = {"SGD": {"learning_rate": 0.1, "momentum": momentum}}
    assert diagnosed(parse(MLP, {"training.optimizer": sgd})) == []
