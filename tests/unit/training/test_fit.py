"""A stage of training leaves a whole run folder, however it ends."""

from __future__ import annotations

import io
import os
import signal
from pathlib import Path

import keras
import numpy as np
import pytest

from dlkit.data.arrays import Arrays
from dlkit.data.columns import Windows
from dlkit.data.feed import Feed
from dlkit.errors import DlkitError
from dlkit.runs.folder import RunFolder
from dlkit.training.checkpoints import states_of
from dlkit.training.fit import fit
from dlkit.training.interruption import Interrupted
from dlkit.training.progress import PlainDisplay
from dlkit.training.saver import Saver
from dlkit.training.stage import Stage

STEPS = 6
VALIDATION_STEPS = 3


class Signal(keras.callbacks.Callback):
    """Sends this process signals at a step of an epoch, counted from 0, and notes what runs after it."""

    def __init__(self, *signals: signal.Signals, epoch: int = 1, step: int = 2, in_validation: bool = False) -> None:
        super().__init__()
        self.signals, self.at, self.in_validation = signals, (epoch, step), in_validation
        self.epoch = 0
        self.after: list[str] = []
        self.sent = False

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        self.step("step", batch, not self.in_validation)

    def on_test_batch_begin(self, batch, logs=None):
        self.step("validation step", batch, self.in_validation)

    def on_train_end(self, logs=None):
        self.after.append("end")

    def get_state(self):
        return None

    def set_state(self, state):
        pass

    def step(self, what: str, batch: int, here: bool) -> None:
        if self.sent:
            self.after.append(what)
        if here and (self.epoch, batch) == self.at:
            self.sent = True
            for number in self.signals:
                os.kill(os.getpid(), number)


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path, "test/tiny")


def dataset(steps: int, seed: int = 0, factor: float = 1.0) -> Feed:
    generator = np.random.default_rng(seed)
    x = generator.random((steps * 8, 4)).astype("float32")
    y = (x @ [1, 2, 3, 4] * factor).astype("float32")[:, None]
    return Feed(Arrays({"x": x}, {"y": y}), batch_size=8, shuffle=False)


def tiny_model(**optimizer) -> keras.Model:
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(**{"learning_rate": 0.05, **optimizer}), "mse", metrics=["mae"])
    return model


def train(run: RunFolder, model: keras.Model | None = None, stream: io.StringIO | None = None, **changes):
    arguments = {
        "run": run,
        "stage": Stage("train", changes.pop("epochs", 3)),
        "best": ("val_loss", "auto"),
        "display": PlainDisplay(stream or io.StringIO()),
        "validation": dataset(VALIDATION_STEPS, seed=1),
        **changes,
    }
    data = arguments.pop("train", None)
    with run.running():
        saver = Saver(run)
        try:
            return fit(model or tiny_model(), data or dataset(STEPS), saver=saver, **arguments)
        finally:
            saver.close()


def files(run: RunFolder) -> set[str]:
    return {path.name for path in run.path.iterdir()} - {".lock"}


@pytest.mark.filterwarnings("error::UserWarning")
def test_a_whole_training(run: RunFolder):
    model, stream = tiny_model(), io.StringIO()
    assert not train(run, model, stream)
    assert files(run) == {"status.json", "metrics.jsonl", "best.keras", "model.keras", "checkpoints"}
    status = run.read_status()
    assert (status.state, status.stage, status.epoch, status.step) == ("finished", "train", 3, 3 * STEPS)
    lines = run.read_metrics()
    assert [line["val_loss"] for line in lines] == model.history.history["val_loss"]
    last, best = (keras.models.load_model(path) for path in (run.last_model, run.best_model))
    np.testing.assert_array_equal(last.get_weights()[0], model.get_weights()[0])
    best_loss = best.evaluate(dataset(VALIDATION_STEPS, seed=1), verbose=0)[0]
    assert best_loss == pytest.approx(min(line["val_loss"] for line in lines), rel=1e-6)
    shown = stream.getvalue().splitlines()
    assert shown[0] == f"train: 3 epochs of {STEPS} steps, 8 examples each. Values: training / validation"
    assert [line.endswith("best") for line in shown[1:]] == [
        line["val_loss"] == min(before["val_loss"] for before in lines[: number + 1])
        for number, line in enumerate(lines)
    ]


