"""The callbacks that every training has.

None of them overrides `on_train_batch_end`: Keras then fetches no metric from the device after each batch. What must
look at the steps does so in `on_train_batch_begin`, where `batch` is the number of steps that are done.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras

from dlkit.errors import DlkitError
from dlkit.runs.atomic import replacing
from dlkit.runs.folder import RunFolder
from dlkit.training.optimizers import learning_rates
from dlkit.training.steps import not_a_number

_EPOCH = "epoch"  # as a monitor: the last one is the best


class MetricsLog(keras.callbacks.Callback):
    """Appends a line to metrics.jsonl and updates status.json after each epoch.

    A line is ``{"stage": "train", "epoch": 3, "step": 1407, "learning_rate": 0.001, "loss": ...}``: `epoch` counts from
    1, `step` is the number of steps (batches) of the stage up to here, `learning_rate` that of the epoch's end, before
    any callback has lowered it; where networks have optimizers of their own, `generator_learning_rate` and so on. No time
    stands there: the same training writes the same lines.

    Stands after the user's callbacks, so that what they add to the logs is written.

    Args:
        run: The run folder.
        stage: Name of the stage of training.
        epochs: Epochs that the stage has at most.
    """

    def __init__(self, run: RunFolder, stage: str, epochs: int) -> None:
        super().__init__()
        self._run = run
        self._stage = stage
        self._epochs = epochs
        self._step = 0
        self._steps_of_epoch = 0

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        self._run.update_status(stage=self._stage, epoch=0, epochs=self._epochs, step=0)

    def get_state(self) -> dict[str, int]:
        return {"step": self._step, "steps_of_epoch": self._steps_of_epoch}

    def set_state(self, state: dict[str, int]) -> None:
        self._step, self._steps_of_epoch = state["step"], state["steps_of_epoch"]

    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        self._steps_of_epoch = batch + self.model.steps_per_execution

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._step += min(self._steps_of_epoch, self.params["steps"] or self._steps_of_epoch)
        self._steps_of_epoch = 0
        line = {
            "stage": self._stage,
            "epoch": epoch + 1,
            "step": self._step,
            **learning_rates(self.model),
            **(logs or {}),
        }
        self._run.append_metrics(line)
        self._run.update_status(epoch=epoch + 1, step=self._step)

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        # The steps of an epoch that an interruption has cut short count too: model.keras has seen them.
        self._run.update_status(step=self._step + self._steps_of_epoch)


class StopOnNaN(keras.callbacks.Callback):
    """Ends the training when a loss of an epoch is not finite; `Steps` looks at that of the steps.

    Keras's `TerminateOnNaN` fetches the loss after each batch, which makes an accelerator wait each time.

    Raises:
        DlkitError: With the code `not-a-number`, naming the epoch.
    """

    def get_state(self) -> None:
        return None

    def set_state(self, state: None) -> None:
        pass

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        for name, value in (logs or {}).items():
            if _is_loss(name) and not math.isfinite(value):
                raise not_a_number(name, value, f"in epoch {epoch + 1}")


class BestModel(keras.callbacks.Callback):
    """Saves the model after each epoch that improves on all before it; a value that is not a finite number never does.

    Args:
        path: The file, ending in `.keras`. It is replaced whole.
        monitor: Name of the metric, as `val_loss`; `epoch`, by which the last one is the best.
        mode: `min`, `max`, or `auto`: the direction that the metric gives itself in Keras.
        served: The model to save, of the same layers; the trained one where it is None.
        others: Models of some of these layers, by the files that they are saved in with it.

    Attributes:
        best: The best value so far, or None.
        best_epoch: Its epoch, counted from 0, or None.
    """

    def __init__(
        self,
        path: Path,
        monitor: str = "val_loss",
        mode: str = "auto",
        served: keras.Model | None = None,
        others: Mapping[Path, keras.Model] | None = None,
    ) -> None:
        super().__init__()
        if mode not in ("auto", "min", "max"):
            raise ValueError(f"`mode` must be 'auto', 'min' or 'max'. Received: mode={mode!r}")
        self.monitor = monitor
        self.best: float | None = None
        self.best_epoch: int | None = None
        self._path = path
        self._mode = mode
        self._served = served
        self._others = dict(others or {})

    def get_state(self) -> dict[str, Any]:
        return {"best": self.best, "best_epoch": self.best_epoch, "mode": self._mode}

    def set_state(self, state: dict[str, Any]) -> None:
        self.best, self.best_epoch, self._mode = state["best"], state["best_epoch"], state["mode"]

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        numbers = {name: value for name, value in (logs or {}).items() if isinstance(value, float)}
        values = {**numbers, _EPOCH: epoch + 1.0}
        if self.monitor not in values:
            raise DlkitError(
                f"The best model is chosen by {self.monitor!r}, which the training does not measure as a number.",
                f"It measures: {', '.join(sorted(numbers))}. Choose one of these as `training.best.monitor`.",
                "unknown-monitor",
            )
        value = values[self.monitor]
        if self._improves(value):
            for path, model in {**self._others, self._path: self._served or self.model}.items():
                path.parent.mkdir(exist_ok=True)
                with replacing(path) as temporary:
                    model.save(temporary)
            self.best, self.best_epoch = value, epoch

    def _improves(self, value: float) -> bool:
        if self._mode == "auto":
            # Only now are the compiled metrics built.
            self._mode = direction(self.model, self.monitor)
        if not math.isfinite(value):
            return False
        return self.best is None or (value < self.best if self._mode == "min" else value > self.best)


def direction(model: keras.Model, monitor: str) -> str:
    """Whether less (`min`) or more (`max`) of a metric is better, as Keras's callbacks tell it in mode `auto`.

    Unlike theirs, the metric may stand under the name of an output, as `val_garment_accuracy`.

    Args:
        model: A model that has been trained for a step.
        monitor: Name of the metric in the logs.

    Raises:
        DlkitError: If neither the name nor the metric tells (`unknown-direction`).
    """
    name = monitor.removeprefix("val_")
    if _is_loss(name):
        return "min"
    if name == _EPOCH:
        return "max"
    for metric in model.metrics:
        for part in getattr(metric, "metrics", [metric]):
            if name == part.name or name.endswith(f"_{part.name}"):
                found = getattr(part, "_direction", None)
                if found:
                    return "max" if found == "up" else "min"
    raise DlkitError(
        f"Whether more or less of {monitor!r} is better, Keras does not tell.",
        f"Say so: `best: {{monitor: {monitor}, mode: max}}`.",
        "unknown-direction",
    )


def _is_loss(name: str) -> bool:
    return name == "loss" or name.endswith("_loss")
