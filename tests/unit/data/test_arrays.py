from __future__ import annotations

import numpy as np
import pytest

from dlkit.data.arrays import Arrays, Splits


def test_lengths_must_agree_and_the_message_names_every_array() -> None:
    with pytest.raises(ValueError, match=r"'image': 3.*'table': 3.*'digit': 2"):
        Arrays({"image": np.zeros((3, 2)), "table": np.zeros(3)}, {"digit": np.zeros(2)})


def test_examples_need_a_feature() -> None:
    with pytest.raises(ValueError, match="at least one feature"):
        Arrays({}, {"digit": np.zeros(2)})


def test_take_keeps_features_and_targets_together() -> None:
    arrays = Arrays({"x": np.arange(5)}, {"y": np.arange(5) * 10})
    taken = arrays.take(np.array([4, 0]))
    assert len(taken) == 2
    assert taken.features["x"].tolist() == [4, 0]
    assert taken.targets["y"].tolist() == [40, 0]


def test_select_keeps_names_in_the_order_asked() -> None:
    arrays = Arrays({"a": np.zeros(1), "b": np.ones(1)}, {"y": np.zeros(1), "z": np.zeros(1)})
    assert list(arrays.select(["b", "a"]).features) == ["b", "a"]
    assert list(arrays.select(["b"], ["z"]).targets) == ["z"]
    assert list(arrays.select(["b"]).targets) == ["y", "z"]


def test_splits_select_every_split_even_from_an_iterator() -> None:
    arrays = Arrays({"a": np.zeros(1), "b": np.ones(1)}, {"y": np.zeros(1)})
    chosen = Splits(arrays, test=arrays, ordered=True).select(iter(["b"]))
    assert [list(part.features) for part in chosen.named().values()] == [["b"], ["b"]]
    assert chosen.validation is None
    assert chosen.ordered
