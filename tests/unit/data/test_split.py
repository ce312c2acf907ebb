from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlkit.data.arrays import Arrays, Splits
from dlkit.data.split import split
from dlkit.errors import DlkitError


def rows_of(labels: list[int] | np.ndarray) -> Arrays:
    """Examples whose feature is their own row number."""
    return Arrays({"row": np.arange(len(labels))}, {"y": np.asarray(labels, np.int32)})


def rows(part: Arrays | None) -> list[int]:
    return [] if part is None else part.features["row"].tolist()


def balanced(count: int, classes: int = 10) -> Splits:
    return Splits(rows_of(np.arange(count) % classes))


@given(
    labels=st.lists(st.integers(0, 4), min_size=4, max_size=200),
    validation=st.one_of(st.floats(0.01, 0.5), st.integers(0, 2)),
    test=st.one_of(st.none(), st.floats(0.01, 0.5), st.just(1)),
    limit=st.one_of(st.none(), st.integers(1, 300), st.builds(dict, per_class=st.integers(1, 50))),
    stratify=st.booleans(),
    seed=st.integers(0, 2**63),
)
def test_splits_never_overlap_and_lose_nothing(
    labels: list[int], validation: float, test: float | None, limit: Any, stratify: bool, seed: int
) -> None:
    limit = limit if stratify or not isinstance(limit, dict) else None
    arguments: dict[str, Any] = {"validation": validation, "test": test, "seed": seed}
    arguments["stratify"] = "y" if stratify else None
    try:
        cut = split(Splits(rows_of(labels)), limit=limit, **arguments)
    except DlkitError:
        assert len(labels) < 6  # two held out of a few: nothing would be left to train on
        return
    every = rows(cut.train) + rows(cut.validation) + rows(cut.test)
    assert len(every) == len(set(every))
    assert len(cut.train) >= 1 and len(cut.test or ()) >= 1
    assert (cut.validation is None) == (validation == 0)
    for part in cut.named().values():
        assert part.targets["y"].tolist() == [labels[row] for row in rows(part)]
    if limit is None:
        assert sorted(every) == list(range(len(labels)))
    else:
        assert rows(split(Splits(rows_of(labels)), **arguments).test) == rows(cut.test)


def test_the_same_seed_gives_the_same_split_and_another_seed_another() -> None:
    first, again, other = (split(balanced(100), stratify="y", seed=seed) for seed in (1, 1, 2))
    for name, part in first.named().items():
        assert rows(part) == rows(again.named()[name])
        assert rows(part) != rows(other.named()[name])


def test_the_test_split_depends_on_seed_and_share_alone() -> None:
    wanted = rows(split(balanced(100), stratify="y", seed=1).test)
    assert len(wanted) == 20
    for options in ({"validation": 0}, {"validation": 30}, {"limit": 10}, {"limit": {"per_class": 1}}):
        assert rows(split(balanced(100), stratify="y", seed=1, **options).test) == wanted


def test_every_split_has_the_classes_in_proportion() -> None:
    labels = np.repeat([0, 1, 2], [600, 300, 100])
    cut = split(Splits(rows_of(labels)), stratify="y", validation=0.25, test=0.2, seed=5)
    counts = {name: np.bincount(part.targets["y"]).tolist() for name, part in cut.named().items()}
    assert counts == {"train": [360, 180, 60], "validation": [120, 60, 20], "test": [120, 60, 20]}


def test_the_draw_within_a_class_is_random() -> None:
    counts = np.zeros(20)
    for seed in range(400):
        counts[rows(split(balanced(20, 2), stratify="y", validation=0, test=0.5, seed=seed).test)] += 1
    assert counts.min() > 140 and counts.max() < 260  # 200 expected, standard deviation 10


def test_a_class_of_one_member_stays_in_training() -> None:
    labels = [0] * 50 + [1]
    for seed in range(20):
        cut = split(Splits(rows_of(labels)), stratify="y", validation=0.3, test=0.3, seed=seed)
        assert 50 in rows(cut.train)


def test_without_classes_the_split_is_random_too() -> None:
    source = Splits(Arrays({"row": np.arange(100)}, {"y": np.linspace(0, 1, 100, dtype=np.float32)}))
    test = rows(split(source, seed=3).test)
    assert len(test) == 20
    assert test != list(range(20))


