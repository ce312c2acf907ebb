"""What scripts hold, held against dlkit's own."""

from __future__ import annotations

import numpy as np
import pytest

from dlkit.data.arrays import Arrays, Splits
from dlkit.data.class_weight import class_weights
from dlkit.data.order import Order
from dlkit.data.split import Fold, split
from dlkit.eject.pieces import splitting
from dlkit.eject.training import LESS, MORE
from dlkit.recipe.facts import Target

LABELS = np.random.default_rng(3).choice(5, 200, p=[0.5, 0.2, 0.15, 0.1, 0.05]).astype(np.int32)


def whole() -> Splits:
    return Splits(Arrays({"x": np.arange(200)}, {"y": LABELS}))


def test_an_order_and_what_is_held_out_are_dlkits():
    cut = split(whole(), stratify="y", test=0.2, validation=17, seed=5)
    train = (np.arange(200), LABELS)
    train, test = splitting.hold_out(train, splitting.stratified_order(train[1], 5, 0), round(0.2 * 200))
    train, validation = splitting.hold_out(train, splitting.stratified_order(train[1], 5, 1), 17)
    for made, theirs in ((train, cut.train), (validation, cut.validation), (test, cut.test)):
        assert np.array_equal(made[0], theirs.features["x"])
        assert np.array_equal(made[1], theirs.targets["y"])


def test_folds_and_examples_of_each_class_are_dlkits():
    cut = split(whole(), stratify="y", validation=0, fold=Fold(2, 4, "test"), limit={"per_class": 7}, seed=5)
    order = splitting.stratified_order(LABELS, 5, 4)
    train, test = splitting.hold_out_fold((np.arange(200), LABELS), order, 2, 4)
    kept = splitting.first_per_class(train[1], splitting.stratified_order(train[1], 5, 2), 7)
    assert np.array_equal(test[0], cut.test.features["x"])
    assert np.array_equal(splitting.take(train, kept)[0], cut.train.features["x"])


def test_what_follows_in_time_is_cut_in_order():
    cut = split(Splits(Arrays({"x": np.arange(50)}, {}), ordered=True, gap=3), test=10, validation=0, seed=1)
    train, test = splitting.hold_out_last(np.arange(50), 10, 3)
    assert np.array_equal(train, cut.train.features["x"])
    assert np.array_equal(test, cut.test.features["x"])


@pytest.mark.parametrize("shuffle", [True, False])
def test_batches_come_in_dlkits_order(shuffle):
    from dlkit.eject.pieces.training import Batches, EndlessBatches

    x = np.arange(50)
    one = Batches(x, {"a": x, "b": -x}, batch_size=8, seed=3, shuffle=shuffle)
    endless = EndlessBatches(x, x, batch_size=8, seed=3, shuffle=shuffle, steps=4)
    assert (len(one), len(endless)) == (7, 4)
    orders = {one: Order(50, seed=3, shuffle=shuffle), endless: Order(50, seed=3, shuffle=shuffle, epoch_size=32)}
    for batches, order in orders.items():
        for epoch in range(5):
            batches.on_epoch_begin()
            drawn = [batches[step] for step in range(len(batches))]
            assert np.array_equal(np.concatenate([x for x, _ in drawn]), order.epoch(epoch))
    assert np.array_equal(one[0][1]["b"], -one[0][0])


def test_a_later_training_goes_on_in_the_order():
    from dlkit.eject.pieces.training import Batches

    x = np.arange(50)
    later = Batches(x, x, batch_size=50, seed=3, epochs_before=2)
    later.on_epoch_begin()
    assert np.array_equal(later[0][0], Order(50, seed=3).epoch(2))


def test_class_weights_are_dlkits():
    from dlkit.eject.pieces.training import Batches, balanced_weights

    target = Target("classes", classes=6)
    weights = balanced_weights(LABELS, 6)
    assert np.array_equal(weights, class_weights("balanced", LABELS, target))
    batches = Batches(LABELS, LABELS, batch_size=9, seed=1, weights=weights)
    batches.on_epoch_begin()
    _, y, given = batches[2]
    assert np.array_equal(given, weights[y])


def test_augmentation_draws_as_dlkits_does():
    import functools

    import keras
    import tensorflow as tf

    from dlkit.data.augment import Augment, FunctionChange, LayerChange, batch_seed
    from dlkit.data.augmentations.pad_and_crop import pad_and_crop
    from dlkit.eject.pieces.augmenting import Augmentation, ByFunction, ByLayer, ByMixingLayer

    x = np.random.default_rng(1).integers(0, 256, (6, 9, 9, 3), np.uint8)
    crop = functools.partial(pad_and_crop, padding=2)
    theirs = Augment(
        [
            FunctionChange(crop, ("x",), "crop"),
            LayerChange(keras.layers.RandomRotation(0.2, dtype="float32"), ("x",), "turn"),
            LayerChange(keras.layers.MixUp(dtype="float32"), ("x",), "mix", mixed="y"),
        ]
    )
    turn, mix = keras.layers.RandomRotation(0.2, dtype="float32"), keras.layers.MixUp(dtype="float32")
    ours = Augmentation([ByFunction(pad_and_crop, padding=2), ByLayer(turn), ByMixingLayer(mix)], seed=4)
    y = np.eye(6, dtype=np.float32)
    for epoch, step in ((0, 0), (2, 3)):
        seed = batch_seed(4, tf.constant(epoch, tf.int64), tf.constant(step, tf.int64))
        wanted, shares = theirs({"x": tf.constant(x)}, {"y": tf.constant(y)}, seed)
        pictures, labels = ours(x, y, epoch, step)
        assert np.array_equal(pictures, wanted["x"].numpy())
        assert np.array_equal(labels, shares["y"].numpy())
        assert not np.array_equal(pictures, x)
        assert not np.array_equal(labels, y)


def test_what_is_better_of_a_metric_is_as_keras_has_it():
    import keras

    special = {"FBetaScore": {"average": "macro"}, "F1Score": {"average": "macro"}}
    for names, direction in ((LESS, "down"), (MORE, "up")):
        for name in names:
            made = getattr(keras.metrics, name)(**special.get(name, {}))
            assert getattr(made, "_direction", None) == direction, name
