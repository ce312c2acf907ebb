"""The self-organizing map as users have it: tables with and without classes, killed and resumed, predicted with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlkit.recipe.load import load
from dlkit.runs.folder import RunFolder
from dlkit.workflows.predict import predict
from dlkit.workflows.report import report
from dlkit.workflows.resume import resume
from dlkit.workflows.run import Run
from dlkit.workflows.train import train
from tests.killing import Killed, assert_same


def recipe(source: str, feature: str, **arguments: Any) -> dict[str, Any]:
    return {
        "name": "test/map",
        "seed": 2,
        "data": {"source": source, "batch_size": 16, "test": 0.2, "preprocess": {feature: ["Normalization"]}},
        "model": {"self_organizing_map": {"rows": 3, "columns": 4, **arguments}},
        "training": {"epochs": 3, "checkpoint": {"every": {"steps": 2}}},
    }


IRIS = recipe("iris", "table", rule="online", grid="hexagonal") | {"expect": {"test_accuracy": {"at_least": 0.6}}}


@pytest.fixture(scope="module")
def flowers(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(load(IRIS), runs_dir=tmp_path_factory.mktemp("flowers"))


def test_units_of_flowers_have_labels_by_which_flowers_are_told_apart(flowers: Run, tmp_path: Path) -> None:
    assert {"test_quantization_error", "test_topographic_error", "test_accuracy"} <= set(flowers.metrics)
    assert flowers.metrics["test_accuracy"] > 0.6
    assert flowers.metrics["test_loss"] == pytest.approx(flowers.metrics["test_quantization_error"], rel=1e-5)
    np.save(tmp_path / "flowers.npy", np.array([[5.1, 3.5, 1.4, 0.2], [6.5, 3.0, 5.8, 2.2]], "float32"))
    setosa, virginica = predict(flowers.folder, [tmp_path / "flowers.npy"])
    told: list[Any] = [next(iter(each.targets.values())).value for each in (setosa, virginica)]
    assert [each["label"] for each in told] == ["setosa", "virginica"]
    assert all(1 <= each["row"] <= 3 and 1 <= each["column"] <= 4 and each["distance"] > 0 for each in told)


def test_the_report_shows_the_map(flowers: Run, reports: None) -> None:
    report(flowers.folder)
    drawn = {path.stem for path in flowers.folder.figures.glob("*.svg")}
    assert {"u_matrix", "hits", "unit_labels", "component_planes"} <= drawn


@pytest.mark.parametrize("killed", [{"step": 9}, {"validation_of": 1}])
def test_the_online_rule_goes_on_to_the_bit(
    flowers: Run, killed: dict[str, int], kill: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = RunFolder.create(tmp_path, "test/map")
    kill(**killed)
    with pytest.raises(Killed):
        train(load(IRIS), folder=folder)
    monkeypatch.undo()
    assert_same(resume(folder), flowers)


def test_a_table_without_classes(kill: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The batch rule, killed in the middle of a validation too."""
    written = recipe("diabetes", "table", initial_weights="principal_components")
    whole = train(load(written), runs_dir=tmp_path)
    assert "test_accuracy" not in whole.metrics and whole.metrics["test_quantization_error"] > 0
    (measured,) = whole.evaluation.targets.values()
    assert measured["details"]["map"]["labels"] is None and "bmi" in measured["details"]["map"]["planes"]
    folder = RunFolder.create(tmp_path, "test/map")
    kill(validation_of=1)
    with pytest.raises(Killed):
        train(load(written), folder=folder)
    monkeypatch.undo()
    assert_same(resume(folder), whole)
