"""What is told of a run before it is trained again."""

from __future__ import annotations

from typing import Any

import pytest

from dlkit.recipe.load import Recipe, load
from dlkit.runs.provenance import provenance
from dlkit.workflows.reproducible import checks_of, chosen_then, doubts_of, logical_devices_of


def made_here(**changed: Any) -> dict[str, Any]:
    """What provenance.json holds of a run that this machine made."""
    told = provenance(command=["dlkit"], seeds={}, data_fingerprint="f", chosen={}, logical_devices=2)
    return {**told, **changed}


def recipe(**training: Any) -> Recipe:
    return load(
        {
            "name": "test/small",
            "data": {"source": "digits"},
            "model": {"sequential": ["Flatten", {"Dense": {"units": 10}}]},
            "training": {"epochs": 1, **training},
        }
    )


def test_nothing_is_doubtful_where_all_is_as_it_was() -> None:
    told = made_here()
    assert all(check.same for check in checks_of(told))
    assert {check.name for check in checks_of(told)} >= {"python", "keras", "tensorflow", "cpu", "cores", "GPUs"}
    assert not list(doubts_of(recipe(), told))
    assert logical_devices_of(told) == 2


@pytest.mark.parametrize(
    ("kind", "key", "name", "value"),
    [
        ("version", "versions", "keras", "3.14.0"),
        ("machine", "hardware", "cores", 999),
        ("environment", "environment", "TF_ENABLE_ONEDNN_OPTS", "0"),
    ],
)
def test_what_differs_is_named(kind: str, key: str, name: str, value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    told = made_here()
    (found,) = (check for check in checks_of({**told, key: {**told[key], name: value}}) if not check.same)
    assert (found.kind, found.name, found.before) == (kind, name, value)
    (doubt,) = doubts_of(recipe(), {**told, key: {**told[key], name: value}})
    assert doubt.startswith(f"{name} {value} then, {found.now} here")


@pytest.mark.parametrize(
    ("training", "changed", "words"),
    [
        ({"stop_after": {"minutes": 5}}, {}, "ends by the clock"),
        ({}, {"resumed": [{"command": ["dlkit", "resume", "x", "--set=training.epochs=9"]}]}, "was lengthened"),
    ],
)
def test_what_gives_exactness_up_is_told(training: dict[str, Any], changed: dict[str, Any], words: str) -> None:
    (doubt,) = doubts_of(recipe(**training), made_here(**changed))
    assert words in doubt


def test_a_run_that_was_resumed_and_not_lengthened_is_as_good() -> None:
    assert not list(doubts_of(recipe(), made_here(resumed=[{"command": ["dlkit", "resume", "latest"]}])))


def test_without_provenance_nothing_is_known() -> None:
    assert checks_of({}) == []
    assert [doubt.partition(":")[0] for doubt in doubts_of(recipe(), {})] == ["the run has no provenance.json"]


def test_what_auto_chose_is_taken_over_but_for_the_best_epoch() -> None:
    chosen = {"training.best": {"monitor": "val_loss", "mode": "auto"}, "training.precision": "mixed_bfloat16"}
    assert chosen_then({"chosen": chosen}) == {"training.precision": "mixed_bfloat16"}
