"""What happens around the steps and epochs of `Model.fit`, besides what the callbacks do.

Keras tells its list of callbacks everything. This one tells them, and puts between what wants an exact place: the
position in the data, resuming, exact states, averaged weights, interruptions, limits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras

from dlkit.data.feed import Feed
from dlkit.training.averages import Averages
from dlkit.training.callback_state import has_state
from dlkit.training.optimizers import end_averaging
from dlkit.training.saver import Saver
from dlkit.training.stage import Limit, Stage
from dlkit.training.state import Position, State
from dlkit.training.steps import Steps


class StoppedAtStep(BaseException):
    """Leaves `Model.fit` between two steps. Not an `Exception`, which code on the way might catch."""


class Loop(keras.callbacks.CallbackList):
    """The list of callbacks of one stage.

    A state is taken before the callbacks are told that a step begins, and after all have been told that an epoch has
    ended. A validation that is cut short leaves no figures: its epoch goes on with the validation when it is resumed.

    Args:
        callbacks: In their order.
        model: A compiled model, built with its optimizer and metrics.
        data: The training examples.
        stage: What is trained.
        steps: The steps of the model.
        stopping: Whether to stop, asked before every step.
        stops_validation: Whether it is asked in the middle of a validation, too.
        saver: Saves states, if all callbacks can tell theirs.
        start: The state to go on from, of this stage.
        limit: When the training ends early.

    Attributes:
        is_limited: Whether the limit was reached.
    """

    def __init__(
        self,
        callbacks: Sequence[keras.callbacks.Callback],
        *,
        model: keras.Model,
        data: Feed,
        stage: Stage,
        steps: Steps,
        stopping: Callable[[], bool],
        stops_validation: bool = True,
        saver: Saver,
        start: State | None = None,
        limit: Limit | None = None,
    ) -> None:
        super().__init__(
            list(callbacks), add_history=True, model=model, epochs=stage.epochs, steps=data.num_batches, verbose=0
        )
        self._data = data
        self._stage = stage
        self._steps = steps
        self._stopping = stopping
        self._stops_validation = stops_validation
        self._saver = saver
        self._start = start
        self._limit = limit or Limit()
        self._averages = Averages(model)
        # Keras would fetch the metrics of every step for nobody, in a thread that contends with the training.
        self._hears_steps, self._hears_tests = (
            any(_overrides(callback, f"on_{kind}_batch_end") for callback in self.callbacks)
            for kind in ("train", "test")
        )
        self._exact = all(has_state(callback) for callback in self.callbacks)
        self._epoch = 0
        self._seen = 0  # steps of the epoch that the saver knows of
        self._cut = False  # whether the limit was reached within the epoch
        self._validation_cut = False
        self._before_validation: State | None = None
        self.is_limited = False

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        super().on_train_begin(logs)
        if self._start:
            self._start.restore(self.model, self.callbacks)

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        if self.model.optimizer is None:  # otherwise Keras has done it
            end_averaging(self.model)
        super().on_train_end(logs)

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if self._stopping():
            if not self._start:
                self._save(epoch, 0)
            raise StoppedAtStep
        self._epoch = epoch
        self._data.epoch, self._data.start = self._stage.epochs_before + epoch, 0
        self._steps.begin_epoch()
        self._before_validation = None
        super().on_epoch_begin(epoch, logs)
        start, self._start = self._start, None
        self._seen = start.position.step if start else 0
        if start and self._seen:
            start.restore(self.model, self.callbacks)  # again: Keras has reset the metrics
            self._data.start = self._seen
            self._steps.begin_epoch(self._seen)

    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        self._steps.at = batch
        if not self._steps.first <= batch < self._steps.end or (batch and self._ends_before(batch)):
            return
        super().on_train_batch_begin(batch, logs)
        self._steps.look(self._epoch, seconds_between=1.0)

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        if self._hears_steps and self._steps.first <= self._steps.at < self._steps.end:
            super().on_train_batch_end(batch, logs)

    def on_test_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        if self._hears_tests:
            super().on_test_batch_end(batch, logs)

    def on_test_begin(self, logs: dict[str, float] | None = None) -> None:
        if self._exact and self._stops_validation and not self._cut:
            # Validation resets the metrics, and may change what is not trained.
            self._before_validation = self._take(self._epoch, self._data.num_batches, trained=False)
        self._averages.put_in()
        super().on_test_begin(logs)

    def on_test_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        # Not left here: callbacks that open something in `on_test_begin` close it in `on_test_end`.
        if self._stops_validation and self._stopping():
            self.model.stop_evaluating = self._validation_cut = True
        super().on_test_batch_begin(batch, logs)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if self._validation_cut:
            self._averages.take_out()
            if before := self._before_validation:
                self._saver.save(lambda: before.with_trained(self.model), self.callbacks)
            raise StoppedAtStep
        self._steps.look(epoch)
        self._averages.put_in()
        super().on_epoch_end(epoch, logs)
        self._averages.take_out()
        if self._cut:
            self.model.stop_training = True
        else:
            self._end_epoch(epoch + 1)

    def is_reached(self, position: Position) -> bool:
        """Whether the limit ends the training at a position; where it does, `is_limited` says so from now on."""
        epochs = self._stage.epochs_before + position.epoch
        steps = self._stage.steps_before + position.epoch * self._data.num_batches + position.step
        self.is_limited = self._limit.reached(epochs, steps, self._saver.seconds)
        return self.is_limited

    def _ends_before(self, batch: int) -> bool:
        """Does what is due between two steps, and says whether the epoch ends there."""
        is_new = batch > self._steps.first
        if is_new and self._stopping():
            self._save(self._epoch, batch)
            raise StoppedAtStep
        due = self._saver.step_done(batch - self._seen)
        self._seen = batch
        if self.is_reached(self._at(self._epoch, batch)):
            # Keras would leave without a validation; the epoch ends as every other, and a resumed run goes on in it.
            self._steps.end = batch
            self._cut = True
        if is_new and (due or self._cut):
            self._save(self._epoch, batch)
        return self._cut

    def _end_epoch(self, epochs: int) -> None:
        """Does what is due between two epochs."""
        due = self._saver.epoch_done(self._data.num_batches - self._seen)
        reached = self.is_reached(self._at(epochs, 0))
        if self._limit.asked and self._limit.asked(self._stage.epochs_before + epochs):
            self.is_limited = reached = True
        if reached or due or self.model.stop_training or epochs == self._stage.epochs:
            self._save(epochs, 0)
        if self.is_limited:
            self.model.stop_training = True

    def _save(self, epoch: int, step: int) -> None:
        self._steps.look(epoch)  # a state whose loss is not a number would take the place of a good one
        if self._exact:
            self._saver.save(lambda: self._take(epoch, step), self.callbacks)

    def _take(self, epoch: int, step: int, trained: bool = True) -> State:
        return State.of(self.model, self.callbacks, self._at(epoch, step), trained)

    def _at(self, epoch: int, step: int) -> Position:
        return Position(self._stage.number, epoch, step)


def _overrides(callback: keras.callbacks.Callback, name: str) -> bool:
    plain = keras.callbacks.Callback
    return any(getattr(type(callback), each) is not getattr(plain, each) for each in (name, "on_batch_end"))
