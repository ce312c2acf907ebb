"""What a training leaves for TensorBoard, read back by TensorBoard's own reader."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2
from tensorboard.plugins.text.text_plugin import text_array_to_html
from tensorboard.util.tensor_util import make_ndarray

from dlkit.training.layer_graph import layer_graph
from dlkit.training.tensorboard import EpochTensorBoard, default_tensorboard, write_test


def data(rows: int = 64) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    return generator.random((rows, 4)).astype("float32"), generator.integers(0, 3, rows)


def small_model(**compiled: Any) -> keras.Model:
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="classifier")])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(**{"optimizer": "adam", "loss": loss, "metrics": ["accuracy"], **compiled})
    return model


def read(folder: Path) -> EventAccumulator:
    events = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    events.Reload()
    return events


def values(events: EventAccumulator, tag: str) -> list[tuple[int, Any]]:
    return [(event.step, make_ndarray(event.tensor_proto)) for event in events.Tensors(tag)]


@pytest.mark.filterwarnings("error::UserWarning")
def test_curves_have_epochs_and_steps_as_axes(tmp_path):
    x, y = data()
    schedule = keras.optimizers.schedules.CosineDecay(0.1, 10)
    model = small_model(optimizer=keras.optimizers.Adam(schedule))
    history = model.fit(
        x, y, epochs=2, batch_size=16, verbose=0, callbacks=[default_tensorboard(tmp_path)], validation_data=(x, y)
    )
    rates = [(1 + np.cos(np.pi * step / 10)) / 20 for step in (4, 8)]
    for split, before in (("train", ""), ("validation", "val_")):
        events = read(tmp_path / split)
        expected = {name: history.history[before + name] for name in ("loss", "accuracy")}
        expected |= {"learning_rate": rates} if split == "train" else {}
        scalars = {tag for tag in events.Tags()["tensors"] if not tag.startswith("weights/")}
        assert scalars == {f"{axis}{name}" for axis in ("epoch_", "by_step/") for name in expected}
        for name, curve in expected.items():
            for tag, steps in ((f"epoch_{name}", (0, 1)), (f"by_step/{name}", (4, 8))):
                told = values(events, tag)
                assert [step for step, _ in told] == list(steps)
                np.testing.assert_allclose([value for _, value in told], curve, rtol=1e-6)


def test_a_metric_that_is_no_number_is_left_out(tmp_path):
    callback = EpochTensorBoard(tmp_path)
    model = small_model()
    x, y = data()
    callback.set_model(model)
    callback.set_params({"steps": 4, "epochs": 1})
    model.fit(x, y, verbose=0)
    callback.on_epoch_begin(0)
    callback.on_epoch_end(0, {"loss": 1.0, "f1": np.ones(3), "note": "text", "val_f1": np.ones(3)})
    callback.on_train_end()
    tags = read(tmp_path / "train").Tags()["tensors"]
    assert {tag for tag in tags if tag.startswith("epoch_")} == {"epoch_loss", "epoch_learning_rate"}
    assert not (tmp_path / "validation").exists()


@pytest.mark.parametrize("epochs", [1, 3, 60])
def test_histograms_are_few_with_the_first_epoch_and_the_last(tmp_path, epochs):
    x, y = data()
    small_model().fit(x, y, epochs=epochs, verbose=0, callbacks=[default_tensorboard(tmp_path)])
    told = values(read(tmp_path / "train"), "weights/classifier/kernel")
    steps = [step for step, _ in told]
    assert steps[0] == 0 and steps[-1] == epochs - 1
    assert len(set(steps)) == len(steps) == min(epochs, 20)
    assert all(histogram[:, 2].sum() == 12 for _, histogram in told)


def test_the_last_epoch_has_histograms_wherever_the_training_ends(tmp_path):
    x, y = data()
    stops = keras.callbacks.EarlyStopping("loss", patience=0, min_delta=10.0)
    small_model().fit(x, y, epochs=100, verbose=0, callbacks=[stops, default_tensorboard(tmp_path / "early")])
    assert [step for step, _ in values(read(tmp_path / "early/train"), "weights/classifier/bias")] == [0, 1]

    class Ends(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.model.stop_training = epoch == 2

    small_model().fit(x, y, epochs=100, verbose=0, callbacks=[default_tensorboard(tmp_path / "late"), Ends()])
    assert [step for step, _ in values(read(tmp_path / "late/train"), "weights/classifier/bias")] == [0, 2]


def test_histograms_change_nothing_and_leave_out_what_is_no_number(tmp_path):
    x, y = data()
    plain = small_model()
    plain.fit(x, y, epochs=3, verbose=0)
    watched = small_model()
    watched.fit(x, y, epochs=3, verbose=0, callbacks=[default_tensorboard(tmp_path)])
    for one, other in zip(plain.get_weights(), watched.get_weights(), strict=True):
        assert one.tobytes() == other.tobytes()
    watched.set_weights([np.full((4, 3), np.nan), np.array([1.0, np.inf, 2.0])])
    callback = EpochTensorBoard(tmp_path / "broken")
    callback.set_model(watched)
    callback._write_histograms(0)
    callback._close_writers()
    events = read(tmp_path / "broken/train")
    assert events.Tags()["tensors"] == ["weights/classifier/bias"]
    assert values(events, "weights/classifier/bias")[0][1][:, 2].sum() == 2


def test_of_a_large_weight_a_part_is_counted(tmp_path):
    model = keras.Sequential([keras.Input((300,)), keras.layers.Dense(300, use_bias=False, name="large")])
    callback = EpochTensorBoard(tmp_path)
    callback.set_model(model)
    callback._write_histograms(0)
    callback._close_writers()
    ((_, histogram),) = values(read(tmp_path / "train"), "weights/large/kernel")
    assert histogram[:, 2].sum() == 90_000 / 9
    weights = model.get_weights()[0]
    assert weights.min() <= histogram[0, 0] and histogram[-1, 1] <= weights.max()


def test_the_graph_has_the_layers_in_their_blocks():
    left, right = keras.Input((4,), name="left"), keras.Input((4,), name="right")
    shared = keras.layers.Dense(2, name="block.dense")
    joined = keras.layers.Concatenate(name="block.joined")([shared(left), shared(right)])
    attention = keras.layers.MultiHeadAttention(1, 2, name="attention")
    rows = keras.layers.Reshape((4, 1), name="rows")(joined)
    model = keras.Model([left, right], attention(rows, value=rows))
    keras.Model(left, shared(left))  # calls a layer again, and is another model
    graph = layer_graph(model)
    nodes = {node.name: node for node in graph.node}
    assert {name: list(node.input) for name, node in nodes.items()} == {
        "left": [],
        "right": [],
        "block/dense": ["left"],
        "block/dense_again_1": ["right"],
        "block/joined": ["block/dense", "block/dense_again_1"],
        "rows": ["block/joined"],
        "attention": ["rows"],
    }
    assert (nodes["block/dense"].op, nodes["block/dense"].attr["parameters"].i) == ("Dense", 10)
    shape = nodes["rows"].attr["_output_shapes"].list.shape[0]
    assert [dim.size for dim in shape.dim] == [-1, 4, 1]


def test_a_model_with_a_call_of_its_own_has_no_graph(tmp_path):
    class Own(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = keras.layers.Dense(3)

        def call(self, x: Any) -> Any:
            return self.dense(x)

    model = Own()
    assert layer_graph(model) is None
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(*data(), verbose=0, callbacks=[default_tensorboard(tmp_path)])
    assert "epoch_loss" in read(tmp_path / "train").Tags()["tensors"]


def test_the_graph_is_written_once(tmp_path):
    x, y = data()
    small_model().fit(x, y, epochs=2, verbose=0, callbacks=[default_tensorboard(tmp_path)])
    events = read(tmp_path / "train")
    assert events.Tags()["graph"] and {node.name for node in events.Graph().node} >= {"classifier"}


def test_a_test_is_written_in_the_place_of_an_earlier_one(tmp_path):
    picture = np.zeros((3, 5, 3), np.uint8)
    hard = "1. *a* | <b>b</b> `c` [d](e) & \\n _f_ ~~g~~ #h\n- i €"
    for value in (0.5, 0.75):
        write_test(
            tmp_path,
            name="one",
            metrics={"test/accuracy": value},
            pictures={"sheet": picture},
            texts={"samples": [("said", hard)]},
            hyperparameters={"training.optimizer": "Adam", "training.optimizer.learning_rate": 0.1, "deep": True},
        )
    assert len(list(tmp_path.iterdir())) == 1
    events = read(tmp_path)
    assert values(events, "test/accuracy") == [(0, 0.75)]
    width, height, content = values(events, "sheet")[0][1]
    assert (width, height, content[:4]) == (b"5", b"3", b"\x89PNG")
    shown = text_array_to_html(values(events, "samples")[0][1], enable_markdown=True)
    assert "<p><strong>said</strong></p>\n<p>" in shown
    assert html.unescape(shown.split("<p>")[2].partition("</p>")[0]) == " ".join(hard.split())
    content = events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    start = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info
    assert start.group_name == "one"
    assert start.hparams["training.optimizer"].string_value == "Adam"
    assert start.hparams["training.optimizer.learning_rate"].number_value == 0.1
    assert start.hparams["deep"].bool_value is True
