"""Runs that a recipe refers to, and the weights that come from them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from dlkit.errors import DlkitError
from dlkit.recipe.load import Recipe, load
from dlkit.runs.folder import RunFolder
from dlkit.workflows.evaluate import evaluate
from dlkit.workflows.group import train_group
from dlkit.workflows.members import folds_of
from dlkit.workflows.other_runs import OtherRuns, other_run, runs_compared, saved_models
from dlkit.workflows.recipe_file import recipe_values
from dlkit.workflows.resume import resume
from dlkit.workflows.train import train

BASE: dict[str, Any] = {
    "name": "test/base",
    "data": {"source": "iris"},
    "model": {"sequential": [{"Dense": {"units": 6, "name": "hidden"}}, {"Dense": {"units": 3, "name": "head"}}]},
    "training": {"epochs": 1},
}


def written(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text)
    return str(folder / name)


@pytest.fixture
def recipe(tmp_path: Path) -> str:
    text = "\n".join(
        [
            "name: test/base",
            "data: {source: iris}",
            "model: {sequential: [{Dense: {units: 6, name: hidden}}, {Dense: {units: 3, name: head}}]}",
            "training: {epochs: 1}",
        ]
    )
    return written(tmp_path, "base.yaml", text)


def never(recipe: Recipe) -> RunFolder:
    raise AssertionError("it is there already")


def test_a_recipe_is_trained_once_and_found_after_that(recipe: str, tmp_path: Path) -> None:
    root, trained = tmp_path / "runs", []

    def make(other: Recipe) -> RunFolder:
        trained.append(other.name)
        return train(other, runs_dir=root).folder

    first = other_run(f"recipe:{recipe}", root, make)
    assert trained == ["test/base"]
    assert other_run(f"recipe:{recipe}", root, never) == first
    assert other_run("run:latest", root, never) == first
    assert other_run(f"run:{first.path}", root, never) == first
    text = Path(recipe).read_text()
    Path(recipe).write_text(text + "\nsummary: told otherwise\n")
    assert other_run(f"recipe:{recipe}", root, never) == first  # it has no part in the training
    Path(recipe).write_text(text.replace("epochs: 1", "epochs: 2"))
    assert other_run(f"recipe:{recipe}", root, make) != first
    first.update_status(state="failed")
    Path(recipe).write_text(text)
    assert other_run(f"recipe:{recipe}", root, make) != first


def test_a_recipe_that_refers_to_itself_is_told(recipe: str, tmp_path: Path) -> None:
    def again(other: Recipe) -> RunFolder:
        return other_run(f"recipe:{recipe}", tmp_path / "runs", again)

    with pytest.raises(DlkitError, match=r"refers to itself: .*base\.yaml -> .*base\.yaml"):
        other_run(f"recipe:{recipe}", tmp_path / "runs", again)


def test_the_weights_of_another_recipe_are_the_same_whether_it_is_trained_now_or_was(
    recipe: str, tmp_path: Path
) -> None:
    own = {**BASE, "name": "test/own", "training": {"epochs": 1, "initial_weights": f"recipe:{recipe}"}}
    told: list[str] = []
    runs = [train(load(own), runs_dir=tmp_path / "runs", told=told.append) for _ in range(2)]
    assert sum("weights of 2 layers" in line for line in told) == 2
    assert len(list((tmp_path / "runs/test/base").iterdir())) == 1
    first, second = (run.model.get_weights() for run in runs)
    for here, there in zip(first, second, strict=True):
        np.testing.assert_array_equal(here, there)
    plain = train(load({**BASE, "name": "test/plain"}), runs_dir=tmp_path / "runs").model.get_weights()
    assert not np.array_equal(plain[0], first[0])


def test_a_frozen_layer_keeps_the_weights_it_was_given(recipe: str, tmp_path: Path) -> None:
    stages = [{"name": "head", "freeze": ["hidden"]}]
    own = {
        **BASE,
        "name": "test/frozen",
        "training": {
            "epochs": 2,
            "initial_weights": {"from": f"recipe:{recipe}", "layers": ["hidden"]},
            "stages": stages,
        },
    }
    run = train(load(own), runs_dir=tmp_path / "runs")
    source = other_run(f"recipe:{recipe}", tmp_path / "runs", never)
    given = keras.models.load_model(source.best_model).get_layer("hidden").get_weights()
    for here, there in zip(run.model.get_layer("hidden").get_weights(), given, strict=True):
        np.testing.assert_array_equal(here, there)


def over(recipe: str, metric: str = "test_accuracy", **more: Any) -> dict[str, Any]:
    expect = {metric: {"at_least": -1, "over": recipe}}
    return {**BASE, "name": "test/over", "expect": expect, **more}


def test_where_nothing_may_be_trained_the_cure_is_the_command(recipe: str, tmp_path: Path) -> None:
    with pytest.raises(DlkitError, match="There is no finished run") as raised:
        other_run(f"recipe:{recipe}", tmp_path / "runs", None)
    assert raised.value.code == "run-not-found"
    assert raised.value.cure == f"Train it first: dlkit train {recipe}"


def test_a_run_that_was_ended_early_is_none_of_the_whole_recipe(recipe: str, tmp_path: Path) -> None:
    root = tmp_path / "runs"
    train(load(recipe, {"training.epochs": 2, "training.stop_after": {"epochs": 1}}), runs_dir=root)
    text = Path(recipe).read_text()
    Path(recipe).write_text(text.replace("epochs: 1", "epochs: 2"))
    with pytest.raises(DlkitError, match="There is no finished run"):
        other_run(f"recipe:{recipe}", root, None)


def test_a_metric_that_the_other_run_has_not_is_told_before_the_training(recipe: str, tmp_path: Path) -> None:
    root = tmp_path / "runs"
    other = train(load(recipe), runs_dir=root).folder
    wanted = {"metrics": [{"SparseTopKCategoricalAccuracy": {"name": "among_2", "k": 2}}]}
    own = load(over(f"run:{other.path}", "test_among_2", evaluation=wanted))
    with pytest.raises(DlkitError, match=r"has not measured `test_among_2`.*It has measured test_accuracy") as raised:
        train(own, runs_dir=root)
    assert raised.value.code == "not-measured"
    (run,) = (root / "test/over").iterdir()
    assert not (run / "metrics.jsonl").exists()


def test_the_mean_of_folds_is_held_over_another_run(recipe: str, tmp_path: Path) -> None:
    root = tmp_path / "runs"
    own = over(f"recipe:{recipe}", data={"source": "iris", "folds": 2})
    folds = train_group(folds_of(load(own)), runs_dir=root)
    other = other_run(f"recipe:{recipe}", root, never)
    (found,) = folds.expectations
    compared = runs_compared(load(own), OtherRuns(root))[f"recipe:{recipe}"]
    assert compared.run == str(other.path)
    assert found.other == compared.metrics["test_accuracy"] and found.value == folds.metrics["test_accuracy"]
    assert found.difference == pytest.approx(found.value - found.other)


def test_a_layer_that_is_a_run_begins_with_the_same_weights_whether_it_was_trained_now_or_before(
    recipe: str, tmp_path: Path
) -> None:
    """Also where layers draw noise: their seeds do not depend on what was done before."""
    layers = [{f"recipe:{recipe}": {"layer": "hidden"}}, {"Dropout": {"rate": 0.3}}, {"Dense": {"units": 3}}]
    own = load({**BASE, "name": "test/own", "model": {"sequential": layers}})
    first, second = (train(own, runs_dir=tmp_path / "runs").model.get_weights() for _ in range(2))
    assert len(list((tmp_path / "runs/test/base").iterdir())) == 1
    for here, there in zip(first, second, strict=True):
        np.testing.assert_array_equal(here, there)


def test_files_of_weights_are_found_from_the_recipe_and_kept_with_the_run(tmp_path: Path) -> None:
    """Relative to the file that wrote it; the run's recipe, which lies elsewhere, names it whole."""
    path = tmp_path / "mine.yaml"
    layers = "{MobileNet: {weights: weights/a.keras, include_top: false, pooling: avg}}, {Dense: {units: 10}}"
    path.write_text(
        "name: test/weights\ndata: {source: cifar10}\ntraining: {epochs: 1}\nmodel: {sequential: [" + layers + "]}\n"
    )
    recipe = load(path)
    with pytest.raises(DlkitError, match=r"There is no file .*weights/a\.keras"):
        saved_models(recipe, OtherRuns(tmp_path))
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights/a.keras").touch()
    assert saved_models(recipe, OtherRuns(tmp_path)).files == {"weights/a.keras": tmp_path / "weights/a.keras"}
    kept = recipe_values(recipe)["model"]["sequential"][0]["MobileNet"]["weights"]
    assert kept == str(tmp_path / "weights/a.keras")


