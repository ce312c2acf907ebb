"""`dlkit reproduce`: what is told of the run, what is trained again, what the verdict is."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Dlkit = Callable[..., Any]

RECIPE = """\
name: test/again
data: {source: {npz: {path: DATA, targets: [y]}}, test: 0.2}
model: {sequential: [{Dense: {units: 8, activation: relu}}, {Dropout: {rate: 0.2}}, {Dense: {units: 3}}]}
training: {epochs: 2, steps_per_execution: auto}
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "some.npz"
    write(path, 1)
    return path


def write(path: Path, seed: int) -> None:
    """Classes that can be learned."""
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(200, 4)).astype("float32")
    np.savez(path, x=x, y=x[:, :3].argmax(axis=1))


@pytest.fixture(scope="module")
def original(dlkit: Dlkit, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("trained")
    (home / "again.yaml").write_text(RECIPE.replace("DATA", str(data)))
    answer = dlkit("train", home / "again.yaml", "--runs-dir", home / "runs", "--json")
    assert answer.status == 0, answer.stderr
    return Path(answer.json["run"])


@pytest.fixture
def run(original: Path, tmp_path: Path) -> Path:
    """A copy of the run, in another folder."""
    return Path(shutil.copytree(original, tmp_path / "copied"))


def edit(path: Path, change: Callable[[Any], object]) -> None:
    """Changes a JSON file."""
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))


def test_a_copied_run_comes_out_to_the_bit(dlkit: Dlkit, run: Path, tmp_path: Path) -> None:
    answer = dlkit("reproduce", run, "--runs-dir", tmp_path / "runs")
    assert answer.status == 0, answer.stderr
    assert "The result is identical." in answer.stderr
    assert "keras: 3" in answer.stderr and "(the same)" in answer.stderr and "data: the same" in answer.stderr
    assert "training.steps_per_execution: " in answer.stderr and "auto is" not in answer.stderr
    rows = [line.split("\t") for line in answer.stdout.splitlines()]
    assert [row[:3] for row in rows[-4:]] == [
        ["epochs", "2", "identical"],
        ["test metrics", rows[-3][1], "identical"],
        ["best.keras", rows[-2][1], "identical"],
        ["model.keras", rows[-1][1], "identical"],
    ]
    ((_, then, now, difference, interval),) = (row for row in rows if row[0] == "test_accuracy")
    assert then == now and difference == "+0" and interval.endswith("inside")


def test_a_run_that_goes_on_from_another_has_that_trained_again_first(dlkit: Dlkit, tmp_path: Path) -> None:
    (tmp_path / "onward.yaml").write_text(
        "{name: test/onward, extends: [logic/xor_mlp], training: {epochs: 3, initial_weights: recipe:logic/xor_mlp}}"
    )
    first = dlkit("train", tmp_path / "onward.yaml", "--runs-dir", tmp_path / "there", "--json")
    assert first.status == 0, first.stderr
    copied = shutil.copytree(first.json["run"], tmp_path / "copied")
    shutil.rmtree(tmp_path / "there")
    again = dlkit("reproduce", copied, "--runs-dir", tmp_path / "here")
    assert again.status == 0, again.stderr
    assert "The result is identical." in again.stderr
    assert sorted(each.name for each in (tmp_path / "here").glob("*/*")) == ["onward", "xor_mlp"]


def test_an_epoch_that_was_changed_is_found(dlkit: Dlkit, run: Path, tmp_path: Path) -> None:
    first, second = (json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines())
    before = second["val_loss"]
    second["val_loss"] = before + 0.2
    (run / "metrics.jsonl").write_text(json.dumps(first) + "\n" + json.dumps(second) + "\n")
    answer = dlkit("reproduce", run, "--runs-dir", tmp_path / "runs", "--json")
    assert answer.status == 3
    told = answer.json
    assert told["verdict"] == "different" and told["original"] == str(run) and told["run"].startswith(str(tmp_path))
    assert told["metrics"] == told["original_metrics"]
    epochs = told["parts"][0]
    assert (epochs["result"], epochs["first"]) == ("different", epochs["beyond"])
    found = epochs["first"]
    assert (found["where"], found["what"]) == ("stage train, epoch 2", "val_loss")
    assert (found["before"], found["now"]) == (before + 0.2, before)
    wide = dlkit("reproduce", run, "--runs-dir", tmp_path / "runs", "--tolerance", "0.3", "--json")
    assert (wide.status, wide.json["verdict"]) == (0, "within tolerance")