def test_validation_may_be_a_count_or_none() -> None:
    assert len(split(balanced(100), validation=7, test=0.2, seed=1).validation or ()) == 7
    assert len(split(balanced(100), validation=7, test=5, seed=1).test or ()) == 5
    assert split(balanced(100), validation=0, seed=1).validation is None
    assert split(balanced(100), validation=0.0, seed=1).validation is None


def test_splits_of_the_source_are_kept() -> None:
    source = Splits(rows_of([0, 1] * 20), rows_of([0, 1]), rows_of([1, 0, 1]))
    cut = split(source, stratify="y", validation=0.5, seed=1)
    assert [len(part) for part in cut.named().values()] == [40, 2, 3]
    only_test = split(Splits(rows_of([0, 1] * 20), test=rows_of([1, 0, 1])), validation=0.5, seed=1)
    assert [len(part) for part in only_test.named().values()] == [20, 20, 3]


def test_a_share_for_the_test_is_refused_where_the_source_has_one() -> None:
    with pytest.raises(DlkitError, match=r"`data\.test`.*comes with one"):
        split(Splits(rows_of([0] * 9), test=rows_of([0])), test=0.2, seed=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"validation": 80}, r"`data\.validation: 80` cannot be held out of 80 examples"),
        ({"validation": 1.5}, r"data\.validation: 1\.5"),
        ({"validation": 1.0}, r"data\.validation: 1\.0"),
        ({"validation": -0.1}, r"data\.validation: -0\.1"),
        ({"validation": float("nan")}, r"data\.validation: nan"),
        ({"test": 0}, r"data\.test: 0"),
        ({"test": 100}, r"`data\.test: 100` cannot be held out of 100 examples"),
        ({"limit": 0}, r"data\.limit: 0"),
        ({"limit": {"per_class": -1}}, "no limit"),
        ({"limit": {"per_klass": 1}}, "no limit"),
        ({"limit": {"per_class": 2}, "stratify": None}, r"data\.limit\.per_class"),
    ],
)
def test_impossible_splits_are_refused_with_key_and_cure(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DlkitError, match=message) as error:
        split(balanced(100), **{"stratify": "y", "seed": 1, **options})
    assert error.value.cure


def test_a_single_example_cannot_be_split() -> None:
    with pytest.raises(DlkitError, match="1 examples"):
        split(Splits(rows_of([0])), seed=1)


def test_limit_is_a_number_of_training_examples_and_cuts_validation_in_proportion() -> None:
    whole = split(balanced(1000), stratify="y", seed=1)
    cut = split(balanced(1000), stratify="y", limit=180, seed=1)
    assert [len(part) for part in whole.named().values()] == [720, 80, 200]
    assert [len(part) for part in cut.named().values()] == [180, 20, 200]
    assert np.bincount(cut.train.targets["y"]).tolist() == [18] * 10
    assert set(rows(cut.train)) < set(rows(whole.train))
    assert set(rows(cut.validation)) < set(rows(whole.validation))


def test_a_larger_limit_keeps_what_a_smaller_one_keeps() -> None:
    small, large = (split(balanced(1000), stratify="y", limit=limit, seed=1) for limit in (50, 60))
    assert set(rows(small.train)) < set(rows(large.train))


def test_limit_keeps_a_validation_example_and_may_exceed_the_data() -> None:
    assert [len(part) for part in split(balanced(100), limit=1, seed=1).named().values()] == [1, 1, 20]
    assert [len(part) for part in split(balanced(100), limit=10**6, seed=1).named().values()] == [72, 8, 20]


def test_per_class_keeps_as_many_of_every_class() -> None:
    labels = np.repeat([0, 1, 2], [600, 300, 5])
    cut = split(Splits(rows_of(labels)), stratify="y", validation=0.5, test=0.2, limit={"per_class": 40}, seed=1)
    counts = {name: np.bincount(part.targets["y"]).tolist() for name, part in cut.named().items()}
    assert counts["train"] == [40, 40, 2]
    assert counts["validation"] == [40, 40, 2]
    assert counts["test"] == [120, 60, 1]
