"""What a layer of threshold units can learn, and what it cannot: Minsky and Papert (1969), "Perceptrons"."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dlkit.recipe.load import load
from dlkit.workflows.report import report
from dlkit.workflows.run import Run
from dlkit.workflows.train import train

POINTS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32")
XOR = [0, 1, 1, 0]


def learned(recipe: str, folder: Path, **more: object) -> Run:
    return train(load(recipe, more), runs_dir=folder)


def accuracies(run: Run) -> list[float]:
    return [line["val_accuracy"] for line in run.folder.read_metrics()]


def test_no_epoch_of_a_perceptron_tells_xor(reports: None, tmp_path: Path) -> None:
    """No line has more than three of the four points on their side, and its rule comes back to where it was."""
    run = learned("logic/perceptron", tmp_path, **{"data.source.gate": "xor", "training.epochs": 40})
    assert len(accuracies(run)) == 40
    assert max(accuracies(run)) <= 0.75
    assert run.metrics["test_accuracy"] <= 0.75
    report(run.folder)
    assert list(run.folder.figures.glob("*decision_map.svg"))


def test_what_a_line_can_tell_it_learns(tmp_path: Path) -> None:
    run = learned("logic/perceptron", tmp_path, **{"data.source.gate": "nand"})
    assert max(accuracies(run)) == run.metrics["test_accuracy"] == 1.0


def test_a_hidden_layer_tells_xor(tmp_path: Path) -> None:
    run = learned("logic/xor_mlp", tmp_path)
    assert run.metrics["test_accuracy"] == 1.0
    assert np.round(run.predict(POINTS)).reshape(-1).tolist() == XOR
