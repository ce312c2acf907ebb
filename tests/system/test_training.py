"""A recipe trained end to end: what the run folder holds, that it repeats bit for bit, that Keras alone loads the model."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import keras
import numpy as np
import pytest

import dlkit
from dlkit.errors import DlkitError
from dlkit.recipe.load import load, parse
from dlkit.runs.folder import RunFolder
from dlkit.workflows.evaluate import evaluate
from dlkit.workflows.predict import predict
from dlkit.workflows.preparation import prepare
from dlkit.workflows.run import Run

SHORT = {"training.epochs": 2, "data.limit": 300}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return dlkit.train(load("digits/cnn", SHORT), runs_dir=tmp_path_factory.mktemp("runs"))


def weights(run: Run) -> bytes:
    return b"".join(np.ascontiguousarray(array).tobytes() for array in run.model.get_weights())


def test_the_run_folder_holds_what_the_contract_says(run: Run) -> None:
    folder = run.folder
    assert folder.path.parent.name == "cnn"
    names = {path.name for path in folder.path.iterdir() if not path.name.startswith(".")}
    assert names == {
        *("recipe.yaml", "provenance.json", "status.json", "metrics.jsonl", "tensorboard", "best.keras", "model.keras"),
        *("preprocessing.json", "evaluation.json", "log.txt", "checkpoints", "figures"),
    }
    assert folder.state() == "finished"
    lines = folder.read_metrics()
    assert [line["epoch"] for line in lines] == [1, 2]
    assert {"loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"} <= set(lines[0])
    provenance = json.loads(folder.provenance.read_text())
    assert provenance["seeds"] == {"seed": 1}
    assert len(provenance["data_fingerprint"]) == 64
    assert provenance["chosen"]["training.best"] == {"monitor": "val_loss", "mode": "auto"}
    assert json.loads(folder.evaluation.read_text())["metrics"] == run.metrics
    assert list(folder.tensorboard.rglob("events.out.tfevents.*"))
    assert "epoch 2/2" in folder.log.read_text()


def test_the_kept_recipe_trains_to_the_same_weights_bit_for_bit(run: Run, tmp_path: Path) -> None:
    again = dlkit.train(load(run.folder.recipe), runs_dir=tmp_path)
    assert weights(again) == weights(run)
    assert again.metrics == run.metrics
    keep = ("loss", "accuracy", "val_loss", "val_accuracy")
    first, second = ([[line[key] for key in keep] for line in each.folder.read_metrics()] for each in (run, again))
    assert first == second


def test_another_seed_gives_other_weights(run: Run, tmp_path: Path) -> None:
    other = dlkit.train(load("digits/cnn", {**SHORT, "seed": 2}), runs_dir=tmp_path)
    assert weights(other) != weights(run)


def test_keras_alone_loads_the_model_and_it_takes_raw_pixels(run: Run, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 17, size=(5, 8, 8, 1), dtype=np.uint8)
    np.save(tmp_path / "pixels.npy", pixels)
    script = """
        import sys, keras, numpy as np
        model = keras.models.load_model(sys.argv[1])
        np.save(sys.argv[3], model.predict(np.load(sys.argv[2]), verbose=0))
        assert "dlkit" not in sys.modules
        assert model.inputs[0].dtype == "uint8", model.inputs[0].dtype
    """
    arguments = [str(run.folder.best_model), str(tmp_path / "pixels.npy"), str(tmp_path / "out.npy")]
    subprocess.run([sys.executable, "-c", textwrap.dedent(script), *arguments], check=True, cwd=tmp_path, timeout=300)
    np.testing.assert_allclose(np.load(tmp_path / "out.npy"), run.predict(pixels), rtol=1e-5, atol=1e-6)


def test_evaluating_again_gives_the_same(run: Run) -> None:
    assert evaluate(run.folder).metrics == run.metrics


def test_the_test_is_of_the_best_model_and_not_of_the_last(tmp_path: Path) -> None:
    # The worst epoch of all is called the best, so that it is not the last one.
    chosen = {**SHORT, "training.epochs": 3, "training.best": {"monitor": "val_loss", "mode": "max"}}
    run = dlkit.train(load("digits/cnn", chosen), runs_dir=tmp_path)
    losses = [line["val_loss"] for line in run.folder.read_metrics()]
    assert losses[-1] < max(losses)
    test = prepare(load(run.folder.recipe)).splits.test
    assert test is not None
    best, last = (keras.models.load_model(path) for path in (run.folder.best_model, run.folder.last_model))
    for model in (best, last):
        model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    measured, other = (
        model.evaluate(np.asarray(test.features["image"]), np.asarray(test.targets["digit"]), verbose=0)
        for model in (best, last)
    )
    assert run.metrics["test_loss"] == pytest.approx(measured, rel=1e-5)
    assert abs(measured - other) > 0.01


def test_predictions_carry_names_and_probabilities(run: Run, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 17, size=(3, 8, 8, 1), dtype=np.uint8)
    np.save(tmp_path / "x.npy", pixels)
    rows = predict(run.folder, [tmp_path / "x.npy"])
    logits = np.asarray(run.predict(pixels), dtype="float64")
    expected = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    for row, shares in zip(rows, expected, strict=True):
        told = row.targets["digit"]
        assert told.value == str(shares.argmax())
        assert told.probabilities is not None
        np.testing.assert_allclose([told.probabilities[str(n)] for n in range(10)], shares, rtol=1e-4)
        assert list(told.probabilities.values()) == sorted(told.probabilities.values(), reverse=True)


def test_without_validation_the_training_loss_chooses_the_best(tmp_path: Path) -> None:
    run = dlkit.train(load("digits/cnn", {**SHORT, "data.validation": 0}), runs_dir=tmp_path)
    chosen = json.loads(run.folder.provenance.read_text())["chosen"]
    assert chosen["training.best"]["monitor"] == "loss"
    assert "val_loss" not in run.folder.read_metrics()[0]
    assert run.folder.best_model.is_file()


def test_schedules_count_updates_of_the_whole_run(tmp_path: Path) -> None:
    schedule = {
        "PolynomialDecay": {"initial_learning_rate": 0.1, "end_learning_rate": 0.0, "decay_steps": {"share": 0.5}}
    }
    changes = {"training.epochs": 4, "data.limit": 320, "training.optimizer": {"SGD": {"learning_rate": schedule}}}
    run = dlkit.train(load("digits/cnn", changes), runs_dir=tmp_path)
    rates = [line["learning_rate"] for line in run.folder.read_metrics()]
    assert rates == pytest.approx([0.05, 0.0, 0.0, 0.0], abs=1e-6)


def test_the_early_stop_of_keras_ends_the_run(tmp_path: Path) -> None:
    stop = [{"EarlyStopping": {"monitor": "val_loss", "min_delta": 100.0, "patience": 1}}]
    run = dlkit.train(
        load("digits/cnn", {**SHORT, "training.epochs": 9, "training.callbacks": stop}), runs_dir=tmp_path
    )
    assert len(run.folder.read_metrics()) == 2


def test_what_callbacks_write_lies_in_the_run_folder(tmp_path: Path) -> None:
    callbacks = [{"CSVLogger": {"filename": "curves.csv"}}, {"TensorBoard": {"histogram_freq": 1}}]
    run = dlkit.train(load("digits/cnn", {**SHORT, "training.callbacks": callbacks}), runs_dir=tmp_path)
    assert (run.folder.path / "curves.csv").read_text().count("\n") == 3
    assert list(run.folder.tensorboard.rglob("events.out.tfevents.*"))


PLUGIN = """
import dlkit, keras

