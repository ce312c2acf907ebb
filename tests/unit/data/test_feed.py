from __future__ import annotations

import gc
import subprocess
import sys
import threading
import time
import tracemalloc
import weakref
from collections.abc import Iterable
from itertools import chain
from typing import Any

import numpy as np
import pytest

keras = pytest.importorskip("keras")

import tensorflow as tf  # noqa: E402

from dlkit.data.arrays import Arrays  # noqa: E402
from dlkit.data.augment import Augment, LayerChange  # noqa: E402
from dlkit.data.columns import Column, Windows  # noqa: E402
from dlkit.data.feed import Feed, Shard, telling_failures  # noqa: E402
from dlkit.errors import DlkitError  # noqa: E402

COUNT, BATCH, STEPS = 23, 5, 5


def arrays(count: int = COUNT) -> Arrays:
    """Examples whose features and target are their row number."""
    rows = np.arange(count)
    image = np.zeros((count, 2, 2, 1), np.uint8) + rows[:, None, None, None].astype(np.uint8)
    return Arrays({"image": image, "row": rows.astype(np.float32)}, {"y": rows.astype(np.int32)})


def feed(**options: Any) -> Feed:
    return Feed(arrays().select(["row"]), **{"batch_size": BATCH, "seed": 7, **options})


def rows(batches: Iterable[Any]) -> list[list[int]]:
    return [y.numpy().tolist() for _, y in batches]


def expected(epoch: int, seed: int = 7) -> list[list[int]]:
    order = np.random.Generator(np.random.Philox(key=[seed, epoch])).permutation(COUNT)
    return [order[start : start + BATCH].tolist() for start in range(0, COUNT, BATCH)]


def epoch_of(given: Feed, epoch: int, start: int = 0) -> list[list[int]]:
    given.epoch, given.start = epoch, start
    return rows(given)


def test_every_example_comes_once_an_epoch_and_the_last_batch_is_smaller() -> None:
    batches = epoch_of(feed(), 0)
    assert sorted(chain.from_iterable(batches)) == list(range(COUNT))
    assert [len(batch) for batch in batches] == [5, 5, 5, 5, 3]


def test_the_order_is_numpys_philox_keyed_on_seed_and_epoch() -> None:
    given = feed()
    assert epoch_of(given, 0) == expected(0)
    assert epoch_of(given, 900) == expected(900)
    assert epoch_of(feed(seed=8), 0) == expected(0, seed=8)
    assert len({str(epoch_of(given, epoch)) for epoch in range(20)}) == 20


def test_two_feeds_agree_whatever_they_yielded_before() -> None:
    used = feed()
    for epoch in (0, 1, 5):
        epoch_of(used, epoch)
    assert epoch_of(used, 3) == epoch_of(feed(), 3)


@pytest.mark.parametrize("start", [1, 3, 4])
def test_a_start_gives_the_rest_of_the_epoch(start: int) -> None:
    given = feed()
    assert epoch_of(given, 2, start) == epoch_of(given, 2)[start:]
    assert given.num_batches == STEPS


def test_without_shuffle_the_order_is_that_of_the_arrays_in_every_epoch() -> None:
    given = feed(shuffle=False)
    assert list(chain.from_iterable(epoch_of(given, 0))) == list(range(COUNT))
    assert epoch_of(given, 4) == epoch_of(given, 0)
    assert epoch_of(given, 0, 3) == epoch_of(given, 0)[3:]


def test_features_and_targets_belong_together_and_keep_their_types() -> None:
    for x, y in Feed(arrays(), batch_size=BATCH, seed=7):
        assert x["image"].dtype == "uint8" and x["row"].dtype == "float32" and y.dtype == "int32"
        assert x["image"].shape[1:] == (2, 2, 1) and y.shape.rank == 1
        assert x["row"].numpy().tolist() == x["image"][:, 0, 0, 0].numpy().tolist() == y.numpy().tolist()