def test_a_resumed_run_takes_the_runs_that_it_began_with(recipe: str, tmp_path: Path) -> None:
    """To the bit, though the recipe that it refers to has another run by now, and is another."""
    root = tmp_path / "runs"
    layers = [
        {f"recipe:{recipe}": {"layer": "hidden", "name": "body"}},
        {"Dropout": {"rate": 0.3}},
        {"Dense": {"units": 3}},
    ]
    own = over(f"recipe:{recipe}", model={"sequential": layers}, training={"epochs": 3})
    whole = train(load(own), runs_dir=root)
    half = train(load(own, {"training.stop_after": {"epochs": 1}}), runs_dir=root)
    Path(recipe).write_text(Path(recipe).read_text().replace("units: 6", "units: 5"))
    resumed = resume(half.folder, ["training.stop_after=null"])
    for here, there in zip(resumed.model.get_weights(), whole.model.get_weights(), strict=True):
        np.testing.assert_array_equal(here, there)
    assert resumed.expectations == whole.expectations
    assert len(list((root / "test/base").iterdir())) == 1
    # What a run keeps is of use without the recipe that it refers to.
    Path(recipe).unlink()
    assert evaluate(whole.folder).metrics == whole.metrics
    assert whole.predict(np.ones((1, 4), "float32")).shape == (1, 3) and whole.recipe.name == "test/over"
    assert resume(whole.folder).expectations == whole.expectations
