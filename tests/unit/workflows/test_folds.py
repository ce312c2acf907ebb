"""Folds: every example is tested once, and a fold alone is the fold among others."""

from __future__ import annotations

import json
import statistics
from pathlib import Path

import keras
import numpy as np
import pytest

import dlkit
from dlkit.data.arrays import Arrays, Splits
from dlkit.data.load import load
from dlkit.data.split import Fold, split
from dlkit.errors import DlkitError
from dlkit.recipe.components import Components
from dlkit.recipe.facts import DataFacts
from dlkit.runs.find import all_runs, find_whole
from dlkit.runs.folder import RunFolder
from dlkit.runs.group import GroupFolder
from dlkit.workflows.group import resume_group, train_group
from dlkit.workflows.members import folds_of

RECIPE = {
    "name": "flowers",
    "data": {"source": "iris", "folds": 3},
    "model": {"sequential": ["BatchNormalization", {"Dropout": {"rate": 0.2}}, {"Dense": {"units": 3}}]},
    "training": {"epochs": 2},
    "expect": {"test_accuracy": {"at_least": 0.1}},
}


def weights(model: keras.Model) -> bytes:
    return b"".join(array.tobytes() for array in model.get_weights())


def test_a_fold_alone_is_the_fold_among_others_to_the_bit(tmp_path: Path) -> None:
    told: list[str] = []
    recipe = dlkit.load(RECIPE)
    folds = train_group(folds_of(recipe), runs_dir=tmp_path, started=lambda label, folder, facts: told.append(label))
    assert told == ["fold 1 of 3", "fold 2 of 3", "fold 3 of 3"] and all(found.met for found in folds.expectations)
    alone = dlkit.train(dlkit.load(RECIPE, {"data.folds": {"fold": 2, "of": 3}}), runs_dir=tmp_path)
    assert weights(alone.model) == weights(folds.runs[1].model)
    assert alone.metrics == folds.runs[1].metrics
    values = [run.metrics["test_accuracy"] for run in folds.runs]
    written = json.loads((folds.folder.path / "group.json").read_text())
    assert folds.metrics["test_accuracy"] == written["metrics"]["test_accuracy"] == statistics.fmean(values)
    assert folds.deviations["test_accuracy"] == written["deviations"]["test_accuracy"] == statistics.stdev(values)
    assert [member["run"] for member in written["members"]] == ["0001", "0002", "0003"]
    assert len(all_runs(tmp_path)) == 4
    again = dlkit.load(folds.runs[1].folder.recipe)  # the recipe of a member trains that member
    assert again.config.data.folds.fold == 2


def test_folds_that_were_interrupted_go_on_and_end_as_if_they_had_not_been(tmp_path: Path) -> None:
    whole = train_group(folds_of(dlkit.load(RECIPE)), runs_dir=tmp_path / "whole")

    class Killed(BaseException):
        pass

    def killed(label: str, folder: RunFolder, facts: DataFacts) -> None:
        if label == "fold 2 of 3":
            raise Killed

    with pytest.raises(Killed):
        train_group(folds_of(dlkit.load(RECIPE)), runs_dir=tmp_path / "cut", started=killed)
    (path,) = (tmp_path / "cut").glob("flowers/*")
    first = (path / "members/0001/best.keras").read_bytes()
    folds = resume_group(GroupFolder(path))
    assert (path / "members/0001/best.keras").read_bytes() == first  # it was done
    assert (folds.metrics, folds.deviations) == (whole.metrics, whole.deviations)
    assert GroupFolder(path).read()["members"] == whole.folder.read()["members"]
    with pytest.raises(DlkitError, match="one run of a group"):
        find_whole(str(path / "members/0002"), tmp_path)
    assert find_whole("latest", tmp_path / "cut") == GroupFolder(path)


def test_train_takes_one_fold() -> None:
    with pytest.raises(DlkitError, match="3 folds, and `train` takes one of them"):
        dlkit.train(dlkit.load(RECIPE))


def examples(count: int, first: int = 0) -> Arrays:
    rows = np.arange(first, first + count)
    return Arrays({"row": rows}, {"label": (rows % 3).astype(np.int32)})


def test_every_example_is_held_out_once_and_classes_keep_their_shares() -> None:
    parts = [
        split(Splits(examples(31)), stratify="label", fold=Fold(number, 5, "test"), validation=0.2, seed=1)
        for number in range(1, 6)
    ]
    held_out = np.concatenate([part.test.features["row"] for part in parts])
    assert np.array_equal(np.sort(held_out), np.arange(31))
    for part in parts:
        assert np.bincount(part.test.targets["label"], minlength=3).max() <= 3
        rows = [set(arrays.features["row"].tolist()) for arrays in part.named().values()]
        assert sum(map(len, rows)) == len(set.union(*rows)) == 31


def test_folds_of_a_source_with_a_test_split_never_see_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Splits(examples(20), test=examples(10, first=20))
    monkeypatch.setattr("dlkit.data.load.call", lambda source, arguments: whole)
    declared = Components().source_facts("iris", {})
    made = [load("iris", {}, declared=declared, fold=(number, 4), seed=1) for number in range(1, 5)]
    assert all(part.test is None for part in made)
    held_out = np.concatenate([part.validation.features["row"] for part in made])
    assert np.array_equal(np.sort(held_out), np.arange(20))


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        (Splits(examples(9), ordered=True), "mixes examples of all times"),
        (Splits(examples(9), validation=examples(3)), "the source comes with a validation split"),
        (Splits(examples(3)), "`data.folds: 4` is more than there are examples, 2"),
    ],
)
def test_folds_that_cannot_be_are_errors(splits: Splits, message: str) -> None:
    with pytest.raises(DlkitError, match=message):
        split(splits, fold=Fold(1, 4, "validation"), seed=1)


def test_time_is_cut_in_its_order_with_a_gap() -> None:
    made = split(Splits(examples(100), ordered=True, gap=3), validation=10, test=20, limit=30, seed=1)
    rows = {name: part.features["row"].tolist() for name, part in made.named().items()}
    assert rows["test"] == list(range(80, 100))
    assert rows["validation"] == list(range(67, 72))  # 5 is 10 * 30 / 64, the nearest to training; 77 to 79 are the gap
    assert rows["train"] == list(range(34, 64))


def test_a_series_too_short_for_its_gap_is_an_error() -> None:
    with pytest.raises(DlkitError, match="nothing is left to learn from"):
        split(Splits(examples(10), ordered=True, gap=8), test=2, seed=1)
