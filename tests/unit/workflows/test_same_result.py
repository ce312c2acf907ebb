"""Where two runs first differ, and what the verdict is."""

from __future__ import annotations

import io
import math
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from dlkit.evaluation.evaluation import Evaluation
from dlkit.runs.folder import RunFolder
from dlkit.workflows.same_result import Part, compare_runs, verdict_of, worst

LINES = [
    {"stage": "train", "epoch": 1, "loss": 200.0, "val_loss": 0.5},
    {"stage": "train", "epoch": 2, "loss": 100.0, "val_loss": math.nan},
]
KERNEL = np.arange(6, dtype="float32").reshape(2, 3)


def run_of(path: Path, lines=LINES, accuracy=0.9, kernel: np.ndarray | None = KERNEL, vocabulary=b"a b") -> RunFolder:
    """A run folder with what is compared; without weights where `kernel` is None."""
    run = RunFolder(path)
    path.mkdir()
    for line in lines:
        run.append_metrics(line)
    Evaluation(metrics={"test_accuracy": accuracy}).write(run.evaluation)
    if kernel is not None:
        held = io.BytesIO()
        with h5py.File(held, "w") as weights:
            weights["layers/dense/vars/0"] = kernel
            weights["layers/dense/vars"].attrs["name"] = "classifier"
        with zipfile.ZipFile(run.best_model, "w") as archive:
            archive.writestr("model.weights.h5", held.getvalue())
            archive.writestr("assets/words/vocabulary.txt", vocabulary)
    return run


def parts_of(tmp_path: Path, tolerance: float = 1e-3, **changed) -> list[Part]:
    return compare_runs(run_of(tmp_path / "a"), run_of(tmp_path / "b", **changed), tolerance)


def test_the_same_is_identical_also_where_it_is_not_a_number(tmp_path):
    parts = parts_of(tmp_path)
    assert [(part.name, part.compared, part.result) for part in parts] == [
        ("epochs", 2, "identical"),
        ("test metrics", 1, "identical"),
        ("best.keras", 2, "identical"),
    ]
    assert verdict_of(parts) == "identical"


@pytest.mark.parametrize(
    ("epoch", "metric", "value", "result"),
    [
        (2, "loss", 100.05, "within tolerance"),  # 5e-4 of 100
        (2, "loss", 100.2, "different"),
        (1, "val_loss", 0.5009, "within tolerance"),
        (1, "val_loss", 0.502, "different"),
        (2, "val_loss", 0.5, "different"),  # was NaN
    ],
)
def test_an_epoch_that_differs_is_named_with_both_values(tmp_path, epoch, metric, value, result):
    lines = [{**line, metric: value} if line["epoch"] == epoch else line for line in LINES]
    parts = parts_of(tmp_path, lines=lines)
    first = parts[0].first
    assert first and (first.where, first.what) == (f"stage train, epoch {epoch}", metric)
    assert (repr(first.before), first.now) == (repr(LINES[epoch - 1][metric]), value)
    assert parts[0].result == verdict_of(parts) == result
    assert (parts[0].beyond == first) == (result == "different")


def test_the_first_difference_and_the_first_beyond_the_tolerance_are_two(tmp_path):
    (epochs, *_) = parts_of(tmp_path, lines=[{**LINES[0], "val_loss": 0.5001}, {**LINES[1], "loss": 90.0}])
    assert epochs.first and epochs.first.what == "val_loss"
    assert epochs.beyond and (epochs.beyond.what, epochs.beyond.now) == ("loss", 90.0)
    assert epochs.largest == pytest.approx(0.1)


@pytest.mark.parametrize("lines", [LINES[:1], [*LINES, {**LINES[1], "epoch": 3}]])
def test_an_epoch_that_only_one_has_differs(tmp_path, lines):
    parts = parts_of(tmp_path, lines=lines)
    assert parts[0].beyond and parts[0].beyond.what == "the epoch"
    assert {parts[0].beyond.before, parts[0].beyond.now} == {None, "there"}


@pytest.mark.parametrize(("gone", "more", "what"), [("val_loss", {}, "val_loss"), ("", {"accuracy": 0.5}, "accuracy")])
def test_a_metric_that_only_one_has_differs(tmp_path, gone, more, what):
    lines = [{name: value for name, value in {**line, **more}.items() if name != gone} for line in LINES]
    epochs, *_ = parts = parts_of(tmp_path, lines=lines)
    assert epochs.beyond and (epochs.beyond.where, epochs.beyond.what) == ("stage train, epoch 1", what)
    assert (epochs.beyond.before, epochs.beyond.now, epochs.largest) == (LINES[0].get(what), more.get(what), math.inf)
    assert verdict_of(parts) == "different"


def test_metrics_of_the_test_count(tmp_path):
    parts = parts_of(tmp_path, accuracy=0.92)
    assert parts[1].beyond and (parts[1].beyond.where, parts[1].beyond.what) == ("test", "test_accuracy")
    assert verdict_of(parts) == "different"
    assert verdict_of(parts_of_again(tmp_path, 0.03)) == "within tolerance"


def parts_of_again(tmp_path: Path, tolerance: float) -> list[Part]:
    return compare_runs(RunFolder(tmp_path / "a"), RunFolder(tmp_path / "b"), tolerance)


def test_one_bit_of_a_weight_keeps_it_from_being_identical(tmp_path):
    kernel = KERNEL.copy()
    kernel[1, 2] = np.nextafter(kernel[1, 2], np.float32(9))
    parts = parts_of(tmp_path, kernel=kernel)
    assert verdict_of(parts) == "within tolerance"
    assert parts[2].result == "different" and parts[2].first
    assert (parts[2].first.where, parts[2].first.what) == ("best.keras", "classifier: layers/dense/vars/0")
    assert (parts[2].first.before, parts[2].first.now) == (5.0, float(kernel[1, 2]))


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"kernel": KERNEL.T}, "classifier: layers/dense/vars/0"),
        ({"kernel": None}, "classifier: layers/dense/vars/0"),
        ({"vocabulary": b"a c"}, "assets/words/vocabulary.txt"),
    ],
)
def test_other_shapes_missing_files_and_other_words_differ(tmp_path, changed, what):
    part = parts_of(tmp_path, **changed)[2]
    assert part.result == "different" and part.first and part.first.what == what


def test_what_the_first_run_has_no_more_is_not_compared(tmp_path):
    before, now = run_of(tmp_path / "a", kernel=None), run_of(tmp_path / "b")
    assert [part.name for part in compare_runs(before, now, 0.0)] == ["epochs", "test metrics"]


def test_the_worst_verdict_is_that_of_a_group():
    assert worst(["identical", "different", "within tolerance"]) == "different"
    assert worst(["identical", "identical"]) == "identical"
