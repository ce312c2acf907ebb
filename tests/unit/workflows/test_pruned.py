"""Runs pruned, and trained on: a CNN on digits."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

import dlkit
from dlkit.errors import DlkitError
from dlkit.recipe.load import load, parse
from dlkit.workflows.evaluate import raw_feed
from dlkit.workflows.preparation import prepare
from dlkit.workflows.pruned import pruned_model
from dlkit.workflows.run import Run

EPOCHS = {"training.epochs": 8}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return dlkit.train(load("digits/cnn", EPOCHS), runs_dir=tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def tuned(run: Run) -> keras.Model:
    return pruned_model(run.folder, "best", 0.8, finetune_epochs=2)


def sparsity(model: keras.Model) -> float:
    """The share of zeros in all kernels."""
    kernels = [keras.ops.convert_to_numpy(weight) for weight in model.weights if weight.name == "kernel"]
    return sum(int((kernel == 0).sum()) for kernel in kernels) / sum(kernel.size for kernel in kernels)


def accuracy(model: keras.Model, run: Run) -> float:
    test = prepare(load(run.folder.recipe)).raw.test
    assert test is not None
    told = model.predict(raw_feed(run.recipe, test, model), verbose=0)
    (labels,) = test.targets.values()
    return float(np.mean(told.argmax(axis=-1) == np.ravel(labels)))


def test_without_fine_tuning_the_saved_weights_are_cut(run: Run) -> None:
    model = pruned_model(run.folder, "best", 0.8)
    assert sparsity(model) == pytest.approx(0.8, abs=1e-4)
    for before, after in zip(run.model.weights, model.weights, strict=True):
        old, new = map(keras.ops.convert_to_numpy, (before, after))
        assert np.all((new == old) | (new == 0))


def test_fine_tuning_brings_back_what_pruning_cost(run: Run, tuned: keras.Model) -> None:
    assert sparsity(tuned) == pytest.approx(0.8, abs=1e-4)
    assert accuracy(tuned, run) > run.metrics["test_accuracy"] - 0.05
    assert accuracy(pruned_model(run.folder, "best", 0.8), run) < run.metrics["test_accuracy"] - 0.2


def test_what_comes_out_takes_raw_pixels_and_has_the_layers_of_the_run(run: Run, tuned: keras.Model) -> None:
    assert tuned.get_config() == run.model.get_config()
    assert not tuned.compiled


def test_it_repeats_bit_for_bit_and_leaves_the_run_as_it_was(run: Run, tuned: keras.Model) -> None:
    before = {path: path.stat().st_mtime_ns for path in run.folder.path.rglob("*") if path.is_file()}
    again = pruned_model(run.folder, "best", 0.8, finetune_epochs=2)
    for first, second in zip(tuned.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)
    assert {path: path.stat().st_mtime_ns for path in run.folder.path.rglob("*") if path.is_file()} == before


def test_averages_and_callbacks_of_the_recipe_do_not_undo_it(tmp_path: Path) -> None:
    recipe = load(
        "digits/cnn",
        {
            "training.epochs": 1,
            "data.limit": 200,
            "training.optimizer": {"Adam": {"learning_rate": 0.002, "use_ema": True}},
            "training.callbacks": [{"EarlyStopping": {"patience": 1, "restore_best_weights": True}}],
        },
    )
    run = dlkit.train(recipe, runs_dir=tmp_path)
    model = pruned_model(run.folder, "last", 0.5, schedule="constant", finetune_epochs=1)
    assert sparsity(model) == pytest.approx(0.5, abs=1e-4)


def test_what_learns_without_gradients_is_not_fine_tuned(tmp_path: Path) -> None:
    recipe = parse("name: test/perceptron\ndata: {source: iris}\nmodel: perceptron\ntraining: {epochs: 1}\n")
    run = dlkit.train(recipe, runs_dir=tmp_path)
    with pytest.raises(DlkitError, match="learns as `perceptron`") as refused:
        pruned_model(run.folder, "best", 0.5, finetune_epochs=1)
    assert refused.value.code == "cannot-fine-tune"