def test_one_feature_is_a_tensor_several_are_a_dict_in_their_order() -> None:
    every = arrays()
    single, several = Feed(every.select(["row"]), batch_size=2), Feed(every.select(["row", "image"]), batch_size=2)
    assert single.element_spec[0].dtype == "float32"
    assert set(several.element_spec[0]) == {"row", "image"}
    targets = Arrays(every.features, {"y": every.targets["y"], "z": every.features["row"]})
    assert set(Feed(targets, batch_size=2).element_spec[1]) == {"y", "z"}
    assert len(Feed(every.select(targets=[]), batch_size=2).element_spec) == 1


def test_what_keras_asks_an_adapter() -> None:
    given = feed()
    assert (given.batch_size, given.num_batches, given.has_partial_batch, given.partial_batch_size) == (5, 5, True, 3)
    even = Feed(arrays(20), batch_size=5)
    assert (even.num_batches, even.has_partial_batch, even.partial_batch_size) == (4, False, None)


@pytest.mark.parametrize("steps", [2, 5, 12])
def test_epochs_of_so_many_steps_go_on_where_the_one_before_stopped(steps: int) -> None:
    given = feed(steps_per_epoch=steps)
    assert (given.num_batches, given.has_partial_batch) == (steps, False)
    epochs = [epoch_of(given, epoch) for epoch in range(12)]
    assert all(len(batch) == BATCH for batch in chain.from_iterable(epochs))
    drawn = list(chain.from_iterable(chain.from_iterable(epochs)))
    passes = list(chain.from_iterable(chain.from_iterable(expected(number) for number in range(40))))
    assert drawn == passes[: len(drawn)]
    assert epoch_of(given, 3, 1) == epochs[3][1:]