@dlkit.register
class ScaledDense(keras.layers.Layer):
    "A dense layer whose output is scaled."

    def __init__(self, units: int, scale: float = 2.0, **kwargs):
        super().__init__(**kwargs)
        self.units, self.scale = units, scale
        self.dense = keras.layers.Dense(units)

    def build(self, input_shape):
        self.dense.build(input_shape)

    def call(self, inputs):
        return self.scale * self.dense(inputs)

    def get_config(self):
        return {**super().get_config(), "units": self.units, "scale": self.scale}
"""
WITH_PLUGIN = """
name: with_plugin
plugins: [layers.py]
data: {source: iris}
model: {sequential: [Normalization, {scaled_dense: {units: 8}}, {Dense: {units: $data.classes}}]}
training: {epochs: 2}
"""


def test_plugins_run_only_where_they_are_allowed(tmp_path: Path) -> None:
    (tmp_path / "layers.py").write_text(PLUGIN)
    (tmp_path / "recipe.yaml").write_text(WITH_PLUGIN)
    with pytest.raises(DlkitError) as caught:
        dlkit.train(load(tmp_path / "recipe.yaml"), runs_dir=tmp_path / "runs")
    assert caught.value.code == "plugins-not-allowed"
    run = dlkit.train(load(tmp_path / "recipe.yaml", allow_plugins=True), runs_dir=tmp_path / "runs")
    assert (run.folder.path / "plugins" / "layers.py").read_text() == PLUGIN
    assert run.predict(np.zeros((2, 4), "float32")).shape == (2, 3)
    fresh = Run(RunFolder(run.folder.path))
    with pytest.raises(DlkitError):
        fresh.model  # noqa: B018


def test_regression_and_tables(tmp_path: Path) -> None:
    text = """
name: progression
data: {source: diabetes, batch_size: 16}
model: {sequential: [Normalization, {Dense: {units: 16, activation: relu}}, {Dense: {units: 1}}]}
training: {epochs: 20, optimizer: {Adam: {learning_rate: 0.02}}}
"""
    run = dlkit.train(parse(text), runs_dir=tmp_path)
    errors = ("mean_absolute_error", "root_mean_squared_error")
    assert set(run.metrics) == {"test_loss", "test_r2", "test_nrmse", *(f"test_{name}" for name in errors)}
    assert run.metrics["test_root_mean_squared_error"] == pytest.approx(run.metrics["test_loss"] ** 0.5, rel=1e-4)
    # The mean of the training targets is off by about 77.
    assert run.metrics["test_root_mean_squared_error"] < 70


def test_metrics_with_a_threshold_are_given_probabilities(tmp_path: Path) -> None:
    text = """
name: diagnosis
data: {source: breast_cancer}
model: {sequential: [Normalization, {Dense: {units: 1}}]}
training: {epochs: 5, metrics: [{BinaryAccuracy: {name: accuracy}}, Precision, Recall, AUC]}
"""
    run = dlkit.train(parse(text), runs_dir=tmp_path)
    prepared = dlkit.recipe.load.load(run.folder.recipe)
    from sklearn.metrics import accuracy_score, precision_score, recall_score

    test = prepare(prepared).splits.test
    assert test is not None
    positive = run.predict(test.features["table"])[:, 0] > 0
    truth = test.targets["diagnosis"]
    assert run.metrics["test_accuracy"] == pytest.approx(accuracy_score(truth, positive))
    assert run.metrics["test_precision"] == pytest.approx(precision_score(truth, positive))
    assert run.metrics["test_recall"] == pytest.approx(recall_score(truth, positive))
