"""What a recipe says of augmentation, weights and order, as its model gets it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from dlkit.recipe.graph import Component  # noqa: E402
from dlkit.recipe.load import Recipe, load, parse  # noqa: E402
from dlkit.training.compiling import make_metric  # noqa: E402
from dlkit.workflows.feeding import augment, plain_feed, train_feed  # noqa: E402
from dlkit.workflows.preparation import Prepared, prepare  # noqa: E402

AUGMENT = "[RandomFlip, {RandomBrightness: {factor: [1.0, 1.0]}}, {pad_and_crop: {padding: 1}}]"


def recipe(data: str, source: str = "digits") -> Recipe:
    return parse(
        f"name: a/b\ndata: {{source: {source}, batch_size: 64, {data}}}\n"
        "model: {sequential: [Flatten, {Dense: {units: 10}}]}\ntraining: {epochs: 1}\n"
    )


def prepared(data: str) -> Prepared:
    return prepare(recipe(data))


def batches(feed: Any) -> list[list[np.ndarray]]:
    return [[np.asarray(part) for part in batch] for batch in feed]


def test_only_the_training_split_is_augmented() -> None:
    given = prepared(f"augment: {AUGMENT}, shuffle: false")
    train, validation = given.splits.train, given.splits.validation
    assert validation is not None
    changed = np.concatenate([x for x, _ in batches(train_feed(given))])
    kept = np.concatenate([x for x, _ in batches(plain_feed(given, validation))])
    assert np.array_equal(kept, validation.features["image"])
    assert changed.shape == train.features["image"].shape and changed.dtype == np.uint8
    assert not np.array_equal(changed, train.features["image"])


def test_pixels_range_over_what_the_data_tells() -> None:
    given = prepared("augment: [{RandomBrightness: {factor: [1.0, 1.0]}}]")
    x, _ = batches(train_feed(given))[0]
    assert x.min() == x.max() == 16  # of 255 shades, as Keras has it by itself, 255 would be added


def test_pixels_are_changed_in_float32_whatever_the_precision_of_training() -> None:
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        made = augment(recipe("augment: [RandomFlip, {RandomFlip: {dtype: float16}}]"))
    finally:
        keras.config.set_dtype_policy("float32")
    assert made is not None
    assert [change._layer.compute_dtype for change in made.changes] == ["float32", "float16"]


def test_mixed_labels_are_shares_in_every_split() -> None:
    given = prepared("augment: [{MixUp: {alpha: 1.0}}], class_weight: {'3': 2.0}")
    _, y, weight = batches(train_feed(given))[0]
    assert y.shape == (64, 10) and ((y > 0.1) & (y < 0.9)).any()
    np.testing.assert_allclose(weight, 1 + y[:, 3], rtol=1e-5)
    assert given.splits.test is not None
    plain = batches(plain_feed(given, given.splits.test))
    assert all(len(batch) == 2 for batch in plain)
    np.testing.assert_array_equal(np.concatenate([y for _, y in plain]), np.eye(10)[given.splits.test.targets["digit"]])


def test_balanced_classes_come_equally_often() -> None:
    given = prepared("shuffle: balanced, limit: 203")
    drawn = np.concatenate([y for _, y in batches(train_feed(given))])
    assert len(drawn) == 203 and np.ptp(np.bincount(drawn, minlength=10)) <= 1


def test_mixed_labels_of_two_classes_count_as_the_larger_one() -> None:
    accuracy = make_metric(Component("metric", "BinaryAccuracy"), True, 1)
    accuracy.update_state(np.array([[0.9], [0.2], [0.7]]), np.array([[3.0], [-2.0], [-1.0]]))
    assert float(accuracy.result()) == pytest.approx(2 / 3)


PLUGIN = """
import dlkit

@dlkit.register(kind="augmentation", on={"image": ["uint8"]})
def darkened(x, seed, /, *, share: float = 0.5):
    return x * share
"""


def test_a_plugin_may_augment(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        PLUGIN.replace("x * share", "__import__('tensorflow').cast(x, 'float32') * share")
    )
    file = tmp_path / "recipe.yaml"
    file.write_text(
        "name: a/b\nplugins: [mine.py]\ndata: {source: digits, shuffle: false, augment: [{darkened: {share: 0.25}}]}\n"
        "model: {sequential: [Flatten, {Dense: {units: 10}}]}\ntraining: {epochs: 1}\n"
    )
    given = prepare(load(file, allow_plugins=True))
    x, _ = batches(train_feed(given))[0]
    assert x.dtype == np.uint8
    np.testing.assert_array_equal(x, np.round(given.splits.train.features["image"][:32] * 0.25))
