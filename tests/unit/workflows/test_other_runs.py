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
from dlkit.workflows.other_runs import other_run
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