@pytest.mark.parametrize("options", [{"batch_size": 0}, {"batch_size": -1}, {"steps_per_epoch": 0}])
def test_a_batch_needs_an_example(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Received: 23 examples, batch_size="):
        feed(**options)


def test_a_feed_needs_examples() -> None:
    with pytest.raises(ValueError, match="Received: 0 examples"):
        Feed(arrays(0), batch_size=5)


def test_a_feed_that_is_done_with_frees_its_examples() -> None:
    given = feed()
    rows(given)
    done = weakref.ref(given)
    del given
    gc.collect()
    assert done() is None


class Recorder(keras.Model):
    """A model that notes the targets of the batches it is trained on."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = keras.layers.Dense(1)
        self.seen: list[list[int]] = []

    def call(self, row: Any) -> Any:
        return self.dense(row[:, None])

    def train_step(self, data: Any) -> Any:
        self.seen.append(data[1].numpy().tolist())
        return super().train_step(data)


class Rewind(keras.callbacks.Callback):
    """Sets the position as a resumed run does."""

    def __init__(self, given: Feed, epoch: int, start: int) -> None:
        super().__init__()
        self.given, self.epoch, self.start = given, epoch, start

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if epoch == self.epoch:
            self.given.epoch, self.given.start = self.epoch, self.start


@pytest.fixture
def recorder() -> Recorder:
    model = Recorder()
    model.compile("sgd", "mse", run_eagerly=True)
    return model


def test_fit_sees_an_order_of_its_own_in_every_epoch(recorder: Recorder) -> None:
    given = feed()
    history = recorder.fit(given, epochs=3, validation_data=feed(shuffle=False), verbose=0)
    assert recorder.seen == expected(0) + expected(1) + expected(2)
    assert len(history.history["val_loss"]) == 3
    recorder.fit(given, initial_epoch=3, epochs=4, verbose=0)
    assert recorder.seen[3 * STEPS :] == expected(3)


def test_a_callback_sets_the_position_and_the_next_epoch_is_whole(recorder: Recorder) -> None:
    with pytest.warns(UserWarning, match="ran out of data"):  # the training room passes over the steps that are missing
        recorder.fit(given := feed(), initial_epoch=4, epochs=6, callbacks=[Rewind(given, 4, 2)], verbose=0)
    assert recorder.seen == expected(4)[2:] + expected(5)


@pytest.mark.parametrize("steps_per_execution", [1, 2, 4])
def test_fit_evaluate_and_predict_agree_with_arrays(steps_per_execution: int) -> None:
    every = arrays()
    row, image = keras.Input((), name="row"), keras.Input((2, 2, 1), name="image", dtype="uint8")
    joined = keras.layers.Concatenate()([keras.layers.Reshape((1,))(row), keras.layers.Flatten()(image)])
    model = keras.Model([row, image], keras.layers.Dense(1)(joined))
    model.compile(keras.optimizers.SGD(1e-6), "mse", metrics=["mae"], steps_per_execution=steps_per_execution)
    given = Feed(every, batch_size=BATCH, shuffle=False)
    x, y = every.features, every.targets["y"]
    assert model.evaluate(given, verbose=0) == pytest.approx(
        model.evaluate(x, y, batch_size=BATCH, verbose=0), rel=1e-5
    )
    np.testing.assert_allclose(model.predict(given, verbose=0), model.predict(x, verbose=0), rtol=1e-5)
    assert model.predict(given, verbose=0).shape == (COUNT, 1)
    model.fit(given, epochs=2, verbose=0, validation_data=given)
    assert int(model.optimizer.iterations.numpy()) == 2 * STEPS


class Damaged(Column):
    """Pictures that hold their row number; one of them cannot be read."""

    def __init__(self, count: int, bad: int | None = None) -> None:
        self.shape, self.dtype, self.bad = (count, 4, 4, 1), np.dtype(np.uint8), bad
        self.threads: set[int] = set()

    def read(self, rows: np.ndarray) -> np.ndarray:
        self.threads.add(threading.get_ident())
        time.sleep(0.01)
        if self.bad in rows:
            raise DlkitError(f"picture {self.bad}.png is cut short", "mend it", code="damaged")
        return np.broadcast_to(rows[:, None, None, None], (len(rows), 4, 4, 1)).astype(np.uint8)

    def take(self, rows: np.ndarray) -> Damaged:
        raise NotImplementedError

    def digest(self) -> bytes:
        return b""


def pictures(bad: int | None = None) -> Arrays:
    return Arrays({"image": Damaged(COUNT, bad)}, {"y": np.arange(COUNT, dtype=np.int32)})


def test_a_column_is_read_batch_by_batch_by_several_threads() -> None:
    given = pictures()
    feed = Feed(given, batch_size=2, seed=7)
    assert feed.element_spec[0].shape.as_list() == [None, 4, 4, 1]
    for x, y in feed:
        assert x.dtype == "uint8" and x.shape[1:] == (4, 4, 1)
        assert x[:, 0, 0, 0].numpy().tolist() == y.numpy().tolist()
    assert len(given.features["image"].threads) > 1


_DETERMINISTIC = """
import threading, numpy as np, tensorflow as tf
from dlkit.data.arrays import Arrays
from dlkit.data.columns import Windows
from dlkit.data.feed import Feed

tf.config.experimental.enable_op_determinism()
both = threading.Barrier(2, timeout=20)

class Meeting(Windows):
    def read(self, rows):
        both.wait()  # two batches are read at a time, or none
        return super().read(rows)

column = Meeting(np.zeros(20, np.float32), np.arange(16), 4)
print(len(list(Feed(Arrays({"x": column}, {}), batch_size=2))))
"""


def test_batches_are_read_side_by_side_also_where_operations_are_deterministic() -> None:
    done = subprocess.run([sys.executable, "-c", _DETERMINISTIC], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["8"], done.stderr[-2000:]


def test_windows_and_texts_travel_beside_arrays() -> None:
    series = np.arange(30, dtype=np.float32)
    texts = np.array([f"ä {n}" for n in range(COUNT)], object)
    every = Arrays({"window": Windows(series, np.arange(COUNT), 3), "text": texts}, {"y": np.arange(COUNT)})
    for x, y in Feed(every, batch_size=BATCH, seed=1):
        assert x["text"].dtype == tf.string and x["text"].shape.rank == 1
        assert [text.decode() for text in x["text"].numpy()] == [f"ä {n}" for n in y.numpy()]
        np.testing.assert_array_equal(x["window"].numpy(), y.numpy()[:, None] + np.arange(3))


def test_what_cannot_be_read_is_told_as_itself() -> None:
    with pytest.raises(DlkitError, match=r"picture 7\.png is cut short\nmend it"):
        list(Feed(pictures(7), batch_size=2))
    feed = Feed(pictures(7), batch_size=2)
    model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(tf.errors.OpError):
        model.evaluate(feed, verbose=0)
    for work in (model.fit, model.evaluate, model.predict):
        with pytest.raises(DlkitError, match="cut short") as raised, telling_failures(None, feed):
            work(feed, verbose=0)
        assert raised.value.code == "damaged"
    with pytest.raises(tf.errors.InvalidArgumentError), telling_failures(feed):
        tf.reshape(tf.zeros([2]), [3])


def test_no_array_is_copied() -> None:
    image = np.zeros((2000, 64, 64, 3), np.uint8)  # 24.6 MB
    tracemalloc.start()
    given = Feed(Arrays({"image": image}, {"y": np.zeros(2000, np.int32)}), batch_size=4)
    next(iter(given))
    assert given._arrays.features["image"] is image
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < image.nbytes / 4


def labeled(classes: int = 3) -> Arrays:
    labels = (np.arange(COUNT) % 7 // (7 - classes)).astype(np.int32)
    return Arrays({"row": np.arange(COUNT, dtype=np.float32)[:, None]}, {"y": np.minimum(labels, classes - 1)})


def test_class_weights_do_what_keras_does_with_them() -> None:
    every, weights = labeled(), np.array([1.0, 4.0, 0.5], np.float32)

    def trained(feed: bool) -> tuple[list[float], Any]:
        keras.utils.set_random_seed(1)
        model = keras.Sequential([keras.Input((1,)), keras.layers.Rescaling(0.05), keras.layers.Dense(3)])
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("sgd", loss, metrics=["accuracy"], weighted_metrics=[keras.metrics.SparseCategoricalAccuracy()])
        options: dict[str, Any] = {"epochs": 2, "shuffle": False, "verbose": 0}
        if feed:
            given = Feed(every, batch_size=BATCH, shuffle=False, class_weight={"y": weights})
            history = model.fit(given, **options)
        else:
            by_class = dict(enumerate(weights.tolist()))
            history = model.fit(
                every.features["row"], every.targets["y"], batch_size=BATCH, class_weight=by_class, **options
            )
        return model.get_weights(), history.history

    (ours, history), (theirs, reference) = trained(True), trained(False)
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-6)
    for name in reference:
        assert history[name] == pytest.approx(reference[name], rel=1e-5), name
    assert history["accuracy"] != history["sparse_categorical_accuracy"]  # `metrics` count examples, unweighted


def test_shares_are_one_hot_and_weighed_by_the_class() -> None:
    weights = {"y": np.array([1.0, 4.0, 0.5], np.float32)}
    plain = list(Feed(labeled(), batch_size=BATCH, shuffle=False, class_weight=weights))
    for (x, y, weight), (_, classes, expected) in zip(
        Feed(labeled(), batch_size=BATCH, shuffle=False, class_weight=weights, shares={"y": 5}), plain, strict=True
    ):
        assert x.shape[1:] == (1,) and y.dtype == "float32" and y.shape[1:] == (5,)
        np.testing.assert_array_equal(y, np.eye(5)[classes])
        np.testing.assert_array_equal(weight, expected)
        np.testing.assert_array_equal(expected, weights["y"][classes])
    two = Feed(labeled(2), batch_size=BATCH, shuffle=False, shares={"y": 1}, class_weight={"y": np.array([1.0, 3.0])})
    for _, y, weight in two:
        assert y.shape[1:] == (1,) and weight.numpy().tolist() == [1.0 + 2 * share for share in y.numpy()[:, 0]]


def test_weights_of_mixed_labels_are_mixed_alike() -> None:
    image = np.zeros((COUNT, 4, 4, 1), np.uint8)
    mixed = Augment([LayerChange(keras.layers.MixUp(alpha=1.0), ["image"], "MixUp", mixed="y")])
    weights = np.array([1.0, 4.0, 0.5], np.float32)
    given = Arrays({"image": image}, labeled().targets)
    feed = Feed(given, batch_size=BATCH, augment=mixed, shares={"y": 3}, class_weight={"y": weights})
    found = [(y.numpy(), weight.numpy()) for _, y, weight in feed]
    for y, weight in found:
        np.testing.assert_allclose(weight, y @ weights, rtol=1e-5)
    assert any(((y > 0.05) & (y < 0.95)).any() for y, _ in found)


def test_of_several_targets_the_one_of_classes_is_weighed() -> None:
    every = Arrays(labeled().features, {**labeled().targets, "z": np.zeros(COUNT, np.float32)})
    weights = np.array([0.0, 4.0, 0.5], np.float32)
    row = keras.Input((1,))
    model = keras.Model(row, {"y": keras.layers.Dense(3, name="y")(row), "z": keras.layers.Dense(1, name="z")(row)})
    losses = {"y": keras.losses.SparseCategoricalCrossentropy(from_logits=True), "z": "mse"}
    model.compile("sgd", losses)
    feed = Feed(every, batch_size=BATCH, shuffle=False, class_weight={"y": weights})
    y, weight = next(iter(feed))[1:]
    np.testing.assert_array_equal(weight["y"], weights[y["y"]])
    assert weight["z"].numpy().tolist() == [1.0] * BATCH
    told = model.evaluate(feed, verbose=0, return_dict=True)
    outputs = model.predict(every.features["row"], verbose=0)
    losses_of_y = losses["y"].__class__(from_logits=True, reduction=None)(every.targets["y"], outputs["y"]).numpy()
    expected = np.mean(losses_of_y * weights[every.targets["y"]]) + np.mean(outputs["z"] ** 2)
    assert told["loss"] == pytest.approx(expected, rel=1e-4)


def test_a_balanced_epoch_draws_the_classes_alike() -> None:
    given = Feed(labeled(), batch_size=BATCH, seed=2, balance="y")
    drawn = np.concatenate([y.numpy() for _, y in given])
    assert len(drawn) == COUNT and np.ptp(np.bincount(drawn)) <= 1
    given.epoch, given.start = 4, 2
    rest = [x.numpy().tolist() for x, _ in given]
    given.start = 0
    assert [x.numpy().tolist() for x, _ in given][2:] == rest


@pytest.mark.parametrize(
    "how", [{}, {"steps_per_epoch": 5}, {"at_least": 4}, {"class_weight": True}, {"shuffle": False}]
)
def test_batches_that_are_read_together_are_those_that_are_read_one_by_one(monkeypatch, how) -> None:
    rows = np.arange(67)
    arrays = Arrays(
        {"x": rows.astype(np.float32)[:, None], "text": np.array([f"row {row}" for row in rows], object)},
        {"y": (rows % 3).astype(np.int32)},
    )
    arguments = {**how, **({"class_weight": {"y": np.array([1.0, 2.0, 3.0])}} if "class_weight" in how else {})}

    def epochs(together: int) -> list[Any]:
        monkeypatch.setattr("dlkit.data.feed._MOST_TOGETHER", together)
        feed = Feed(arrays, batch_size=8, seed=3, **arguments)
        found = []
        for epoch, start in ((0, 0), (1, 3), (2, feed.num_batches - 1), (3, feed.num_batches)):
            feed.epoch, feed.start = epoch, start
            for batch in feed:
                found.append([np.asarray(part).tolist() for part in tf.nest.flatten(batch)])
        return found

    assert epochs(1) == epochs(3) == epochs(32)


@pytest.mark.parametrize("is_augmented", [False, True])
def test_each_device_is_given_its_part_of_a_batch(is_augmented: bool) -> None:
    noise = Augment([LayerChange(keras.layers.GaussianNoise(0.5), ["row"], "")]) if is_augmented else None

    def batches(shard: Shard | None) -> list[tuple[np.ndarray, np.ndarray]]:
        given = Feed(arrays().select(["row"]), batch_size=6, seed=7, augment=noise, at_least=3, shard=shard)
        return [(x.numpy(), y.numpy()) for x, y in given]

    whole = batches(None)
    first, second, third = (batches(Shard(devices=3, first=number)) for number in range(3))
    for (x, y), parts in zip(whole, zip(first, second, third, strict=True), strict=True):
        assert all(len(labels) for _, labels in parts)
        np.testing.assert_array_equal(np.concatenate([rows for rows, _ in parts]), x)
        np.testing.assert_array_equal(np.concatenate([labels for _, labels in parts]), y)
