"""Several seeds from the command line: what is said, and what is not possible together."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Dlkit = Callable[..., Any]

RECIPE = """\
name: test/pixels
data: {source: digits, limit: 300}
model: {sequential: [Flatten, {Dense: {units: $data.classes}}]}
training: {epochs: 1}
expect: {test_accuracy: {at_least: 0, at_most: 1}}
"""


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DLKIT_RUNS_DIR", str(tmp_path / "runs"))  # all of whose runs are told
    (tmp_path / "pixels.yaml").write_text(RECIPE)
    return tmp_path / "pixels.yaml"


def test_means_are_told_and_the_runs_are_listed_and_go_on(dlkit: Dlkit, recipe: Path) -> None:
    answer = dlkit("train", recipe, "--seeds", "2", "--json")
    assert answer.status == 0, answer.stderr
    assert "\nseed 1, 1 of 2\n" in answer.stderr and "\nseed 2, 2 of 2\n" in answer.stderr
    assert "The runs of the 2 seeds are in" in answer.stderr and "It reaches what the recipe expects" in answer.stderr
    told = answer.json
    group = Path(told["run"])
    assert (told["kind"], told["seeds"], len(told["members"])) == ("seeds", [1, 2], 2)
    accuracies = [member["metrics"]["test_accuracy"] for member in told["members"]]
    assert told["metrics"]["test_accuracy"] == pytest.approx(sum(accuracies) / 2)
    assert told["deviations"]["test_accuracy"] == pytest.approx(abs(accuracies[0] - accuracies[1]) / 2**0.5)
    assert [each["value"] for each in told["expectations"]] == [told["metrics"]["test_accuracy"]] * 2

    listed = dlkit("runs", "--json").json["runs"]
    assert [run["name"] for run in listed] == [f"{group.name}/members/000{number}" for number in (2, 1)]
    assert {run["recipe"] for run in listed} == {"test/pixels"}
    report = dlkit("report", group)
    assert report.status == 1 and "is a group of 2 runs" in report.stderr

    (group / "members/0002/status.json").unlink()  # as if it had been killed before it began
    (group / "members/0002/recipe.yaml").unlink()
    again = dlkit("resume", "latest")
    assert again.status == 0, again.stderr
    assert "seed 2, 2 of 2" in again.stderr and "seed 1, 1 of 2" not in again.stderr
    row = next(line.split("\t") for line in again.stdout.splitlines() if line.startswith("test_accuracy\t"))
    assert row[1:3] == [f"{told[kind]['test_accuracy']:.4f}" for kind in ("metrics", "deviations")]
    kept = json.loads((group / "group.json").read_text())
    assert (kept["metrics"], kept["deviations"]) == (told["metrics"], told["deviations"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("train", "--seeds", "1"), "greater than or equal to 2"),
        (("train", "--seeds", "2", "--find-lr"), "the learning rate is looked for with one seed"),
        (("train", "--seeds", "2", "--fold", "1", "--set", "data.folds=2"), "one fold is one run"),
        (("train", "--seeds", "2", "--workers", "2"), "seeds are trained one after another"),
        (("train", "--seeds", "2", "--set", "data.folds=2"), "is trained in 2 folds"),
        (("verify", "--seeds", "2", "--set", "data.folds=2"), "is trained in 2 folds"),
        (("train", "--seeds", "3", "--set", "seed=2147483646"), "`seed` is 2147483648"),
    ],
)
def test_what_does_not_go_together_is_a_usage_error(
    dlkit: Dlkit, recipe: Path, words: tuple[str, ...], message: str
) -> None:
    command, *options = words
    answer = dlkit(command, recipe, *options)
    assert answer.status == 2
    assert message in answer.stderr
    assert not Path("runs").exists()