def test_other_data_are_told_before_anything_is_trained(dlkit: Dlkit, run: Path, data: Path, tmp_path: Path) -> None:
    kept = data.read_bytes()
    try:
        write(data, 2)
        answer = dlkit("reproduce", run, "--runs-dir", tmp_path / "runs", "--json")
        assert answer.status == 3
        assert (answer.json["verdict"], answer.json["run"], answer.json["parts"]) == ("different", None, [])
        assert "the data are not those that the run was trained on" in answer.stderr
        assert not (tmp_path / "runs").exists()
        anyway = dlkit("reproduce", run, "--runs-dir", tmp_path / "runs", "--anyway", "--json")
        assert anyway.status == 3 and anyway.json["parts"][0]["first"]["where"] == "stage train, epoch 1"
        (data_check,) = (check for check in anyway.json["checks"] if check["kind"] == "data")
        assert not data_check["same"]
    finally:
        data.write_bytes(kept)


def test_other_versions_and_what_gives_exactness_up_are_told_first(dlkit: Dlkit, run: Path, tmp_path: Path) -> None:
    edit(run / "provenance.json", lambda told: told["versions"].update(keras="3.14.0"))
    edit(
        run / "provenance.json",
        lambda told: told.update(resumed=[{"command": ["dlkit", "--set", "training.epochs=2"]}]),
    )
    recipe = (run / "recipe.yaml").read_text()
    (run / "recipe.yaml").write_text(recipe + "deterministic: false\n")
    (run / "best.keras").unlink()
    (run / "model.keras").unlink()
    answer = dlkit("reproduce", run, "--runs-dir", tmp_path / "runs")
    assert answer.status == 0, answer.stderr
    before = answer.stderr.partition("run folder:")[0]
    assert "keras: 3.14.0 then, 3.15" in before and "here (differs)" in before
    assert "warning: keras 3.14.0 then, 3.15" in before
    assert "`deterministic: false`" in before and "was lengthened" in before
    assert "The weights were not compared" in answer.stderr


def test_a_group_is_trained_again_run_by_run(dlkit: Dlkit, original: Path, tmp_path: Path) -> None:
    made = dlkit("train", original / "recipe.yaml", "--seeds", 2, "--runs-dir", tmp_path / "a", "--json").json
    answer = dlkit("reproduce", made["run"], "--runs-dir", tmp_path / "b", "--json")
    assert answer.status == 0, answer.stderr
    members = answer.json["members"]
    assert [member["verdict"] for member in members] == ["identical", "identical"]
    assert [member["original"] for member in members] == [member["run"] for member in made["members"]]
    shutil.rmtree(Path(made["run"]) / "members/0002")
    left = dlkit("reproduce", made["run"], "--runs-dir", tmp_path / "b", "--json")
    assert left.status == 1 and left.json["error"]["code"] == "unfinished-run"


@pytest.mark.parametrize(
    ("change", "code", "cure"),
    [
        (
            lambda run: edit(run / "status.json", lambda told: told.update(state="interrupted")),
            "unfinished-run",
            "resume",
        ),
        (lambda run: [(run / f).unlink() for f in ("metrics.jsonl", "evaluation.json")], "nothing-to-compare", "Copy"),
        (lambda run: (run / "recipe.yaml").unlink(), "damaged-file", ""),
    ],
)
def test_what_cannot_be_reproduced_is_refused(
    dlkit: Dlkit, run: Path, tmp_path: Path, change: Callable[[Path], object], code: str, cure: str
) -> None:
    change(run)
    answer = dlkit("reproduce", run, "--runs-dir", tmp_path / "runs", "--json")
    assert (answer.status, answer.json["error"]["code"]) == (1, code)
    assert cure in answer.json["error"].get("cure", "")
    assert not (tmp_path / "runs").exists()


def test_a_sweep_is_refused(dlkit: Dlkit, original: Path, tmp_path: Path) -> None:
    group = tmp_path / "20261121-000000-0000"
    shutil.copytree(original, group / "members/0001")
    (group / "group.json").write_text(json.dumps({"kind": "sweep"}))
    for named, words in ((group, "is a sweep"), (group / "members/0001", "is a trial of a sweep")):
        answer = dlkit("reproduce", named)
        assert answer.status == 1 and words in answer.stderr and "dlkit train" in answer.stderr
