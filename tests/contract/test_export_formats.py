"""Every format of export: what it writes is run by its own runtime, gives what the model gives, and is gone if it does not."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlkit.cli.start import start_tensorflow
from dlkit.errors import DlkitError
from dlkit.export import proof
from dlkit.export.as_model import KerasRuntime
from dlkit.export.format import formats
from dlkit.export.servable import whole
from dlkit.export.settings import Settings
from dlkit.recipe.load import load
from dlkit.runs.folder import RunFolder
from dlkit.workflows.export import calibration, export
from dlkit.workflows.predict import load_model, predict
from dlkit.workflows.preparation import prepare
from dlkit.workflows.recipe_file import recipe_of
from dlkit.workflows.train import train

RECIPE = {
    "name": "small/cnn",
    "data": {"source": "digits", "batch_size": 64},
    "model": {
        "sequential": [
            {"Rescaling": {"scale": 1 / 16}},
            {"RandomTranslation": {"height_factor": 0.1, "width_factor": 0.1}},
            {"Conv2D": {"filters": 8, "kernel_size": 3, "strides": 2}},
            "BatchNormalization",
            "ReLU",
            "Flatten",
            {"Dropout": {"rate": 0.1}},
            {"Dense": {"units": 10, "name": "classifier"}},
        ]
    },
    "training": {"epochs": 3, "optimizer": {"Adam": {"learning_rate": 1e-2}}},
    "expect": {"test_accuracy": {"at_least": 0.7}},
}
# Attention, with GELU, in mixed precision: ONNX and LiteRT have neither of the last two.
MIXED = {
    **RECIPE,
    "name": "small/vit",
    "model": {
        "sequential": [
            {"Rescaling": {"scale": 1 / 16}},
            {"vit": {"patch_size": 2, "depth": 1, "width": 16, "heads": 2}},
            {"Dense": {"units": 10, "dtype": "float32"}},
        ]
    },
    "training": {"epochs": 6, "optimizer": {"Adam": {"learning_rate": 1e-2}}, "precision": "mixed_bfloat16"},
}
KINDS = [(name, quantize) for name, known in formats().items() for quantize in (None, *known.quantizations)]
IDS = [f"{name}-{quantize or 'float32'}" for name, quantize in KINDS]


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> RunFolder:
    start_tensorflow()
    return train(load(RECIPE), runs_dir=tmp_path_factory.mktemp("runs")).folder


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "some.npy"
    np.save(path, np.random.default_rng(1).integers(0, 17, (5, 8, 8, 1)).astype("uint8"))
    return path


@pytest.mark.parametrize(("name", "quantize"), KINDS, ids=IDS)
def test_a_format(run, pictures, name, quantize, tmp_path):
    known = formats()[name]
    exported = export(run, Settings(name, quantize))
    assert exported.file == exported.folder / known.file and exported.file.exists()
    assert [each.name for each in run.exports.iterdir() if each.name.startswith(".")] == []

    # What was found is so: the file opened again gives it.
    found = exported.manifest
    values = json.loads((exported.folder / "export.json").read_text())
    assert values == json.loads(json.dumps(dataclasses.asdict(found)))
    assert found.inputs["image"]["dtype"] == "uint8" and found.outputs["digit"]["shape"][-1] == 10
    assert found.bytes_before == 4 * run_model(run).count_params()
    if quantize is None:
        assert found.metric is None and found.largest_difference <= 1e-4 * found.scale
        assert found.metrics["test_accuracy"]["after"] == found.metrics["test_accuracy"]["before"]
    else:
        assert found.metric == "test_accuracy" and found.largest_difference > 0
        assert found.metrics["test_accuracy"]["after"] >= found.metrics["test_accuracy"]["before"] - 0.02
    evaluation = json.loads(run.evaluation.read_text())["metrics"]
    assert found.metrics["test_accuracy"]["before"] == pytest.approx(evaluation["test_accuracy"], abs=1e-6)

    images = np.load(pictures)
    made = known.load().open(exported.file)({"image": images})["digit"]
    wanted = run_model(run).predict_on_batch(images)
    assert np.abs(made - wanted).max() <= max(found.largest_difference * 3, 1e-4 * found.scale)

    # It predicts as the run does, wherever it lies.
    copied = tmp_path / "elsewhere"
    exported.folder.rename(copied)
    (of_run, of_export) = (predict(folder, [pictures]) for folder in (run, RunFolder(copied)))
    for one, other in zip(of_run, of_export, strict=True):
        shares = [each.targets["digit"].probabilities for each in (one, other)]
        assert max(abs(shares[0][label] - shares[1][label]) for label in shares[0]) < (0.1 if quantize else 1e-4)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory) -> RunFolder:
    return train(load(MIXED), runs_dir=tmp_path_factory.mktemp("runs")).folder


@pytest.mark.parametrize("quantize", [None, "int8"])
@pytest.mark.parametrize("name", [name for name, known in formats().items() if not known.mixed])
def test_a_model_of_mixed_precision(mixed, name, quantize):
    """The file computes in float32, and is held against the run's model by what it reaches, too."""
    found = export(mixed, Settings(name, quantize)).manifest
    assert found.metric == "test_accuracy"
    assert found.largest_difference <= (0.1 if quantize else 1e-5) * found.scale


