"""One recipe over another, and with the model of another as a layer: from the command line, to the report."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from dlkit.runs.find import all_runs
from dlkit.runs.folder import RunFolder

Dlkit = Callable[..., Any]

BASE = """
name: test/base
data: {source: digits, limit: 400}
model:
  sequential:
    - Rescaling: {scale: 1/16}
    - Conv2D: {filters: 4, kernel_size: 3, use_bias: false, name: conv}
    - BatchNormalization: {name: norm, momentum: 0.7}
    - ReLU
    - Flatten: {name: features}
    - Dense: {units: $data.classes, name: classifier}
training: {epochs: 2}
quick: {set: {training.epochs: 1}}
"""
OVER = """
name: test/over
data: {source: digits, limit: 400}
model: {sequential: [Flatten, {Dense: {units: 10}}]}
training: {epochs: 1}
expect: {test_accuracy: {at_least: -0.9, over: recipe:base.yaml}}
quick:
  set: {training.epochs: 1}
  expect: {test_accuracy: {at_least: 0.95, over: recipe:base.yaml}}
"""
REUSE = """
name: test/reuse
data: {source: digits, limit: 300}
model:
  sequential:
    - recipe:base.yaml: {layer: features, name: body}
    - Dense: {units: 10, name: head}
training:
  epochs: 1
  stages:
    - {name: head_only, freeze: [body]}
    - {name: with_conv, unfreeze: [body.conv]}
"""

pytestmark = pytest.mark.usefixtures("reports")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("other_runs")
    for name, text in {"base": BASE, "over": OVER, "reuse": REUSE}.items():
        (folder / f"{name}.yaml").write_text(text.strip() + "\n")
    return folder


@pytest.fixture(autouse=True)
def inside(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("DLKIT_RUNS_DIR", str(folder / "runs"))


def runs(name: str, folder: Path) -> list[RunFolder]:
    """Oldest first."""
    return list(reversed(all_runs(folder / "runs" / "test" / name)))


def test_a_recipe_over_another_trains_it_first_and_tells_both_numbers(dlkit: Dlkit, folder: Path) -> None:
    answer = dlkit("train", "over.yaml", "--json")
    assert answer.status == 0, answer.stderr
    assert "There is no run of test/base yet" in answer.stderr
    assert answer.stderr.index("The run of test/base is in") < answer.stderr.index("It reaches what")
    (base,), (over,) = runs("base", folder), runs("over", folder)
    there, here = (json.loads(run.evaluation.read_text()) for run in (base, over))
    (found,) = answer.json["expectations"]
    assert found["value"] == here["metrics"]["test_accuracy"] and found["other"] == there["metrics"]["test_accuracy"]
    assert found["difference"] == pytest.approx(found["value"] - found["other"], abs=1e-12) and found["met"]
    assert here["over"]["recipe:base.yaml"]["run"] == str(base.path)
    told = f"{found['difference']:.4f} = {found['value']:.4f} - {found['other']:.4f}"
    assert told in over.report.read_text() and "at least -0.9 over recipe:base.yaml" in over.report.read_text()
    assert f"at least -0.9 over recipe:base.yaml, reached {told}: met" in dlkit("resume", over.path).stdout
    # What was compared stays with the run, whatever is written anew.
    assert dlkit("evaluate", over.path).status == 0
    base.recipe.rename(base.path / "elsewhere")
    assert dlkit("report", over.path).status == 0 and told in over.report.read_text()
    (base.path / "elsewhere").rename(base.recipe)


def test_verify_falls_short_by_the_difference_and_quick_means_quick(dlkit: Dlkit, folder: Path) -> None:
    answer = dlkit("verify", "over.yaml", "--quick")
    assert answer.status == 3, answer.stderr
    assert "at least 0.95 over recipe:base.yaml@quick\tshort" in answer.stdout
    *_, base = runs("base", folder)
    assert "epochs: 1" in base.recipe.read_text() and len(runs("base", folder)) == 2
    assert dlkit("verify", "over.yaml").status == 0  # the whole run is found again
    assert len(runs("base", folder)) == 2


def test_a_saved_model_as_a_layer_frozen_and_then_not(dlkit: Dlkit, folder: Path) -> None:
    answer = dlkit("train", "reuse.yaml")
    assert answer.status == 0, answer.stderr
    assert len(runs("base", folder)) == 2
    base = keras.models.load_model(runs("base", folder)[0].best_model)
    trained = keras.models.load_model(runs("reuse", folder)[-1].best_model)  # Keras alone
    body = trained.get_layer("body")
    assert [layer.name for layer in body.layers[1:]] == ["rescaling", "conv", "norm", "re_lu", "features"]
    # What stays frozen is as it was, statistics included; what was let go has learned.
    for here, there in zip(body.get_layer("norm").get_weights(), base.get_layer("norm").get_weights(), strict=True):
        np.testing.assert_array_equal(here, there)
    assert not np.array_equal(body.get_layer("conv").get_weights()[0], base.get_layer("conv").get_weights()[0])
    frozen = dlkit("train", "reuse.yaml", "--set", "training.stages.with_conv.unfreeze=[head]", "--json")
    model = keras.models.load_model(Path(frozen.json["run"]) / "best.keras")
    x = np.random.default_rng(0).integers(0, 17, (4, 8, 8, 1)).astype("uint8")
    features = keras.Model(base.inputs[0], base.get_layer("features").output)
    np.testing.assert_array_equal(model.get_layer("body")(x), features(x))


def test_a_glob_that_matches_nothing_inside_is_told_when_the_model_is_built(dlkit: Dlkit) -> None:
    answer = dlkit("train", "reuse.yaml", "--set", "training.stages.with_conv.unfreeze=[body.cnv]")
    assert answer.status == 2
    assert "no layer is called `body.cnv`" in answer.stderr and "did you mean `body.conv`?" in answer.stderr


def test_check_builds_with_the_run_and_says_where_there_is_none(dlkit: Dlkit, tmp_path: Path) -> None:
    answer = dlkit("check", "reuse.yaml")
    assert answer.status == 0 and "body\tFunctional" in answer.stdout
    Path("runs").rename(tmp_path / "runs")
    answer = dlkit("check", "reuse.yaml")
    assert answer.status == 1 and "Train it first: dlkit train base.yaml" in answer.stderr
    (tmp_path / "runs").rename("runs")
