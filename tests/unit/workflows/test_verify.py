"""Verifying recipes: each is trained as if alone, whatever becomes of those before it."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

import dlkit
from dlkit.errors import DlkitError
from dlkit.recipe.library import PACKAGE
from dlkit.runs.find import all_runs
from dlkit.runs.folder import RunFolder
from dlkit.runs.results import read_results
from dlkit.workflows import recording
from dlkit.workflows.other_runs import unfinished_run
from dlkit.workflows.verify import verify
from tests.killing import Killed, killer

RECIPE: dict[str, Any] = {
    "name": "test/flowers",
    "data": {"source": "iris"},
    "model": {"sequential": ["BatchNormalization", {"Dropout": {"rate": 0.2}}, {"Dense": {"units": 3}}]},
    "training": {"epochs": 2},
    "expect": {"test_accuracy": {"at_least": 0.1, "at_most": 1}, "test_loss": {"at_most": 50}},
}
OTHER = {**RECIPE, "name": "test/other", "model": {"sequential": [{"Dense": {"units": 3}}]}}


def test_a_recipe_after_another_reaches_what_it_reaches_alone(tmp_path: Path) -> None:
    verify(dlkit.load(OTHER), runs_dir=tmp_path)
    found = verify(dlkit.load(RECIPE), runs_dir=tmp_path)
    assert found.metrics == dlkit.train(dlkit.load(RECIPE), runs_dir=tmp_path).metrics
    assert (found.name, found.verdict, found.reason) == ("test/flowers", "met", None)
    assert [(each.metric, each.bound, each.met) for each in found.expectations] == [
        ("test_accuracy", "at least 0.1", True),
        ("test_accuracy", "at most 1", True),
        ("test_loss", "at most 50", True),
    ]
    low, high = found.intervals["test_accuracy"]
    assert low <= found.metrics["test_accuracy"] <= high
    assert found.run is not None and (found.run / "evaluation.json").is_file()
    assert found.seconds > 0


def test_the_quick_variant_has_its_own_bounds(tmp_path: Path) -> None:
    quick = {"set": {"training.epochs": 1}, "expect": {"test_accuracy": {"at_least": 1.5}}}
    found = verify(dlkit.load({**RECIPE, "quick": quick}, quick=True), runs_dir=tmp_path)
    assert found.verdict == "short"
    assert [(each.bound, each.met) for each in found.expectations] == [("at least 1.5", False)]
    (run,) = all_runs(tmp_path)
    assert len(run.read_metrics()) == 1


def test_of_folds_the_means_are_compared(tmp_path: Path) -> None:
    found = verify(dlkit.load({**RECIPE, "data": {"source": "iris", "folds": 2}}), runs_dir=tmp_path)
    assert (found.verdict, len(all_runs(tmp_path))) == ("met", 2)
    assert found.run is not None and (found.run / "group.json").is_file()


def test_a_run_that_was_interrupted_is_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = dlkit.load({**RECIPE, "training": {"epochs": 6, "checkpoint": {"every": {"steps": 2}}}})
    whole = verify(recipe, runs_dir=tmp_path / "whole")
    with monkeypatch.context() as patch:
        killer(patch)(step=13)
        with pytest.raises(Killed):
            verify(recipe, runs_dir=tmp_path)
    (begun,) = (tmp_path / "test").rglob("status.json")
    other = dlkit.load({**RECIPE, "training": {"epochs": 5}})
    assert verify(other, resumes=True, runs_dir=tmp_path).run != begun.parent
    found = verify(recipe, resumes=True, runs_dir=tmp_path)
    assert (found.run, found.metrics) == (begun.parent, whole.metrics)
    assert found.seconds > json.loads(begun.read_text())["seconds_before"] > 0
    assert verify(recipe, resumes=True, runs_dir=tmp_path).run != begun.parent  # it has finished


def test_what_another_commit_began_is_not_recorded_as_a_result_of_this_one(tmp_path: Path) -> None:
    recipe = dlkit.load(RECIPE)
    run = verify(recipe, runs_dir=tmp_path).run
    assert run is not None
    told = json.loads((run / "status.json").read_text())
    (run / "status.json").write_text(json.dumps({**told, "state": "interrupted"}))
    assert unfinished_run(recipe, tmp_path) == RunFolder(run)
    assert unfinished_run(recipe, tmp_path, "0" * 40) is None


def test_without_expect_nothing_is_trained(tmp_path: Path) -> None:
    found = verify(dlkit.load({**RECIPE, "expect": None}), runs_dir=tmp_path)
    assert (found.verdict, found.reason) == ("skipped", "it has no `expect` to be held against")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("changed", "verdict", "reason"),
    [
        ({"data": {"source": {"csv": {"path": "no.csv", "target": "x"}}}, "expect": {"test_loss": {"at_most": 1}}},
         "skipped", "`data.source.csv.path`: there is no such file: no.csv"),
        ({"training": {"epochs": 2, "optimizer": {"SGD": {"learning_rate": 1e38}}}},
         "failed", "The loss became nan in step 2 of epoch 1."),
        ({"training": {"epochs": 2, "initial_weights": "no.keras"}}, "failed", "There is no file no.keras."),
    ],
)  # fmt: skip
def test_a_recipe_that_cannot_be_trained_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any], verdict: str, reason: str
) -> None:
    monkeypatch.delenv("DLKIT_DATA_DIR", raising=False)  # which the message names
    errors: list[Exception] = []
    found = verify(dlkit.load({**RECIPE, **changed}), runs_dir=tmp_path, failed=errors.append)
    assert (found.verdict, found.reason, found.expectations) == (verdict, reason, ())
    assert len(errors) == 1
    assert (found.run is not None) == bool(all_runs(tmp_path))


def test_an_error_that_nobody_foresaw_is_told_too_and_an_interruption_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def train(*words: object, **named: object) -> None:
        raise raised

    monkeypatch.setattr("dlkit.workflows.verify.train", train)
    raised: BaseException = ZeroDivisionError("division by zero\nand more")
    found = verify(dlkit.load(RECIPE), runs_dir=tmp_path)
    assert (found.verdict, found.reason) == ("failed", "ZeroDivisionError: division by zero")
    raised = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        verify(dlkit.load(RECIPE), runs_dir=tmp_path)
    assert logging.getLogger("tensorflow").filters == []


def test_the_reason_is_one_line_that_does_not_lead_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def train(*words: object, **named: object) -> None:
        raise DlkitError(
            "The files of MNIST were not found. Looked at:\n  /here: no such folder", code="data-not-found"
        )

    monkeypatch.setattr("dlkit.workflows.verify.train", train)
    found = verify(dlkit.load(RECIPE), runs_dir=tmp_path)
    assert (found.verdict, found.reason) == ("skipped", "The files of MNIST were not found.")


def test_what_falls_short_is_recorded_and_what_failed_is_not(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    short = dlkit.load({**RECIPE, "expect": {"test_accuracy": {"at_least": 2}}})
    found = verify(short, runs_dir=tmp_path, record_in=file)
    failing = {**OTHER, "training": {"epochs": 2, "optimizer": {"SGD": {"learning_rate": 1e38}}}}
    verify(dlkit.load(failing), runs_dir=tmp_path, record_in=file)
    ((name, result),) = read_results(file).items()
    assert (name, result.met, result.metrics) == ("test/flowers", False, found.metrics)
    assert {"cpu", "cores", "memory_bytes", "gpus"} == set(result.machine)
    assert {"python", "dlkit", "keras", "tensorflow"} == set(result.versions) and all(result.versions.values())
    assert (result.seed, len(result.digest), result.seconds) == (1, 16, round(found.seconds, 1))


def test_the_commit_of_dlkit_and_whether_its_code_was_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    def state(diff: str) -> dict[str, Any] | None:
        monkeypatch.setattr(recording, "git_state", lambda folder: {"commit": "abc", "diff": diff})
        return recording.code_state()

    results = "diff --git a/recipes/results.json b/recipes/results.json\n+x\n"
    assert state(results) == {"commit": "abc", "uncommitted": False}
    assert state(f"diff --git a/dlkit/errors.py b/dlkit/errors.py\n+x\n{results}") == {
        "commit": "abc",
        "uncommitted": True,
    }
    monkeypatch.setattr(recording, "git_state", lambda folder: None)
    assert recording.code_state() is None


def test_where_results_cannot_be_recorded_that_is_said_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ships, foreign = dlkit.load("digits/cnn"), dlkit.load(RECIPE)
    assert recording.file_for_results([ships]).name == "results.json"

    def refused(message: str, code: str, *recipes: Any) -> None:
        with pytest.raises(DlkitError, match=message) as raised:
            recording.file_for_results(recipes)
        assert raised.value.code == code

    refused("which are not: test/flowers", "not-shipped", ships, foreign)
    with monkeypatch.context() as patch:
        patch.setattr("os.access", lambda path, mode: False)
        refused("cannot be written", "cannot-write", ships)
    monkeypatch.setattr(recording, "results_file", lambda: PACKAGE / "recipes" / "results.json")
    refused("belongs to an installed dlkit", "cannot-write", ships)
