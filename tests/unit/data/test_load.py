from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dlkit.data.arrays import Arrays, Splits
from dlkit.data.load import load
from dlkit.errors import DlkitError
from dlkit.recipe import registry
from dlkit.recipe.facts import DataFacts, read_facts

DECLARED = {
    "features": {"row": {"kind": "number", "shape": [], "dtype": "int64"}, "noise": {"kind": "vector"}},
    "targets": {
        "rare": {"kind": "classes", "classes": 2, "default": False},
        "kind": {"kind": "classes", "classes": 4},
        "price": {"kind": "number"},
        "more": {"kind": "number", "default": False},
    },
}


def made(count: int = 80) -> Splits:
    rows = np.arange(count)
    targets = {"rare": rows == 0, "kind": rows % 4, "price": rows / 2, "more": rows / 3}
    types = {"rare": "int32", "kind": "int32", "price": "float32", "more": "float32"}
    features = {"row": rows, "noise": np.zeros((count, 2), np.float32)}
    return Splits(Arrays(features, {name: values.astype(types[name]) for name, values in targets.items()}))


@pytest.fixture(autouse=True)
def source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry._registered, ("source", "made"), registry.Registered("source", "made", made, DECLARED))


def facts() -> DataFacts:
    return read_facts(DECLARED["features"], DECLARED["targets"])


def loaded(**options: Any) -> Splits:
    return load("made", options.pop("arguments", {}), **{"declared": facts(), "seed": 1, **options})


def test_default_targets_and_every_feature_are_kept() -> None:
    cut = loaded()
    assert [len(part) for part in cut.named().values()] == [58, 6, 16]
    assert list(cut.train.features) == ["row", "noise"]
    assert list(cut.train.targets) == ["kind", "price"]


def test_arguments_reach_the_source() -> None:
    assert len(loaded(arguments={"count": 40}).test or ()) == 8


def test_chosen_features_and_targets_share_the_split() -> None:
    whole, chosen = loaded(), loaded(features=["row"], targets=["more", "rare"])
    assert list(chosen.train.features) == ["row"]
    assert list(chosen.train.targets) == ["more", "rare"]
    for name, part in whole.named().items():
        np.testing.assert_array_equal(part.features["row"], chosen.named()[name].features["row"])


def test_the_first_default_target_stratifies() -> None:
    assert np.bincount(loaded().test.targets["kind"]).tolist() == [4, 4, 4, 4]


def test_no_targets_may_be_wanted() -> None:
    assert loaded(targets=[]).train.targets == {}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"features": ["nois"]}, r"`data\.features`: made has no feature `nois`\ndid you mean `noise`\?"),
        (
            {"targets": ["garment"]},
            r"`data\.targets`: made has no target `garment`\nit has `rare`, `kind`, `price`, `more`",
        ),
    ],
)
def test_unknown_names_are_errors(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DlkitError, match=message):
        loaded(**options)


def test_an_unknown_source_is_an_error() -> None:
    with pytest.raises(DlkitError, match="no data source `nothing`"):
        load("nothing", {}, declared=facts(), seed=1)


def test_a_source_must_return_splits(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = registry.Registered("source", "made", lambda: (1, 2), DECLARED)
    monkeypatch.setitem(registry._registered, ("source", "made"), wrong)
    with pytest.raises(TypeError, match=r"must return .*Splits"):
        loaded()
