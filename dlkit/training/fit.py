"""One stage of training: `keras.Model.fit` with what dlkit puts around it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from dlkit.data.feed import telling_failures
from dlkit.errors import DlkitError
from dlkit.runs.atomic import replacing
from dlkit.runs.folder import RunFolder
from dlkit.training.callbacks import BestModel, MetricsLog, StopAtStep, StopOnNaN, StoppedAtStep, TellEpoch
from dlkit.training.interruption import Interrupted, Interruption
from dlkit.training.progress import Display, Plan
from dlkit.training.progress_callback import ProgressCallback


def fit(
    model: keras.Model,
    train: Any,
    validation: Any = None,
    *,
    run: RunFolder,
    stage: str,
    epochs: int,
    best: tuple[str, str] | None,
    display: Display,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    unit: str = "examples",
    served: keras.Model | None = None,
) -> keras.callbacks.History:
    """Trains a compiled model and leaves best.keras, model.keras and metrics.jsonl in the run folder.

    To be called inside ``with run.running():``, which notes how the run ends.

    The first Ctrl-C or SIGTERM stops the training at the next step and saves model.keras as it is then; the second
    leaves at once. Either way no file is half written, and best.keras stays.

    Args:
        model: A compiled model.
        train: What `Model.fit` takes as `x` and yields batches with their targets: a `DataAdapter`, a
            `tf.data.Dataset`, a `PyDataset`. If it has an attribute `epoch`, this is set, counted from 0, before each
            epoch.
        validation: The same, for validation after each epoch.
        run: The run folder.
        stage: Name of the stage of training, which each line of metrics.jsonl carries.
        epochs: Epochs at most.
        best: The metric by which best.keras is chosen, and whether less or more is better (`min`, `max`, or `auto` for
            what the metric says). None keeps no best.keras: a stage that is not the last.
        display: What shows the progress; it is stopped in the end.
        callbacks: The recipe's callbacks, in their order.
        unit: What an example is, in the plural, as the display says it.
        served: The model that is saved, of the same layers; the trained one where it is None.

    Raises:
        Interrupted: If a signal stopped it; model.keras is saved, unless it was the second signal.
        DlkitError: If a loss is not a number (`not-a-number`), `best` names what is not measured (`unknown-monitor`)
            or has no known direction (`unknown-direction`), a file cannot be written (`cannot-write`), or examples
            cannot be read.
    """
    if best and best[0].startswith("val_") and validation is None:
        raise DlkitError(
            f"The best model is chosen by {best[0]!r}, and there are no data for validation.",
            "Set `data.validation`, or choose a metric of the training as `training.best.monitor`.",
            "unknown-monitor",
        )
    plan = Plan(epochs, _batches(train), getattr(train, "batch_size", None), stage, unit)
    best_model = BestModel(run.best_model, *best, served=served) if best else None
    with Interruption(display.stopping) as interruption:
        ordered = [
            StopAtStep(interruption),
            *([TellEpoch(train)] if hasattr(train, "epoch") else []),
            *callbacks,
            MetricsLog(run, stage, epochs),
            StopOnNaN(),
            *([best_model] if best_model else []),
            ProgressCallback(display, plan, best_model),
        ]
        try:
            with telling_failures(train, validation):
                model.fit(
                    train,
                    validation_data=validation,
                    epochs=epochs,
                    callbacks=ordered,
                    shuffle=False,
                    verbose=0,
                )
        except StoppedAtStep:
            _end_training(model, ordered)
        finally:
            display.stop()
        with replacing(run.last_model) as temporary:
            (served or model).save(temporary)
        if interruption.received:
            raise Interrupted(interruption.received)
    return model.history


def _end_training(model: keras.Model, callbacks: Sequence[keras.callbacks.Callback]) -> None:
    """What `Model.fit` does after its last epoch: averaged weights take their place, callbacks close their files."""
    if isinstance(model.optimizer, keras.optimizers.Optimizer):
        model.optimizer.finalize_variable_values(model.trainable_variables)
    for callback in callbacks:
        callback.on_train_end({})


def _batches(data: Any) -> int | None:
    """Batches in one pass; None where the data do not tell."""
    if hasattr(data, "num_batches"):
        return data.num_batches
    try:
        return len(data)
    except TypeError:
        return None