def test_softmax_is_not_taken_in_integers(tmp_path):
    onnx = pytest.importorskip("onnx")
    dense = [keras.layers.Dense(6), keras.layers.Softmax(), keras.layers.Dense(2)]
    model = keras.Sequential([keras.Input((4,), name="x"), *dense])
    drawn = np.random.default_rng(1).normal(size=(20, 4)).astype("float32")
    formats()["onnx"].load().write(whole(model, "y"), tmp_path / "file", "int8", {"x": drawn})
    nodes = onnx.load(tmp_path / "file").graph.node
    made_by = {name: node.op_type for node in nodes for name in node.output}
    assert [made_by[name] for node in nodes for name in node.input if node.op_type == "Softmax"] == ["MatMul"]
    assert "QuantizeLinear" in made_by.values()


def run_model(run: RunFolder) -> keras.Model:
    return load_model(run, recipe_of(run))


@pytest.mark.parametrize("name", [name for name in formats() if name != "savedmodel"])
def test_the_same_run_gives_the_same_bytes(run, name):
    first, second = (export(run, Settings(name), examples=8).file.read_bytes() for _ in range(2))
    assert first == second


@pytest.mark.parametrize("quantize", [None, "int8"])
def test_a_file_that_differs_is_not_kept(run, monkeypatch, quantize):
    """A runtime that gives something else: the export fails, and what was there before is not touched."""
    kind = type(formats()["onnx"].load())
    opened = kind.open

    class Broken:
        version = "0"

        def __init__(self, runtime):
            self.runtime = runtime

        def __call__(self, features):
            return {name: -values for name, values in self.runtime(features).items()}

    monkeypatch.setattr(kind, "open", lambda self, path: Broken(opened(self, path)))
    before = sorted(run.exports.iterdir()) if run.exports.is_dir() else []
    with pytest.raises(DlkitError) as raised:
        export(run, Settings("onnx", quantize))
    assert raised.value.code == "export-differs"
    assert ("test_accuracy" in raised.value.message) == (quantize is not None)
    assert sorted(run.exports.iterdir()) == before


def test_ranges_of_values_are_found_with_training_examples(run):
    prepared = prepare(load(run.recipe))
    splits = {
        name: {picture.tobytes() for picture in np.asarray(part.features["image"])}
        for name, part in prepared.raw.named().items()
    }
    taken = calibration(whole(run_model(run), "digit"), prepared)["image"]
    drawn = {picture.tobytes() for picture in taken}
    assert len(taken) == 300 and drawn <= splits["train"] and not drawn & (splits["test"] | splits["validation"])


def test_a_tolerance_of_nothing_is_exceeded(run):
    with pytest.raises(DlkitError, match="0 of the largest output"):
        export(run, Settings("litert", tolerance=0.0))


def test_a_pruned_model_is_held_against_what_the_run_reached(run):
    onnx = pytest.importorskip("onnx")
    exported = export(run, Settings("onnx", prune=0.5, tolerance=1.0))
    found = exported.manifest
    assert (exported.folder.name, found.prune, found.metric) == ("onnx-pruned50", 0.5, "test_accuracy")
    assert found.largest_difference <= 1e-4 * found.scale, "of the pruned model, the file gives the outputs"
    evaluation = json.loads(run.evaluation.read_text())["metrics"]
    assert found.metrics["test_accuracy"]["before"] == pytest.approx(evaluation["test_accuracy"], abs=1e-6)
    weights = [onnx.numpy_helper.to_array(each) for each in onnx.load(exported.file).graph.initializer]
    kernels = np.concatenate([each.ravel() for each in weights if each.ndim > 1])
    assert 0.4 < np.mean(kernels == 0) < 0.6


class Spectrum(keras.layers.Layer):
    """The singular values of a row, which neither format has."""

    def call(self, inputs):
        return tf.linalg.svd(inputs[:, None, :], compute_uv=False)

    def compute_output_shape(self, shape):
        return shape[0], 1


@pytest.mark.parametrize(("name", "called"), [("onnx", "ONNX"), ("litert", "LiteRT")])
def test_a_layer_that_a_format_cannot_hold_is_named(name, called, tmp_path):
    given = keras.Input((10, 4), name="x")
    attended = keras.layers.MultiHeadAttention(2, 4)(given, given)  # takes a tensor twice
    seen = Spectrum(name="spectrum")(keras.layers.Flatten()(attended))
    model = keras.Model(given, keras.layers.Dense(2)(seen))
    with pytest.raises(DlkitError) as raised:
        formats()[name].load().write(whole(model, "y"), tmp_path / "file", None, {})
    assert raised.value.code == "cannot-export" and not list(tmp_path.iterdir())
    told = f"{called} cannot hold this model:\n  spectrum (Spectrum): {called} has no operator for Svd"
    assert raised.value.message == told


def test_times_are_told(run):
    assert proof.seconds_per_sample(KerasRuntime(_of_ones()), {"x": np.ones((2, 3), "float32")}) > 0


def _of_ones():
    return whole(keras.Sequential([keras.Input((3,), name="x"), keras.layers.Dense(1)]), "y")
