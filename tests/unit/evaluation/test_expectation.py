"""Bounds on what was measured, and on its difference to another run."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from dlkit.evaluation.evaluation import Evaluation, OtherRun
from dlkit.evaluation.expectation import compare
from dlkit.recipe.keys import Expected

OTHER = {"recipe:base": OtherRun("runs/base/1", {"test_accuracy": 0.80, "test_loss": math.nan})}


def only(expected: Expected, value: float | None = 0.88, over: dict[str, OtherRun] | None = OTHER):
    (found,) = compare({"test_accuracy": expected}, {} if value is None else {"test_accuracy": value}, over)
    return found


@pytest.mark.parametrize(
    ("bound", "value", "met"),
    [
        ({"at_least": 0.08}, 0.88, True),  # 0.88 - 0.80 is 0.07999... in binary
        ({"at_least": 0.08}, 0.8799, False),
        ({"at_most": -0.1}, 0.7, True),
        ({"at_most": -0.1}, 0.71, False),
        ({"equals": 0}, 0.8, True),
        ({"at_least": -1}, math.nan, False),
        ({"at_least": -1}, None, False),
    ],
)
def test_a_bound_on_the_difference_to_another_run(bound: dict[str, float], value: float | None, met: bool) -> None:
    found = only(Expected(**bound, over="recipe:base"), value)
    assert (found.met, found.value, found.other, found.over) == (met, value, 0.80, "recipe:base") or value != value
    assert found.met is met


def test_both_numbers_and_the_difference_are_told() -> None:
    found = only(Expected(at_least=0.05, over="recipe:base"))
    assert found.bound == "at least 0.05 over recipe:base"
    assert found.measured("{:.2f}".format) == "0.08 = 0.88 - 0.80"
    assert only(Expected(at_least=0.05)).measured("{:.2f}".format) == "0.88"
    assert only(Expected(at_least=0.05), None).measured("{:.2f}".format) == "not measured"


def test_of_a_mean_the_deviation_is_told() -> None:
    mean = replace(only(Expected(at_least=0.05, over="recipe:base")), deviation=0.01)
    assert mean.measured("{:.2f}".format) == "0.08 ± 0.01 = 0.88 - 0.80"
    assert set(mean.as_dict()) == {"metric", "bound", "value", "met", "over", "other", "difference", "deviation"}
    alone = replace(only(Expected(at_least=0.05)), deviation=0.01)
    assert alone.measured("{:.2f}".format) == "0.88 ± 0.01"
    assert set(alone.as_dict()) == {"metric", "bound", "value", "met", "deviation"}
    assert set(only(Expected(at_least=0.05)).as_dict()) == {"metric", "bound", "value", "met"}


def test_without_the_other_run_nothing_is_met() -> None:
    found = only(Expected(at_least=-1, over="recipe:base"), over=None)
    assert (found.met, found.difference) == (False, None)
    assert found.measured("{:.2f}".format) == "0.88, not measured by the other"


def test_evaluation_json_holds_the_other_runs(tmp_path: Path) -> None:
    Evaluation("best.keras", metrics={"test_accuracy": 0.88}, over=OTHER).write(tmp_path / "evaluation.json")
    read = Evaluation.read(tmp_path / "evaluation.json")
    assert read is not None and read.over["recipe:base"].run == "runs/base/1"
    assert read.over["recipe:base"].metrics["test_accuracy"] == 0.80
    assert math.isnan(read.over["recipe:base"].metrics["test_loss"])
