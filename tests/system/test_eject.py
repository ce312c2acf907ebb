"""A script that `dlkit eject` prints, run in a process of its own, ends in the weights of `dlkit train`."""

from __future__ import annotations

import ast
import io
import os
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path

import h5py
import numpy as np
import pytest

from dlkit.recipe.library import shipped_recipes
from dlkit.recipe.load import load

slow = pytest.mark.slow
STOPPING = [
    "training.epochs=8",
    "training.optimizer={Adam: {learning_rate: 0.02}}",
    "training.callbacks=[{ReduceLROnPlateau: {patience: 1, factor: 0.5}}, {EarlyStopping: {patience: 2, restore_best_weights: true}}]",
]
AVERAGING = ["training.optimizer={Adam: {use_ema: true, ema_momentum: 0.9}}"]
# One of each kind: a chain, a residual network, text, a table, several outputs; then what else makes scripts differ.
RECIPES = [
    ("digits/cnn", []),
    ("adult/mlp", ["data.limit=2000"]),
    *(
        pytest.param(name, settings, marks=slow)
        for name, settings in (
            ("digits/residual", []),
            ("rt_polarity/text_cnn", []),
            ("fashion_mnist/two_heads", []),
            ("cifar10/resnet20", ["data.augment=[{RandomFlip: {mode: horizontal}}, {pad_and_crop: {padding: 4}}]"]),
            ("cifar10/vit", ["data.limit=600"]),
            ("captcha/ocr", []),
            ("captions/show_and_tell", []),
            ("shakespeare/gpt", ["training.epochs=2", "training.steps_per_epoch=9"]),
            ("rt_polarity/transformer", []),
            ("rt_polarity/bidirectional", []),
            ("housing/mlp", []),
            ("temperatures/lstm", []),
            ("wardrobe/multi_label", []),
            ("fashion_mnist/rbf", []),
            ("fashion_mnist/capsnet", []),
            ("fashion_mnist/snn", []),
            ("logic/xor_mlp", []),
            ("digits/cnn", ["data.class_weight=balanced", "data.limit={per_class: 20}", *STOPPING]),
            ("digits/cnn", AVERAGING),
            ("digits/cnn", ["training.fused_batch_normalization=true"]),
            ("digits/augmented", []),
            ("diabetes/mlp", []),
            ("cifar10/mirrored", ["data.limit=600"]),
            ("cifar10/transfer", []),
        )
    ),
]


def read(file: Path | io.BytesIO) -> dict[str, np.ndarray]:
    """The weights in a file, by their places in it; the optimizer's are none of them."""
    found: dict[str, np.ndarray] = {}
    with h5py.File(file) as weights:
        weights.visititems(lambda name, it: found.update({name: it[()]}) if isinstance(it, h5py.Dataset) else None)
    return {name: values for name, values in found.items() if name.startswith("layers/")}


def bits(values: np.ndarray) -> tuple[str, tuple[int, ...], bytes]:
    return values.dtype.str, values.shape, values.tobytes()


@pytest.mark.parametrize(("name", "settings"), RECIPES)
def test_a_script_ends_in_the_same_weights(name, settings, dlkit, tmp_path, request):
    if not name.startswith(("captcha/", "captions/", "digits/", "logic/")):
        request.getfixturevalue("data_dir")
    given = [word for setting in settings for word in ("--set", setting)]
    trained = dlkit("train", name, "--quick", "--runs-dir", tmp_path / "runs", *given, "--json")
    assert trained.status == 0, trained.stderr
    words = ("eject", name, "--quick", "--runs-dir", tmp_path / "runs", *given, "--output", tmp_path / "script.py")
    ejected = dlkit(*words)
    assert ejected.status == 0, ejected.stderr
    printed = run_script(tmp_path)
    check_weights(Path(trained.json["run"]), tmp_path / "work")
    told = dict(line.split(": ") for line in printed.splitlines() if line.startswith("test_"))
    metrics = trained.json["metrics"]
    assert {key: float(value) for key, value in told.items()} == {key: round(metrics[key], 4) for key in told}


@slow
def test_a_script_trains_all_folds(dlkit, tmp_path):
    words = ("breast_cancer/mlp", "--quick", "--set", "data.folds=3")
    trained = dlkit("train", *words, "--runs-dir", tmp_path / "runs", "--json")
    assert trained.status == 0, trained.stderr
    assert dlkit("eject", *words, "--output", tmp_path / "script.py").status == 0
    printed = run_script(tmp_path)
    members = sorted((Path(trained.json["run"]) / "members").iterdir())
    assert len(members) == 3
    for number, member in enumerate(members, start=1):
        check_weights(member, tmp_path / "work", f"fold_{number}_")
    told = dict(line.partition(",")[0].split(": ") for line in printed.splitlines() if line.startswith("test_"))
    metrics = trained.json["metrics"]
    assert {key: float(value) for key, value in told.items()} == {key: round(metrics[key], 4) for key in told}
    assert "test_accuracy" in told


def run_script(folder: Path) -> str:
    """Runs `script.py` of a folder in its folder `work`; gives what it prints."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    (folder / "work").mkdir()
    done = subprocess.run(
        [sys.executable, "-P", folder / "script.py"],
        cwd=folder / "work",
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def check_weights(run: Path, work: Path, prefix: str = "") -> None:
    for theirs, ours in (("best.keras", "best.weights.h5"), ("model.keras", "last.weights.h5")):
        saved = read(io.BytesIO(zipfile.ZipFile(run / theirs).read("model.weights.h5")))
        weights = read(work / f"{prefix}{ours}")
        assert weights
        # A run's model has the layers besides that prepare raw features, so that places differ: bits are what counts.
        assert not Counter(map(bits, weights.values())) - Counter(map(bits, saved.values()))


def test_the_script_is_a_document(dlkit):
    printed, told = dlkit("eject", "logic/xor_mlp"), dlkit("eject", "logic/xor_mlp", "--json")
    assert printed.status == told.status == 0
    assert told.json["text"] == printed.stdout
    imported = {node.names[0].name for node in ast.walk(ast.parse(printed.stdout)) if isinstance(node, ast.Import)}
    assert "keras" in imported
    assert "import dlkit" not in printed.stdout


def test_what_cannot_be_ejected_is_told(dlkit):
    refused = dlkit("eject", "digits/perceptron", "--json")
    assert refused.status == 1
    assert refused.json["error"]["code"] == "cannot-eject"
    assert "the pattern `perceptron`" in refused.json["error"]["message"]


@slow
@pytest.mark.parametrize("name", [name for name, _ in shipped_recipes()])
def test_every_recipe_is_ejected_or_refused(name, dlkit, data_dir, tmp_path):
    recipe = load(name)
    if name.startswith("imdb/"):
        pytest.skip("the reviews do not come with the data folder")
    ejected = dlkit("eject", name, "--quick", "--runs-dir", tmp_path / "runs", "--output", tmp_path / "script.py")
    if recipe.pattern:
        assert "cannot be ejected" in ejected.stderr
        return
    if any(layer.kind == "run" for layer in recipe.model.layers.values()):
        assert "Train it first" in ejected.stderr  # with that run, its script is run above
        return
    assert ejected.status == 0, ejected.stderr
    for words in (["check"], ["format", "--check", "--line-length", "120"]):
        done = subprocess.run([sys.executable, "-m", "ruff", *words, "--isolated", tmp_path], capture_output=True)
        assert done.returncode == 0, done.stdout
