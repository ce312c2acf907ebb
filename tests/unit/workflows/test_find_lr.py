"""The learning-rate finder on recipes: what it leaves behind, and what it says to set."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlkit.recipe.load import load
from dlkit.runs.find import all_runs
from dlkit.workflows.find_lr import FoundRate, find_learning_rate

RECIPE: dict[str, Any] = {
    "name": "test/rates",
    "data": {"source": "digits", "limit": 400, "batch_size": 64},
    "model": {"sequential": [{"Rescaling": {"scale": 0.0625}}, "Flatten", {"Dense": {"units": 10}}]},
    "training": {"epochs": 1},
}


def found(tmp_path: Path, optimizer: Any, **training: Any) -> FoundRate:
    recipe = load({**RECIPE, "training": {"epochs": 1, "optimizer": optimizer, **training}})
    return find_learning_rate(recipe, runs_dir=tmp_path)


def test_it_leaves_a_plot_and_no_run(tmp_path: Path) -> None:
    first = found(tmp_path, "Adam")
    assert {path.name for path in first.folder.iterdir()} == {"recipe.yaml", "learning_rates.json", "figures"}
    assert {path.name for path in first.figure.parent.iterdir()} == {"learning_rate.png", "learning_rate.svg"}
    told = json.loads((first.folder / "learning_rates.json").read_text())
    assert told["suggestion"] == first.measured.suggestion and len(told["rates"]) == len(told["losses"])
    assert all_runs(tmp_path) == []
    assert first.measured.suggestion is not None and 1e-5 < first.measured.suggestion < 1
    np.testing.assert_array_equal(found(tmp_path, "Adam").measured.losses, first.measured.losses)  # the same each time


@pytest.mark.parametrize(
    ("optimizer", "present", "setting"),
    [
        ("SGD", 0.01, "training.optimizer.learning_rate"),
        ({"SGD": {"learning_rate": 0.3, "gradient_accumulation_steps": 4}}, 0.3, "training.optimizer.learning_rate"),
        (
            {"Adam": {"learning_rate": {"CosineDecay": {"initial_learning_rate": 0.02, "decay_steps": 100}}}},
            0.02,
            "training.optimizer.learning_rate.initial_learning_rate",
        ),
        (
            {"Adam": {"learning_rate": {"one_cycle": {"max_learning_rate": 0.02, "decay_steps": 100}}}},
            None,
            "training.optimizer.learning_rate",
        ),
    ],
)
def test_what_is_to_be_set_can_be_set(tmp_path: Path, optimizer: Any, present: float | None, setting: str) -> None:
    made = found(tmp_path, optimizer)
    assert (made.present, made.setting) == (present, setting)
    load({**RECIPE, "training": {"epochs": 1, "optimizer": optimizer}}, {setting: 0.004})


def test_of_stages_the_first_is_tried(tmp_path: Path) -> None:
    made = found(tmp_path, "Adam", stages=[{"name": "a", "optimizer": {"SGD": {"learning_rate": 0.5}}}, {"name": "b"}])
    assert (made.present, made.setting) == (0.5, "training.stages.0.optimizer.learning_rate")