def test_the_best_model_is_not_the_last_where_the_training_gets_worse(run: RunFolder):
    class Worse(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                self.model.set_weights([np.full_like(weight, 50) for weight in self.model.get_weights()])

    train(run, callbacks=[Worse()])
    best, last = (keras.models.load_model(path).get_weights()[0] for path in (run.best_model, run.last_model))
    assert np.abs(last).max() > 5 > np.abs(best).max()


def test_what_a_callback_of_the_user_adds_is_logged(run: RunFolder):
    class Adds(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["val_own"] = float(epoch)

    train(run, callbacks=[Adds()], best=("val_own", "max"))
    assert [line["val_own"] for line in run.read_metrics()] == [0.0, 1.0, 2.0]


def test_a_stage_without_best_keeps_the_last_model_only(run: RunFolder):
    train(run, best=None, validation=None)
    assert files(run) == {"status.json", "metrics.jsonl", "model.keras", "checkpoints"}


def test_early_stopping_ends_it_like_any_other_training(run: RunFolder):
    stop = keras.callbacks.EarlyStopping(monitor="loss", patience=1, min_delta=1e9)
    train(run, callbacks=[stop], epochs=10)
    assert len(run.read_metrics()) == 2
    assert run.state() == "finished"


def test_a_monitor_without_validation_data_is_refused_before_the_training(run: RunFolder):
    with pytest.raises(DlkitError, match="no data for validation") as told:
        train(run, validation=None)
    assert told.value.code == "unknown-monitor"
    assert run.read_metrics() == []


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_with_a_whole_folder(run: RunFolder, number: signal.Signals, status: int):
    sender, model = Signal(number), tiny_model()
    with pytest.raises(Interrupted) as told:
        train(run, model, callbacks=[sender])
    assert told.value.exit_status == status
    assert sender.after == ["end"]
    assert files(run) == {"status.json", "metrics.jsonl", "best.keras", "model.keras", "checkpoints"}
    assert [line["epoch"] for line in run.read_metrics()] == [1]
    ended = run.read_status()
    assert (ended.state, ended.epoch, ended.step) == ("interrupted", 1, STEPS + 3)
    last = keras.models.load_model(run.last_model)
    assert last.optimizer.iterations == STEPS + 3
    np.testing.assert_array_equal(last.get_weights()[0], model.get_weights()[0])
    assert keras.models.load_model(run.best_model).optimizer.iterations == STEPS


def test_a_signal_in_the_validation_cuts_it_and_its_epoch_leaves_no_figures(run: RunFolder):
    sender = Signal(signal.SIGINT, epoch=1, step=0, in_validation=True)
    with pytest.raises(Interrupted):
        train(run, callbacks=[sender])
    assert sender.after == ["validation step", "end"]
    assert [line["epoch"] for line in run.read_metrics()] == [1]
    assert keras.models.load_model(run.last_model).optimizer.iterations == 2 * STEPS


def test_a_signal_in_the_last_moment_is_not_lost(run: RunFolder):
    class AtTheEnd(keras.callbacks.Callback):
        def on_train_end(self, logs=None):
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted):
        train(run, callbacks=[AtTheEnd()])
    assert run.state() == "interrupted"
    assert len(run.read_metrics()) == 3
    assert run.last_model.exists()


def test_a_second_signal_ends_at_once(run: RunFolder):
    sender = Signal(signal.SIGINT, signal.SIGINT)
    with pytest.raises(Interrupted):
        train(run, callbacks=[sender])
    assert sender.after == []
    assert run.state() == "interrupted"
    assert files(run) == {"status.json", "metrics.jsonl", "best.keras", "checkpoints"}


def test_a_second_signal_while_the_model_is_saved_leaves_no_half_file(run: RunFolder, monkeypatch: pytest.MonkeyPatch):
    def half_save(model, path):
        Path(path).write_text("half")
        os.kill(os.getpid(), signal.SIGINT)

    model = tiny_model()
    sender = Signal(signal.SIGINT, epoch=0)
    monkeypatch.setattr(keras.Sequential, "save", half_save)
    with pytest.raises(Interrupted):
        train(run, model, callbacks=[sender])
    assert files(run) == {"status.json", "checkpoints"}
    assert run.state() == "interrupted"


def test_an_interruption_leaves_the_averaged_weights_as_the_end_of_a_training_does(run: RunFolder):
    model = tiny_model(use_ema=True, ema_momentum=0.5)
    with pytest.raises(Interrupted):
        train(run, model, callbacks=[Signal(signal.SIGINT)])
    averages = model.optimizer._model_variables_moving_average
    last = keras.models.load_model(run.last_model).get_weights()
    np.testing.assert_array_equal(last[0], averages[0].numpy())


@pytest.mark.parametrize("factor", [float("nan"), float("inf")])
def test_not_a_number_names_the_step_and_keeps_the_last_good_state(run: RunFolder, factor: float):
    class Spoils(keras.callbacks.Callback):
        """From the fourth step of the second epoch on no loss is a number."""

        def on_train_batch_begin(self, batch, logs=None):
            if self.model.optimizer.iterations == STEPS + 3:
                self.model.set_weights([weight * factor for weight in self.model.get_weights()])

        def get_state(self):
            return None

        def set_state(self, state):
            pass

    with pytest.raises(DlkitError, match=r"The loss became (nan|inf) in step 4 of epoch 2\.") as told:
        train(run, callbacks=[Spoils()])
    assert told.value.code == "not-a-number"
    status = run.read_status()
    assert status.state == "failed"
    assert status.error is not None
    assert status.error.startswith("The loss became")
    assert [path.stem for path in states_of(run)] == ["stage-01-epoch-00001-step-00000000"]
    assert len(run.read_metrics()) == 1


class Damaged(Windows):
    """One row cannot be read."""

    def read(self, rows: np.ndarray) -> np.ndarray:
        if 9 in rows:
            raise DlkitError("picture 9.png is cut short", "mend it", "damaged")
        return super().read(rows)


@pytest.mark.parametrize("split", ["train", "validation"])
def test_examples_that_cannot_be_read_are_told_as_themselves(run: RunFolder, split: str):
    column = Damaged(np.zeros(20, np.float32), np.arange(16), 4)
    feed = Feed(Arrays({"x": column}, {"y": np.zeros(16, np.float32)}), batch_size=4, shuffle=False)
    with pytest.raises(DlkitError, match=r"picture 9\.png is cut short\nmend it"):
        train(run, **{split: feed})
    assert run.read_status().state == "failed"
