"""results.json: what is written is read, and what it says in words."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from dlkit.errors import DlkitError
from dlkit.runs.results import Result, read_results, record

RESULT = Result(
    met=True,
    metrics={"test_loss": 0.1, "test_accuracy": 0.98, "test_auc": 0.999},
    intervals={"test_accuracy": [0.97, 0.99]},
    expectations=[
        {"metric": "test_accuracy", "bound": "at least 0.97", "value": 0.98, "met": True},
        {"metric": "test_accuracy", "bound": "at most 0.99", "value": 0.98, "met": True},
    ],
    seconds=11.4,
    seed=1,
    date="2026-11-21T08:00:00Z",
    digest="0123456789abcdef",
    machine={"cpu": "AMD EPYC", "cores": 2, "memory_bytes": 24 * 2**30, "gpus": []},
    versions={"python": "3.11.7", "dlkit": "0.1.0", "keras": "3.15.0", "tensorflow": "2.21.0"},
    git={"commit": "abc", "uncommitted": False},
)


def test_what_is_recorded_is_read_and_others_stay_in_the_order_of_their_names(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    assert read_results(file) == {}
    nan = {"metric": "test_loss", "bound": "at most 1", "value": math.nan, "met": False}
    diverged = replace(RESULT, met=False, metrics={"test_loss": math.nan}, intervals={}, expectations=[nan], git=None)
    record(file, "digits/cnn", RESULT)
    record(file, "adult/mlp", diverged)
    record(file, "digits/cnn", replace(RESULT, seconds=12.0))
    found = read_results(file)
    assert list(found) == ["adult/mlp", "digits/cnn"]
    assert found["digits/cnn"] == replace(RESULT, seconds=12.0)
    assert math.isnan(found["adult/mlp"].metrics["test_loss"]) and not found["adult/mlp"].met
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]


def test_a_result_is_held_against_what_the_recipe_expects_now() -> None:
    assert RESULT.meets({"test_accuracy": {"at_least": 0.98}, "test_loss": {"at_most": 0.1}})
    assert not RESULT.meets({"test_accuracy": {"at_least": 0.981}})
    assert not RESULT.meets({"test_f1": {"at_least": 0}})
    over = {
        "metric": "test_accuracy",
        "over": "recipe:digits/mlp",
        "value": 0.98,
        "other": 0.93,
        "difference": 0.05,
        "met": False,
    }
    held = replace(RESULT, met=False, expectations=[over])
    assert held.meets({"test_accuracy": {"at_least": 0.05, "over": "recipe:digits/mlp"}})
    assert not held.meets({"test_accuracy": {"at_least": 0.06, "over": "recipe:digits/mlp"}})
    assert not held.meets({"test_accuracy": {"at_least": 0.0, "over": "recipe:digits/rnn"}})


def test_what_is_told_of_means_stands_only_where_there_are_any(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    mean = replace(RESULT, deviations={"test_accuracy": 0.01, "test_loss": math.inf}, mean_of={"seeds": 3})
    record(file, "digits/mlp", mean)
    record(file, "digits/cnn", RESULT)
    entries = json.loads(file.read_text())["recipes"]
    assert entries["digits/mlp"].keys() - entries["digits/cnn"].keys() == {"deviations", "mean_of"}
    assert read_results(file) == {"digits/cnn": RESULT, "digits/mlp": mean}
    assert (RESULT.mean_text, mean.mean_text) == ("", "mean of 3 seeds")


def test_that_a_recipe_was_skipped_stands_where_nothing_was_measured(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    skipped = replace(RESULT, met=False, metrics={}, intervals={}, expectations=[], skipped="no data here")
    record(file, "digits/cnn", RESULT)
    record(file, "digits/cnn", skipped)
    record(file, "imdb/lstm", skipped)
    assert read_results(file) == {"digits/cnn": RESULT, "imdb/lstm": skipped}
    record(file, "imdb/lstm", RESULT)
    assert read_results(file)["imdb/lstm"] == RESULT


@pytest.mark.parametrize("text", ["", "<<<<<<< HEAD", "[]", '{"recipes": {"digits/cnn": {"met": true}}}'])
def test_a_damaged_file_is_an_error_and_stays(tmp_path: Path, text: str) -> None:
    file = tmp_path / "results.json"
    file.write_text(text)
    for work in (lambda: read_results(file), lambda: record(file, "digits/cnn", RESULT)):
        with pytest.raises(DlkitError, match=r"results\.json cannot be read") as raised:
            work()
        assert raised.value.code == "damaged-file"
    assert file.read_text() == text


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.2, "1 second"),
        (1.5, "2 seconds"),
        (11.4, "11 seconds"),
        (89, "89 seconds"),
        (91, "1.5 minutes"),
        (121, "2 minutes"),
        (600, "10 minutes"),
        (5400, "1.5 hours"),
        (36000, "10 hours"),
    ],
)
def test_the_time_in_words(seconds: float, told: str) -> None:
    assert replace(RESULT, seconds=seconds).duration == told


def test_the_machine_in_words() -> None:
    assert (RESULT.device, RESULT.machine_text) == ("2 CPU cores", "2 cores of AMD EPYC, 24 GiB")
    machine = {**RESULT.machine, "cores": 1, "gpus": ["NVIDIA H200"]}
    one = replace(RESULT, machine=machine)
    assert (one.device, one.machine_text) == ("1 GPU", "NVIDIA H200, 1 core of AMD EPYC, 24 GiB")
    split = replace(RESULT, machine={**RESULT.machine, "logical_devices": 2})
    assert split.device == "2 CPU cores as 2 devices"
    assert split.machine_text == "2 logical devices, 2 cores of AMD EPYC, 24 GiB"
    assert RESULT.reached == {"test_accuracy": 0.98}
