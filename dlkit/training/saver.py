"""When exact states are saved, and what goes into them besides the training itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import keras

from dlkit.recipe.training_keys import Every
from dlkit.runs.folder import RunFolder
from dlkit.training.checkpoints import Checkpoints, Saved
from dlkit.training.state import State

# Where the recipe leaves it open: states may cost a hundredth of the time, and a long epoch is saved in between.
_SHARE = 0.01
_LONGEST = 300.0


class Saver:
    """Saves the states of a run.

    The first epoch's end and every stage's end are saved always.

    Args:
        run: The run folder.
        every: The interval; None leaves it to the time that states take, which differs from run to run. The result of
            a training does not depend on it.
        recipe: What is trained, as YAML.
        seconds: Time that earlier processes spent on what the training goes on from.
        by_clock: Whether the time may decide. Not where several processes must save at the same step.
        clock: Gives the time in seconds.
    """

    def __init__(
        self,
        run: RunFolder,
        every: Every | None = None,
        recipe: str = "",
        seconds: float = 0.0,
        by_clock: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._run = run
        self._every = every
        self._recipe = recipe
        self._by_clock = by_clock
        self._clock = clock
        self._checkpoints = Checkpoints(run)
        self._began = clock() - seconds
        self._cost = 0.0
        self._saved_at = clock()
        self._steps = self._epochs = 0

    @property
    def seconds(self) -> float:
        """Time spent in training, by earlier processes too."""
        return self._clock() - self._began

    def step_done(self, steps: int) -> bool:
        """Notes further steps, and says whether a state is due between them and the next."""
        self._steps += steps
        since = self._clock() - self._saved_at
        match self._every:
            case None:
                return self._by_clock and since >= _LONGEST and not self._checkpoints.busy
            case Every(steps=int(interval)):
                return self._steps >= interval
            case Every(minutes=float(interval)):
                return since >= interval * 60
        return False

    def epoch_done(self, steps: int) -> bool:
        """Notes the last steps of an epoch and its end, and says whether a state is due."""
        due = self.step_done(steps)
        self._epochs += 1
        match self._every:
            case None:
                # The thread that writes takes its time from the training too, where all cores are busy.
                cost = self._cost + self._checkpoints.spent
                affordable = self._clock() - self._saved_at >= cost / _SHARE and not self._checkpoints.busy
                return due or affordable or not self._by_clock
            case Every(epochs=int(interval)):
                return self._epochs >= interval
        return due

    def save(self, take: Callable[[], State], callbacks: Sequence[keras.callbacks.Callback]) -> None:
        """Saves a state, in a thread of its own.

        Args:
            take: Takes the state.
            callbacks: All callbacks: their files are noted as they are now.

        Raises:
            DlkitError: An earlier state could not be written (`cannot-write`).
        """
        began = self._clock()
        for callback in callbacks:
            if isinstance(callback, keras.callbacks.TensorBoard):
                for writer in callback._writers.values():
                    writer.flush()
        sizes = self._run.sizes(*(each.filename for each in callbacks if isinstance(each, keras.callbacks.CSVLogger)))
        saved = Saved(take(), self._recipe, sizes, self._run.best_model.exists(), self.seconds)
        self._checkpoints.write(saved)
        self._steps = self._epochs = 0
        self._saved_at = self._clock()
        self._cost = self._saved_at - began

    def wait(self) -> None:
        """Waits until the last state is on disk.

        Raises:
            DlkitError: It could not be written (`cannot-write`).
        """
        self._checkpoints.wait()

    def close(self) -> None:
        """Waits for the last state, whether it can be written or not."""
        self._checkpoints.close()
