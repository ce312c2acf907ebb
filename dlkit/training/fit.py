"""One stage of training: `keras.Model.fit` with what dlkit puts around it."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from typing import Any

import keras

from dlkit.data.feed import Feed, telling_failures
from dlkit.errors import DlkitError
from dlkit.models.pattern import Pattern
from dlkit.runs.atomic import replacing
from dlkit.runs.folder import RunFolder
from dlkit.training.build import build_state
from dlkit.training.callbacks import BestModel, MetricsLog, StopOnNaN
from dlkit.training.devices import Devices
from dlkit.training.interruption import Interrupted, Interruption
from dlkit.training.loop import Loop, StoppedAtStep
from dlkit.training.made_pictures import MadePictures
from dlkit.training.optimizers import end_averaging
from dlkit.training.out_of_memory import telling_out_of_memory
from dlkit.training.progress import Display, Plan
from dlkit.training.progress_callback import ProgressCallback
from dlkit.training.saver import Saver
from dlkit.training.stage import Limit, Stage
from dlkit.training.state import State
from dlkit.training.steps import Steps
from dlkit.training.together import StopTogether, can_agree


def fit(
    model: keras.Model,
    train: Feed,
    validation: Any = None,
    *,
    run: RunFolder,
    stage: Stage,
    best: tuple[str, str] | None,
    display: Display,
    saver: Saver,
    start: State | None = None,
    limit: Limit | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    unit: str = "examples",
    served: keras.Model | None = None,
    devices: Devices | None = None,
) -> bool:
    """Trains a compiled model and leaves best.keras, model.keras, metrics.jsonl and its states in the run folder.

    To be called inside ``with run.running():``, which notes how the run ends.

    The first Ctrl-C or SIGTERM stops the training at the next step and saves its state, and model.keras as it is then;
    the second leaves at once. Either way no file is half written, and best.keras stays.

    Args:
        model: A compiled model.
        train: The training examples.
        validation: What `Model.fit` takes as `validation_data`, for validation after each epoch.
        run: The run folder.
        stage: What is trained; each line of metrics.jsonl carries its name.
        best: The metric by which best.keras is chosen, and whether less or more is better (`min`, `max`, or `auto` for
            what the metric says). None keeps no best.keras: a stage that is not the last.
        display: What shows the progress; it is stopped in the end.
        saver: Saves exact states.
        start: A state of this stage to go on from.
        limit: Ends the training early.
        callbacks: The recipe's callbacks, in their order.
        unit: What an example is, in the plural, as the display says it.
        served: The model that is saved, of the same layers; the trained one where it is None.
        devices: What shares the work.

    Returns:
        Whether the limit was reached, so that no stage follows.

    Raises:
        Interrupted: If a signal stopped it; its state is saved, unless it was the second signal.
        DlkitError: If a loss is not a number (`not-a-number`), `best` names what is not measured (`unknown-monitor`)
            or has no known direction (`unknown-direction`), memory is too small (`out-of-memory`), a file cannot be written (`cannot-write`), examples cannot
            be read, or the state is of another training (`state-differs`).
    """
    if best and best[0].startswith("val_") and validation is None:
        raise DlkitError(
            f"The best model is chosen by {best[0]!r}, and there are no data for validation.",
            "Set `data.validation`, or choose a metric of the training as `training.best.monitor`.",
            "unknown-monitor",
        )
    build_state(model, train)
    steps = Steps(model, train.num_batches)
    plan = Plan(stage.epochs, train.num_batches, train.batch_size, stage.name, unit)
    parts = model.networks() if isinstance(model, Pattern) else {}
    others = {run.network(name): part for name, part in parts.items()}
    best_model = BestModel(run.best_model, *best, served=served, others=others) if best else None
    devices = devices or Devices()
    is_alone = devices.workers == 1
    with Interruption(display.stopping, heard=is_alone or can_agree()) as interruption:
        loop = Loop(
            [
                *(model.own_callbacks() if isinstance(model, Pattern) else ()),
                *callbacks,
                *([MadePictures(run, stage)] if isinstance(model, Pattern) else []),
                MetricsLog(run, stage.name, stage.epochs),
                StopOnNaN(),
                *([best_model] if best_model else []),
                ProgressCallback(display, plan, best_model, steps),
            ],
            model=model,
            data=train,
            stage=stage,
            steps=steps,
            stopping=interruption.is_received if is_alone else StopTogether(devices.is_chief, interruption.is_received),
            stops_validation=is_alone,
            saver=saver,
            start=start,
            limit=limit,
        )
        first, is_stopped = start.position.epoch if start else 0, False
        # Within an epoch the loop sees to the limit itself: the epoch is still to be measured.
        is_over = start is not None and (
            start.stop_training or (not start.position.step and loop.is_reached(start.position))
        )
        try:
            with telling_failures(train, validation), telling_out_of_memory(model, train):
                model.fit(
                    train,
                    validation_data=validation,
                    # What a callback or the limit has ended has no epochs left.
                    initial_epoch=first,
                    epochs=first if is_over else stage.epochs,
                    callbacks=loop,
                    shuffle=False,
                    verbose=0,
                )
        except StoppedAtStep:
            is_stopped = True
            _end_training(model, loop)
        finally:
            steps.release()
            display.stop()
        saver.wait()
        with replacing(run.last_model) as temporary:
            (served or model).save(temporary)
        if interruption.received or is_stopped:
            raise Interrupted(interruption.received or signal.SIGINT)
    return loop.is_limited


def _end_training(model: keras.Model, callbacks: keras.callbacks.Callback) -> None:
    """What `Model.fit` does after its last epoch: averaged weights take their place, callbacks close their files."""
    if model.optimizer is not None:  # of several, the loop sees to it
        end_averaging(model)
    callbacks.on_train_end({})
