"""Runs held against each other: run folders made by hand, without TensorFlow."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dlkit.errors import DlkitError
from dlkit.recipe.differing import ABSENT
from dlkit.reporting.compare_page import Comparison, measured_text
from dlkit.runs import json_text
from dlkit.runs.folder import RunFolder
from dlkit.runs.group import GroupFolder
from dlkit.runs.status import Status
from dlkit.workflows.compare import compare

RECIPE = """\
name: digits/cnn
seed: 1
data: {source: digits}
model: {sequential: [Flatten, {Dense: {units: 10}}]}
training: {epochs: 3, optimizer: {Adam: {learning_rate: 0.001}}}
"""
PROVENANCE: dict[str, Any] = {
    "versions": {"keras": "3.15.1", "dlkit": None},
    "hardware": {"cpu": "a CPU", "cores": 2, "memory_bytes": 2**33, "gpus": []},
    "environment": {"TF_DETERMINISTIC_OPS": "1", "DLKIT_RUNS_DIR": "here"},
    "git": {"commit": "a" * 40, "diff": ""},
    "data_fingerprint": "f" * 64,
    "chosen": {"training.best": {"monitor": "val_loss", "mode": "auto"}},
}
DIFF = "--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-old\n+new\n"

Make = Callable[..., RunFolder]


def make(
    path: Path, *, recipe: str = RECIPE, accuracy: float | None = 0.9, losses: Any = (0.5, 0.2, 0.3), **provenance
):
    """A run folder; `accuracy` is that on the test split, None: not evaluated; `losses` those of validation."""
    run = RunFolder(path)
    path.mkdir(parents=True)
    run.recipe.write_text(recipe)
    run.provenance.write_text(json.dumps({**PROVENANCE, **provenance}))
    state: Any = "finished" if accuracy is not None else "interrupted"
    Status(state, "2026-01-31T14:00:00Z", "2026-01-31T14:01:30Z", 1, "host", seconds_before=10.0).write(run.status)
    for number, loss in enumerate(losses, start=1):
        run.append_metrics({"stage": "train", "epoch": number, "loss": loss / 2, "val_loss": loss})
    if accuracy is not None:
        told = {
            "model": "best.keras",
            "split": "test",
            "examples": 100,
            "metrics": {"test_accuracy": accuracy, "test_loss": 0.25},
            "intervals": {"test_accuracy": [accuracy - 0.02, accuracy + 0.02]} if math.isfinite(accuracy) else {},
        }
        run.evaluation.write_text(json_text.dumps(told))
    return run


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "digits" / "cnn"


def group(path: Path, accuracies: list[float | None], asked: int = 3) -> GroupFolder:
    folder = GroupFolder(path)
    path.mkdir(parents=True)
    folder.recipe.write_text(RECIPE)
    folder.write({"kind": "seeds", "recipe": "digits/cnn", "seeds": list(range(1, asked + 1))})
    for number, accuracy in enumerate(accuracies, start=1):
        make(path / "members" / f"{number:04d}", accuracy=accuracy)
    return folder


def differing(comparison: Comparison) -> dict[tuple[str, str], tuple[Any, ...]]:
    return {(each.about, each.path): each.values for each in comparison.differing}


def test_what_is_the_same_is_not_told(home: Path, tmp_path: Path) -> None:
    make(home / "20260101-000000-aaaa")
    make(home / "20260102-000000-bbbb")
    comparison = compare(["aaaa", "bbbb"], tmp_path)
    assert comparison.differing == []
    assert comparison.letters == ["A", "B"]
    first = comparison.runs[0]
    assert (first.name, first.recipe, first.state) == ("20260101-000000-aaaa", "digits/cnn", "finished")
    assert (first.epochs, first.best_epochs, first.seconds) == ([3], [2], 100.0)
    assert first.members == "" and first.epochs_text == "3, best 2"


def test_recipe_code_versions_hardware_and_data(home: Path, tmp_path: Path) -> None:
    make(home / "20260101-000000-aaaa")
    make(
        home / "20260102-000000-bbbb",
        recipe=RECIPE.replace("epochs: 3", "epochs: 5").replace("Flatten, ", ""),
        versions={"keras": "3.16.0", "dlkit": "0.1"},
        hardware={"cpu": "a CPU", "cores": 4, "memory_bytes": 2**34, "gpus": ["GPU"]},
        environment={"DLKIT_RUNS_DIR": "there"},
        git={"commit": "b" * 40, "diff": DIFF},
        data_fingerprint="0" * 64,
    )
    found = differing(compare(["aaaa", "bbbb"], tmp_path))
    changes = found.pop(("code", "uncommitted changes"))
    assert changes[0] is ABSENT and changes[1].startswith("2 lines, sha256 ")
    assert found == {
        ("recipe", "model.sequential.Flatten"): ("Flatten", ABSENT),
        ("recipe", "training.epochs"): (3, 5),
        ("code", "commit"): ("a" * 12, "b" * 12),
        ("data", "fingerprint"): ("f" * 12, "0" * 12),
        ("versions", "keras"): ("3.15.1", "3.16.0"),
        ("versions", "dlkit"): (ABSENT, "0.1"),
        ("hardware", "cores"): (2, 4),
        ("hardware", "gpus"): ([], ["GPU"]),
        ("hardware", "memory"): ("8.0 GiB", "16.0 GiB"),
        ("environment", "TF_DETERMINISTIC_OPS"): ("1", ABSENT),
    }


def test_metrics_with_intervals_and_differences_to_the_first(home: Path, tmp_path: Path) -> None:
    make(home / "20260101-000000-aaaa", accuracy=0.9)
    make(home / "20260102-000000-bbbb", accuracy=0.925, losses=(0.4, 0.3, 0.1))
    comparison = compare(["aaaa", "bbbb"], tmp_path)
    assert comparison.metrics == ["test_accuracy", "test_loss", "val_loss"]
    texts = [measured_text(comparison, run, "test_accuracy") for run in comparison.runs]
    assert texts == ["0.9000 [0.8800, 0.9200]", "0.9250 [0.9050, 0.9450] (+0.0250)"]
    assert measured_text(comparison, comparison.runs[1], "val_loss") == "0.1000 (−0.1000)"
    assert measured_text(comparison, comparison.runs[1], "test_loss") == "0.2500 (=)"


def test_a_run_that_was_not_evaluated_has_its_validation(home: Path, tmp_path: Path) -> None:
    make(home / "20260101-000000-aaaa")
    make(home / "20260102-000000-bbbb", accuracy=None, losses=(0.4,))
    make(home / "20260103-000000-cccc", accuracy=None, losses=())
    comparison = compare(["aaaa", "bbbb", "cccc"], tmp_path)
    _, second, third = comparison.runs
    assert (second.state, second.epochs_text, third.epochs_text) == ("interrupted", "1, best 1", "0")
    assert [measured_text(comparison, second, name) for name in comparison.metrics] == ["–", "–", "0.4000 (+0.2000)"]
    assert [measured_text(comparison, third, name) for name in comparison.metrics] == ["–", "–", "–"]


def test_a_run_that_ended_before_it_had_a_recipe(home: Path, tmp_path: Path) -> None:
    make(home / "20260101-000000-aaaa")
    run = make(home / "20260102-000000-bbbb", accuracy=None, losses=())
    run.recipe.unlink()
    run.provenance.unlink()
    found = differing(compare(["aaaa", "bbbb"], tmp_path))
    assert found["recipe", "name"] == ("digits/cnn", ABSENT)
    assert found["versions", "keras"] == ("3.15.1", ABSENT)


def test_a_group_has_means_and_deviations_over_its_members(home: Path, tmp_path: Path) -> None:
    make(home / "20260101-000000-aaaa", accuracy=0.9)
    group(home / "20260102-000000-bbbb", [0.9, 0.92, 0.97])
    comparison = compare(["aaaa", "bbbb"], tmp_path)
    run = comparison.runs[1]
    assert (run.kind, run.members, run.epochs_text) == ("seeds", "3 seeds", "3, best 2, 2, 2")
    measured = run.metrics["test_accuracy"]
    assert measured.value == statistics.fmean([0.9, 0.92, 0.97])
    assert measured.deviation == statistics.stdev([0.9, 0.92, 0.97])
    assert measured.members == 3 and measured.interval is None
    assert measured_text(comparison, run, "test_accuracy") == "0.9300 ± 0.036 (+0.0300)"
    assert differing(comparison) == {("seeds", "of the members"): (ABSENT, [1, 2, 3])}


def test_a_group_that_is_not_done(home: Path, tmp_path: Path) -> None:
    make(home / "20260101-000000-aaaa")
    group(home / "20260102-000000-bbbb", [0.9, None])
    empty_group = group(home / "20260103-000000-cccc", [])
    comparison = compare(["aaaa", "bbbb", str(empty_group.path)], tmp_path)
    _, begun, empty = comparison.runs
    assert (begun.members, begun.state) == ("2 of 3 seeds", "finished and interrupted")
    assert begun.metrics["val_loss"].deviation == 0.0
    assert begun.metrics["test_accuracy"].value == 0.9
    assert (empty.members, empty.state, empty.metrics) == ("0 of 3 seeds", "not begun", {})


def test_a_loss_that_is_no_number(home: Path, tmp_path: Path) -> None:
    make(home / "20260101-000000-aaaa", accuracy=float("nan"))
    group(home / "20260102-000000-bbbb", [0.9, float("inf")])
    comparison = compare(["aaaa", "bbbb"], tmp_path)
    texts = [measured_text(comparison, run, "test_accuracy") for run in comparison.runs]
    assert texts == ["nan", "inf ± nan (nan)"]


def test_members_that_do_not_agree_are_told_apart(home: Path, tmp_path: Path) -> None:
    make(home / "20260101-000000-aaaa")
    folder = group(home / "20260102-000000-bbbb", [0.9, 0.9])
    changed = {**PROVENANCE, "versions": {"keras": "3.16.0"}}
    (folder.path / "members" / "0002" / "provenance.json").write_text(json.dumps(changed))
    found = differing(compare(["aaaa", "bbbb"], tmp_path))
    assert found["versions", "keras"] == ("3.15.1", ["3.15.1", "3.16.0"])


def test_a_member_can_be_compared_with_its_group(home: Path, tmp_path: Path) -> None:
    group(home / "20260102-000000-bbbb", [0.9, 0.95])
    comparison = compare(["bbbb/members/0001", "bbbb"], tmp_path)
    assert [run.name for run in comparison.runs] == ["20260102-000000-bbbb/members/0001", "20260102-000000-bbbb"]


def test_plugins_are_code(home: Path, tmp_path: Path) -> None:
    for name, text in (("aaaa", "x = 1\n"), ("bbbb", "x = 2\n")):
        run = make(home / f"20260101-000000-{name}")
        (run.path / "plugins").mkdir()
        (run.path / "plugins" / "mine.py").write_text(text)
    ((about, values),) = differing(compare(["aaaa", "bbbb"], tmp_path)).items()
    assert about == ("code", "plugins/mine.py") and values[0] != values[1]


def test_a_run_is_not_compared_with_itself(home: Path, tmp_path: Path) -> None:
    run = make(home / "20260101-000000-aaaa")
    with pytest.raises(DlkitError, match="are the same run") as refused:
        compare(["latest", str(run.path)], tmp_path)
    assert refused.value.code == "same-run"


def test_a_sweep_is_not_compared_but_its_trials_are(home: Path, tmp_path: Path) -> None:
    folder = group(home / "20260101-000000-aaaa", [None, None])
    folder.write({"kind": "sweep", "recipe": "digits/cnn", "objective": "val_loss", "direction": "min"})
    make(home / "20260102-000000-bbbb")
    with pytest.raises(DlkitError, match="is a sweep") as refused:
        compare(["aaaa", "bbbb"], tmp_path)
    assert refused.value.code == "is-sweep"
    members = [str(folder.path / "members" / name) for name in ("0001", "0002")]
    assert compare(members, tmp_path).metrics == ["val_loss"]
