"""The callbacks of every training, each by itself."""

from __future__ import annotations

import math
from pathlib import Path

import keras
import numpy as np
import pytest

from dlkit.errors import DlkitError
from dlkit.runs.folder import RunFolder
from dlkit.training.callbacks import BestModel, MetricsLog, StopOnNaN, direction
from dlkit.training.tensorboard import default_tensorboard


class FakeModel:
    """Saves the epoch that it is told."""

    metrics = ()
    epoch = 0

    def save(self, path: Path) -> None:
        path.write_text(f"epoch {self.epoch}")


def best_of(values: list[float], path: Path, monitor: str = "val_loss", mode: str = "auto") -> BestModel:
    callback = BestModel(path, monitor, mode)
    model = FakeModel()
    callback.set_model(model)
    for epoch, value in enumerate(values):
        model.epoch = epoch
        callback.on_epoch_end(epoch, {monitor: value, "loss": 0.0})
    return callback


def data(rows: int = 64) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    return generator.random((rows, 4)).astype("float32"), generator.integers(0, 3, rows)


def small_model(**compiled) -> keras.Model:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(**{"optimizer": "sgd", "loss": loss, "metrics": ["accuracy"], **compiled})
    return model


@pytest.mark.parametrize(
    ("values", "mode", "epoch"),
    [
        ([3.0, 1.0, 2.0, 1.0], "auto", 1),
        ([3.0, 1.0, 2.0], "min", 1),
        ([3.0, 1.0, 4.0], "max", 2),
        ([math.nan, 2.0, math.nan], "min", 1),
        ([math.nan, 2.0, math.nan], "max", 1),
        ([math.inf, 5.0, -math.inf], "min", 1),
    ],
)
def test_the_file_is_that_of_the_best_epoch(tmp_path: Path, values: list[float], mode: str, epoch: int):
    callback = best_of(values, tmp_path / "best.keras", mode=mode)
    assert (callback.best, callback.best_epoch) == (values[epoch], epoch)
    assert (tmp_path / "best.keras").read_text() == f"epoch {epoch}"
    assert [path.name for path in tmp_path.iterdir()] == ["best.keras"]


def test_a_value_that_is_never_a_number_saves_nothing(tmp_path: Path):
    assert best_of([math.nan, math.nan], tmp_path / "best.keras").best_epoch is None
    assert not list(tmp_path.iterdir())


def test_by_its_number_the_last_epoch_is_the_best(tmp_path: Path):
    callback = BestModel(tmp_path / "best.keras", "epoch")
    callback.set_model(small_model())
    for epoch, loss in enumerate([1.0, 3.0, 2.0]):
        callback.on_epoch_end(epoch, {"loss": loss})
    assert (callback.best, callback.best_epoch) == (3.0, 2)


def test_a_monitor_that_is_not_measured_names_what_is(tmp_path: Path):
    callback = BestModel(tmp_path / "best.keras", "val_acuracy")
    with pytest.raises(DlkitError, match="It measures: loss, val_accuracy") as told:
        callback.on_epoch_end(0, {"val_accuracy": 0.5, "loss": 1.0, "val_f1": np.ones(3)})
    assert told.value.code == "unknown-monitor"
    with pytest.raises(DlkitError, match="'val_f1', which the training does not measure as a number"):
        BestModel(tmp_path / "best.keras", "val_f1").on_epoch_end(0, {"val_f1": np.ones(3)})


def test_an_unknown_mode_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="Received: mode='up'"):
        BestModel(tmp_path / "best.keras", mode="up")


def test_the_direction_is_the_metric_s_own_also_under_an_output_s_name():
    inputs = keras.Input((4,))
    outputs = {name: keras.layers.Dense(3, name=name)(inputs) for name in ("garment", "group")}
    model = keras.Model(inputs, outputs)
    loss = {name: keras.losses.SparseCategoricalCrossentropy(from_logits=True) for name in outputs}
    own = keras.metrics.MeanMetricWrapper(lambda y_true, y_pred: keras.ops.mean(y_pred, axis=-1), name="own")
    entropy = keras.metrics.SparseCategoricalCrossentropy(from_logits=True, name="entropy")
    metrics = {"garment": ["accuracy", entropy], "group": [own]}
    model.compile("sgd", loss, metrics=metrics)
    x, y = data()
    history = model.fit(x, {"garment": y, "group": y}, epochs=1, verbose=0).history
    assert {"loss", "garment_loss", "garment_accuracy", "group_own"} <= history.keys()
    assert direction(model, "val_loss") == "min"
    assert direction(model, "val_garment_loss") == "min"
    assert direction(model, "val_garment_accuracy") == "max"
    assert direction(model, "garment_entropy") == "min"
    with pytest.raises(DlkitError, match="mode: max") as told:
        direction(model, "val_group_own")
    assert told.value.code == "unknown-direction"


def test_metrics_other_than_losses_may_be_no_number():
    callback = StopOnNaN()
    callback.on_epoch_end(0, {"loss": 1.0, "pearson": math.nan})
    with pytest.raises(DlkitError, match="generator_loss became inf"):
        callback.on_epoch_end(0, {"generator_loss": math.inf})


@pytest.mark.parametrize("steps_per_execution", [1, 3])
def test_a_line_of_metrics_an_epoch_and_the_status_with_it(tmp_path: Path, steps_per_execution: int):
    run = RunFolder.create(tmp_path, "a")
    x, y = data(64)
    with run.running():
        log = MetricsLog(run, "pretrain", epochs=2)
        model = small_model(steps_per_execution=steps_per_execution)
        model.fit(x, y, batch_size=16, epochs=2, verbose=0, callbacks=[log], validation_data=(x, y))
        status = run.read_status()
    lines = run.read_metrics()
    assert [(line["stage"], line["epoch"], line["step"]) for line in lines] == [("pretrain", 1, 4), ("pretrain", 2, 8)]
    assert list(lines[0]) == [
        *("stage", "epoch", "step", "learning_rate"),
        *("accuracy", "loss", "val_accuracy", "val_loss"),
    ]
    assert lines[0]["learning_rate"] == pytest.approx(0.01)
    assert [line["loss"] for line in lines] == model.history.history["loss"]
    assert (status.stage, status.epoch, status.epochs, status.step) == ("pretrain", 2, 2, 8)


def test_the_learning_rate_is_that_of_the_epoch_that_was_run(tmp_path: Path):
    run = RunFolder.create(tmp_path, "a")
    x, y = data()
    lower = keras.callbacks.ReduceLROnPlateau(monitor="loss", patience=1, factor=0.5, min_delta=100.0)
    with run.running():
        model = small_model()
        model.fit(x, y, epochs=3, verbose=0, callbacks=[lower, MetricsLog(run, "train", 3)])
    rates = [line["learning_rate"] for line in run.read_metrics()]
    assert rates == pytest.approx([0.01, 0.01, 0.005])
    assert float(model.optimizer.learning_rate) == pytest.approx(0.0025)


def test_no_callback_of_ours_makes_keras_fetch_metrics_after_each_batch(tmp_path: Path):
    from dlkit.training.progress_callback import ProgressCallback

    plain = keras.callbacks.Callback.on_train_batch_end
    for ours in (BestModel, MetricsLog, ProgressCallback, StopOnNaN):
        assert ours.on_train_batch_end is plain
    assert type(default_tensorboard(tmp_path)).on_train_batch_end is plain
