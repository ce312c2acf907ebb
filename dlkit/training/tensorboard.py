"""What TensorBoard shows: the callback of a recipe that names none, and the summaries of the test."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dlkit.errors import DlkitError
from dlkit.models.pattern import Pattern
from dlkit.training.layer_graph import layer_graph
from dlkit.training.made_pictures import sheet
from dlkit.training.optimizers import learning_rates
from dlkit.training.steps import Steps

_POINTS = 20  # within an epoch, at most
_LEAST_STEPS = 2  # between two of them
_LEAST_SECONDS = 1.0  # too: a value that is fetched makes an accelerator wait for it
_HISTOGRAMS = 20  # of a weight in a stage, about
_ENTRIES = 10_000  # of a weight that its histogram counts
_HARMLESS = " ,;:%/?'"  # to Markdown, of what is neither letter nor digit


class EpochTensorBoard(keras.callbacks.TensorBoard):
    """Keras's, which knows either axis only, and goes through its scalars after every batch or once an epoch.

    Below `train/` and `validation/` it writes
    - the graph of the layers;
    - `epoch_NAME` for each metric and the learning rate, at the number of the epoch, from 0, as Keras does;
    - `by_step/NAME`, the same at the number of steps of the stage, which for a model with one optimizer are the
      optimizer's iterations;
    - `within_epochs/loss`, the mean of the steps since the last point, and `within_epochs/learning_rate`, in epochs
      that take long: up to 20 times in each, and no more often than once a second. So these points, and they alone,
      may lie elsewhere where the training is repeated;
    - `made`, the pictures that a pattern makes in every epoch;
    - `weights/LAYER/NAME`, histograms of the weights that are trained, about 20 times in all, the first and the last
      epoch among them. Of a large weight 10,000 entries are counted, evenly spread.

    Args:
        folder: Where the event files go.
        clock: Gives the time in seconds.
    """

    # Keras's would be called with all scalars after each batch, or writes what `by_step` tells.
    on_train_batch_end = keras.callbacks.Callback.on_train_batch_end
    on_test_end = keras.callbacks.Callback.on_test_end

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(str(folder), write_graph=False, update_freq="epoch")
        self._clock = clock
        self._written_at = 0.0
        self._at = 0  # the step of the epoch up to which `within_epochs` tells
        self._mean = 0.0  # of the loss of the epoch up to there
        self._last_loss: float | None = None  # where the training was resumed
        self._has_graph = False
        self._without_histograms: int | None = None  # the epoch that has just ended, unless they are written

    def get_state(self) -> dict[str, Any]:
        return {"at": self._at, "mean": self._mean, "loss": self._loss(), "has_graph": self._has_graph}

    def set_state(self, state: dict[str, Any]) -> None:
        self._at, self._mean, self._last_loss = state["at"], state["mean"], state["loss"]
        self._has_graph = state["has_graph"]

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._epoch = epoch
        self._without_histograms = None
        self._written_at = self._clock()
        if not self._has_graph:
            self._write_graph()

    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        steps = self.params["steps"] or 0
        enough = max(math.ceil(steps / _POINTS), _LEAST_STEPS)
        if steps < _POINTS * _LEAST_STEPS or batch - self._at < enough or batch == 0:
            return
        if self._clock() - self._written_at >= _LEAST_SECONDS:
            self._write_within(batch)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        end = self._end()
        if self._at:
            self._write_within(end)
        self._at, self._mean = 0, 0.0
        numbers = {name: value for name, value in (logs or {}).items() if _is_number(value)}
        of_train = {name: value for name, value in numbers.items() if not name.startswith("val_")}
        self._write(self._train_writer, epoch, end, self._collect_learning_rate(of_train))
        self._write_made(epoch)
        of_validation = {name[4:]: value for name, value in numbers.items() if name.startswith("val_")}
        if of_validation:
            self._write(self._val_writer, epoch, end, of_validation)
        self._without_histograms = epoch
        if epoch in _spread(self.params["epochs"]) or self.model.stop_training:
            self._write_histograms(epoch)

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        if self._without_histograms is not None:  # what ends the training has not been known before
            self._write_histograms(self._without_histograms)
        super().on_train_end(logs)

    def _collect_learning_rate(self, logs: dict[str, Any]) -> dict[str, Any]:
        return {**logs, **learning_rates(self.model)}

    def _write_made(self, epoch: int) -> None:
        """The pictures that a pattern made in the epoch."""
        made = self.model.made if isinstance(self.model, Pattern) else None
        if made is not None:
            with _writing(self._train_writer):
                tf.summary.image("made", sheet(made)[None], step=epoch)

    def _write_graph(self) -> None:
        self._has_graph = True
        graph = layer_graph(self.model)
        if graph is not None:
            with _writing(self._train_writer):
                tf.summary.graph(graph)

    def _end(self) -> int:
        """The steps of an epoch that has ended, which a limit may have cut short."""
        function = self.model.train_function
        return function.end if isinstance(function, Steps) else self.params["steps"] or 0

    def _loss(self) -> float | None:
        """The mean loss of the epoch, up to now or up to where it was resumed."""
        function = self.model.train_function
        loss = function.logs.get("loss") if isinstance(function, Steps) else None
        return self._last_loss if loss is None else float(loss)

    def _step(self, in_epoch: int) -> int:
        return self._epoch * (self.params["steps"] or 0) + in_epoch

    def _write_within(self, batch: int) -> None:
        if batch <= self._at:
            return
        mean = self._loss()
        told = self._collect_learning_rate({})
        if mean is not None:  # a model may measure other things
            told["loss"] = (batch * mean - self._at * self._mean) / (batch - self._at)
        with _writing(self._train_writer):
            _write_scalars("within_epochs/", told, self._step(batch))
        self._at, self._mean, self._written_at = batch, mean or 0.0, self._clock()

    def _write(self, writer: Any, epoch: int, end: int, values: Mapping[str, Any]) -> None:
        with _writing(writer):
            _write_scalars("epoch_", values, epoch)
            _write_scalars("by_step/", values, self._step(end))

    def _write_histograms(self, epoch: int) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.plugins.histogram.summary_v2 import histogram_pb

        self._without_histograms = None
        told = Summary()
        for variable in self.model.trainable_variables:
            values = np.asarray(variable.value.numpy()).reshape(-1)
            values = values[:: math.ceil(len(values) / _ENTRIES) or 1].astype(np.float64)
            values = values[np.isfinite(values)]
            if len(values):
                name = variable.path.removeprefix(f"{self.model.name}/")
                told.MergeFrom(histogram_pb(f"weights/{name}", values))
        with _writing(self._train_writer):
            tf.summary.experimental.write_raw_pb(told.SerializeToString(), step=epoch)


def default_tensorboard(folder: Path) -> keras.callbacks.TensorBoard:
    """Writes curves over epochs and steps, histograms of weights and the graph of layers into a folder."""
    return EpochTensorBoard(folder)


def write_test(
    folder: Path,
    *,
    name: str,
    metrics: Mapping[str, float],
    pictures: Mapping[str, np.ndarray],
    texts: Mapping[str, Sequence[tuple[str, str]]],
    hyperparameters: Mapping[str, bool | float | str],
) -> None:
    """Writes what a test has shown, in the place of what an earlier one has.

    Args:
        folder: Where the event file goes.
        name: What the run is called among others, in the tab HParams.
        metrics: By name.
        pictures: By name, of shape (height, width, 3), 8 bits.
        texts: By name, plain paragraphs, each with what is to stand above it.
        hyperparameters: What the runs may differ in.

    Raises:
        DlkitError: They cannot be written (`cannot-write`).
    """
    from tensorboard.plugins.hparams import api_pb2, summary, summary_v2

    for earlier in folder.glob("events.out.tfevents.*"):
        earlier.unlink()
    begin = summary_v2.hparams_pb(dict(hyperparameters), trial_id=name)
    end = summary.session_end_pb(api_pb2.STATUS_SUCCESS)
    try:
        writer = tf.summary.create_file_writer(str(folder))
        with _writing(writer, 0):
            for told in (begin, end):
                tf.summary.experimental.write_raw_pb(told.SerializeToString())
            for metric, value in metrics.items():
                tf.summary.scalar(metric, value)
            for tag, picture in pictures.items():
                tf.summary.image(tag, picture[None])
            for tag, paragraphs in texts.items():
                tf.summary.text(tag, [f"**{_literally(head)}**\n\n{_literally(text)}" for head, text in paragraphs])
        writer.close()
    except tf.errors.OpError as error:
        raise DlkitError(f"{folder} cannot be written: {error.message}", code="cannot-write") from error


@contextmanager
def _writing(writer: Any, step: int | None = None) -> Iterator[None]:
    """Writes, whatever a callback of Keras's whose training was broken off has left as to when summaries are recorded."""
    with writer.as_default(step), tf.summary.record_if(True):
        yield


def _write_scalars(before: str, values: Mapping[str, float], step: int) -> None:
    """Writes numbers in one go: one by one they would take half a millisecond each."""
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.scalar.summary_v2 import scalar_pb

    told = Summary()
    for name, value in values.items():
        told.MergeFrom(scalar_pb(before + name, value))
    tf.summary.experimental.write_raw_pb(told.SerializeToString(), step=step)


def _is_number(value: Any) -> bool:
    found = np.asarray(value)
    return found.ndim == 0 and found.dtype.kind in "biuf"


def _spread(epochs: int) -> set[int]:
    """The epochs whose weights are shown."""
    return {round(epoch) for epoch in np.linspace(0, epochs - 1, min(epochs, _HISTOGRAMS)).tolist()}


def _literally(text: str) -> str:
    """A text that Markdown leaves as it is."""
    plain = " ".join(text.split())
    return "".join(
        each if each.isalnum() or each in _HARMLESS or ord(each) > 127 else f"&#{ord(each)};" for each in plain
    )
