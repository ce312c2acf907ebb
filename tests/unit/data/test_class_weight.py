"""Weights of classes, and epochs in which every class comes equally often."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from dlkit.data.class_weight import class_weights
from dlkit.data.order import Order
from dlkit.recipe.facts import Target

TARGET = Target("classes", classes=4, labels=("ant", "bee", "cow", "dog"))
LABELS = np.repeat([0, 1, 3], [70, 29, 1]).astype(np.int32)


def test_balanced_weights_are_those_of_scikit_learn() -> None:
    weights = class_weights("balanced", LABELS, TARGET)
    np.testing.assert_allclose(
        weights[[0, 1, 3]], compute_class_weight("balanced", classes=np.array([0, 1, 3]), y=LABELS), rtol=1e-6
    )
    assert weights[2] == 1 and weights.dtype == np.float32


def test_written_weights_go_by_label_or_number_and_the_others_are_one() -> None:
    assert class_weights({"bee": 2.5, "3": 0.0}, LABELS, TARGET).tolist() == [1, 2.5, 1, 0]


def counts(rows: np.ndarray) -> list[int]:
    return np.bincount(LABELS[rows], minlength=4).tolist()


def test_every_epoch_draws_every_class_equally_often() -> None:
    order = Order(len(LABELS), seed=3, labels=LABELS)
    for epoch in range(6):
        rows = order.epoch(epoch)
        assert len(rows) == 100
        assert sorted(counts(rows)) == [0, 33, 33, 34]
        assert np.bincount(rows, minlength=100)[:99].max() <= 2  # a pass ends and another begins in the epoch
    assert np.bincount(order.epoch(0), minlength=100)[:70].max() == 1


def test_frequent_examples_take_turns_and_no_pass_repeats_one() -> None:
    order = Order(len(LABELS), seed=3, labels=LABELS)
    first = [row for epoch in range(21) for row in order.epoch(epoch) if LABELS[row] == 0]
    seen = np.bincount(first, minlength=100)[:70]
    assert len(first) == 700 and seen.min() == seen.max() == 10


def test_the_order_is_a_function_of_seed_and_epoch() -> None:
    order = Order(len(LABELS), seed=3, labels=LABELS)
    late = order.epoch(900)
    assert np.array_equal(late, Order(len(LABELS), seed=3, labels=LABELS).epoch(900))
    assert not np.array_equal(late, order.epoch(901))
    assert not np.array_equal(late, Order(len(LABELS), seed=4, labels=LABELS).epoch(900))
    places = np.flatnonzero(LABELS[late] == 3)
    assert places.min() < 20 and places.max() >= 80  # mixed over the whole epoch


@pytest.mark.parametrize("size", [1, 2, 17, 250])
def test_epochs_of_another_size_are_balanced_too(size: int) -> None:
    order = Order(len(LABELS), seed=3, labels=LABELS, epoch_size=size)
    drawn = np.concatenate([order.epoch(epoch) for epoch in range(12)])
    present = [count for count in counts(drawn) if count]
    assert len(drawn) == 12 * size and max(present) - min(present) <= 1
