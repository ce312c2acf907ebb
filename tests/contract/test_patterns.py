"""What each pattern must do: its file in dlkit/models/patterns, and a recipe in pattern_cases, are put here."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import keras
import numpy as np
import pytest

from dlkit.recipe.declarations import read_declarations
from dlkit.recipe.diagnostics import RecipeError
from dlkit.recipe.load import Recipe, load
from dlkit.runs.folder import RunFolder
from dlkit.training.devices import Devices
from dlkit.workflows.devices import check_devices
from dlkit.workflows.predict import load_model
from dlkit.workflows.preparation import prepare
from dlkit.workflows.resume import resume
from dlkit.workflows.run import Run
from dlkit.workflows.train import train
from tests.killing import Killed, assert_same

FOLDER = Path(__file__).resolve().parents[2] / "dlkit" / "models" / "patterns"
NAMES = sorted(file.stem for file in FOLDER.glob("[!_]*.py"))


@pytest.fixture(scope="module", params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def recipe_of(name: str, **more: Any) -> Recipe:
    path = Path(__file__).parent / "pattern_cases" / f"{name}.yaml"
    return load(path, {"training.checkpoint": {"every": {"steps": 2}}, **more})


@pytest.fixture(scope="module")
def whole(name: str, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that was left alone."""
    return train(recipe_of(name), runs_dir=tmp_path_factory.mktemp("whole"))


def test_it_is_declared(name: str) -> None:
    (declared,) = read_declarations(FOLDER / f"{name}.py", "dlkit")
    assert (declared.spec.kind, declared.spec.name) == ("pattern", name)
    assert declared.spec.summary.endswith(".")
    words = {
        "layers",
        "learns",
        "classes",
        "loss",
        "best",
        "task",
        "measures",
        "noise",
        "unused",
        "phases",
        "replicas",
        "generates",
        "gradients",
        "logs",
        "optimizers",
    }
    assert declared.declared.keys() <= words


def test_it_learns_and_what_it_reaches_is_measured(whole: Run) -> None:
    lines = whole.folder.read_metrics()
    assert len(lines) >= 1
    assert all(np.isfinite(value) for line in lines for value in line.values() if isinstance(value, float))
    last = [line for line in lines if line["stage"] == lines[-1]["stage"]]
    if len(last) > 1:
        assert last[-1]["loss"] < last[0]["loss"]
    assert whole.metrics
    assert whole.evaluation.targets


def test_killed_and_resumed_it_ends_as_if_it_had_been_left_alone(
    name: str, whole: Run, kill: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = RunFolder.create(tmp_path, f"test/{name}")
    with monkeypatch.context():
        kill(step=3)
        with pytest.raises(Killed):
            train(recipe_of(name), folder=folder)
    monkeypatch.undo()
    assert_same(resume(folder), whole)


@pytest.mark.slow
def test_steps_of_which_several_are_run_in_a_call_are_the_same(name: str, whole: Run, tmp_path: Path) -> None:
    run = train(recipe_of(name, **{"training.steps_per_execution": "auto"}), runs_dir=tmp_path)
    for line, alone in zip(run.folder.read_metrics(), whole.folder.read_metrics(), strict=True):
        assert line.pop("stage") == alone.pop("stage")
        assert line == pytest.approx(alone, rel=1e-5, nan_ok=True)


def test_keras_alone_loads_what_is_saved(name: str, whole: Run, tmp_path: Path) -> None:
    model = load_model(whole.folder, recipe_of(name))
    x = np.random.default_rng(1).integers(0, 17, (4, *model.input_shape[1:])).astype(model.inputs[0].dtype)
    np.save(tmp_path / "x.npy", x)
    files = [whole.folder.best_model, *sorted((whole.folder.path / "networks").glob("*.keras"))]
    code = (
        "import os, sys; sys.path.insert(0, sys.argv[1])\n"
        "if os.path.exists(sys.argv[1] + '/custom_layers.py'): import custom_layers\n"
        "import keras, numpy as np\n"
        "models = [keras.models.load_model(path) for path in sys.argv[3:]]\n"
        "assert 'dlkit' not in sys.modules\n"
        "np.save(sys.argv[2] + '/y.npy', models[0].predict(np.load(sys.argv[2] + '/x.npy'), verbose=0))\n"
    )
    subprocess.run([sys.executable, "-c", code, whole.folder.path, tmp_path, *files], check=True, cwd=tmp_path)
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), keras.ops.convert_to_numpy(model(x)), atol=1e-6)


def test_on_several_devices_it_is_refused_where_its_rule_does_not_allow_it(name: str) -> None:
    (declared,) = read_declarations(FOLDER / f"{name}.py", "dlkit")
    prepared = prepare(recipe_of(name))
    two = cast(Devices, SimpleNamespace(replicas=2, workers=1))
    if declared.declared.get("replicas", True):
        check_devices(prepared.recipe, two)
        return
    with pytest.raises(RecipeError) as raised:
        check_devices(prepared.recipe, two)
    assert "one-device-only" in {found.code for found in raised.value.diagnostics}
