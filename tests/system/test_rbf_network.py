"""A radial basis function network from its recipe to its files: learned, repeated and resumed to the bit, loaded by Keras."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from dlkit.recipe.load import load, parse
from dlkit.workflows.preparation import build_model, prepare
from dlkit.workflows.resume import resume
from dlkit.workflows.run import Run
from dlkit.workflows.train import train

RECIPE = """
name: test/rbf
seed: 3
data: {source: digits, batch_size: 64, limit: 600}
model:
  sequential:
    - Rescaling: {scale: 1/16}
    - rbf_network: {units: 40, outputs: $data.classes, trainable: true}
training:
  epochs: 6
  optimizer: {Adam: {learning_rate: 0.03}}
"""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rbf") / "recipe.yaml"
    path.write_text(RECIPE.lstrip("\n"))
    return path


@pytest.fixture(scope="module")
def whole(path: Path) -> Run:
    return train(load(path), runs_dir=path.parent)


def weights(run: Run) -> list[bytes]:
    return [weight.tobytes() for weight in keras.models.load_model(run.folder.last_model).get_weights()]


def test_it_learns_and_keras_alone_loads_it(whole: Run) -> None:
    assert whole.metrics["test_accuracy"] > 0.8
    assert not (whole.folder.path / "custom_layers.py").exists()


def test_training_moves_the_centers(path: Path, whole: Run) -> None:
    def centers(model: keras.Model) -> np.ndarray:
        return model.get_layer("rbf_network.basis").get_layer("centers").get_weights()[0]

    fixed = train(load(path, {"model.sequential.rbf_network.trainable": False}), runs_dir=path.parent)
    found, moved = (centers(keras.models.load_model(run.folder.last_model)) for run in (fixed, whole))
    assert 0.01 < np.abs(found - moved).mean() < 0.5


def test_the_same_recipe_gives_the_same_weights(path: Path, whole: Run) -> None:
    assert weights(train(load(path), runs_dir=path.parent)) == weights(whole)


def test_a_run_that_goes_on_ends_as_one_that_was_left_alone(path: Path, whole: Run) -> None:
    cut = train(load(path, {"training.stop_after": {"steps": 13}}), runs_dir=path.parent)
    assert weights(cut) != weights(whole)
    assert weights(resume(cut.folder, ["training.stop_after=null"])) == weights(whole)


def test_fixed_ones_may_come_before_the_network() -> None:
    """As any layer that learns from the examples, where nothing of it is trained."""
    recipe = parse(
        "name: t\nseed: 1\ndata:\n  source: iris\n  preprocess:\n    table: [Normalization, radial_basis: {units: 7}]\n"
        "model: {sequential: [{Dense: {units: 3}}]}\ntraining: {epochs: 1}\n"
    )
    assert build_model(prepare(recipe)).model.input_shape == (None, 7)
