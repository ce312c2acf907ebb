"""Trains the trials of a sweep in this process: what a worker does."""

from __future__ import annotations

import gc
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import tensorflow as tf

from dlkit.errors import DlkitError
from dlkit.recipe.diagnostics import RecipeError
from dlkit.recipe.dump import to_yaml
from dlkit.recipe.load import Recipe, load
from dlkit.runs.atomic import write_text
from dlkit.runs.folder import RunFolder
from dlkit.runs.group import GroupFolder
from dlkit.runs.lock import is_locked
from dlkit.training.progress import Displays
from dlkit.tuning.process import RENEW
from dlkit.tuning.service import OUTCOME, Chief, TrialTaken, write_outcome
from dlkit.tuning.trial_recipe import STOP_AFTER, objective_of, score_of, stop_after, trial_recipe
from dlkit.tuning.trials import TRIALS, Journal, Outcome, Trial
from dlkit.workflows.preparation import Kept
from dlkit.workflows.recipe_file import recipe_values
from dlkit.workflows.resume import resume
from dlkit.workflows.tensorboard import show_trial
from dlkit.workflows.train import Trialled, train

_GROWTH = 512 * 2**20  # bytes above what its first trial left it with
_STATM = Path("/proc/self/statm")
_PAGE = 4096


@dataclass(slots=True)
class Worker:
    """Trains trials until there are none left.

    Args:
        address: HOST:PORT of the chief.
        name: What it is called, like no other.
        told: Told what it does, a line each.
        allow_plugins: Whether the recipe's plugins may be run.
        growth: How much more memory than after its first trial it may take, in bytes.
    """

    address: str
    name: str
    told: Callable[[str], None]
    allow_plugins: bool = False
    growth: int = _GROWTH

    def work(self) -> int:
        """Trains.

        Returns:
            0: there is nothing left to do; `RENEW`: its memory has grown, and another process is to take its place.

        Raises:
            DlkitError: The chief does not answer, or its folder is not to be seen here.
            Interrupted: By a signal; the trial can be gone on with.
        """
        chief = Chief(self.address, self.name)
        folder = chief.folder()
        recipe = load(folder.recipe, allow_plugins=self.allow_plugins, others=False)
        trialled = Trialled(lambda epochs: not chief.goes_on(epochs), Kept())
        first: int | None = None
        while (number := chief.ask()) is not None:
            trial = Journal(folder.path / TRIALS).trials()[number - 1]
            try:
                outcome = carry_out_trial(folder, recipe, trial, trialled)
            except TrialTaken:
                continue
            write_outcome(folder, number, outcome)
            chief.end()
            self.told(f"trial {number}: {outcome.reason or outcome.status}")
            gc.collect()
            first = first or memory_held()
            if memory_held() - first > self.growth:
                return RENEW
        return 0


def carry_out_trial(folder: GroupFolder, recipe: Recipe, trial: Trial, trialled: Trialled) -> Outcome:
    """Trains a trial, or goes on with it, in the member of its number.

    Args:
        folder: Of the sweep.
        recipe: Its recipe, with the space.
        trial: What was chosen.
        trialled: How it is trained.

    Raises:
        Interrupted: By a signal; the run is whole, and can be gone on with.
    """
    run, began = folder.member(trial.number), time.monotonic()
    stopped: list[int] = []

    def asked(epochs: int) -> bool:
        if not stopped and trialled.asked and trialled.asked(epochs):
            stopped.append(epochs)
        return bool(stopped)

    keras.backend.clear_session()  # so that no trial depends on those before it
    try:
        made = trial_recipe(recipe, trial)
        _wait_for(run)
        _train(folder, run, made, trial, Trialled(asked, trialled.kept))
    except Exception as error:  # noqa: BLE001  whatever is wrong with one trial, others are to be trained after it
        code, reason = _kind_of(error)
        return Outcome("failed", None, len(run.read_metrics()), time.monotonic() - began, code, reason)
    lines = run.read_metrics()
    is_stopped = bool(stopped) and stopped[0] < (trial.epochs or made.config.training.total_epochs)
    if is_stopped:
        # What stopped it was what others had reached: its own recipe now says when it ends.
        ended = load(
            run.recipe, [f"{STOP_AFTER}={{epochs: {stopped[0]}}}"], allow_plugins=recipe.allow_plugins, others=False
        )
        write_text(run.recipe, to_yaml(recipe_values(ended)))
    score = score_of(lines, recipe)
    if score is not None:
        show_trial(run, made, trial.told, objective_of(recipe), score)
    seconds = run.read_status().seconds_before + time.monotonic() - began
    return Outcome("stopped" if is_stopped else "finished", score, len(lines), seconds)


def _train(folder: GroupFolder, run: RunFolder, recipe: Recipe, trial: Trial, trialled: Trialled) -> None:
    """Trains from the beginning, from where the trial was left, or from where the one before it ended."""
    display = Displays([])
    if trial.continues is None and not run.recipe.exists():
        train(recipe, folder=run, display=display, told=_unheard, trialled=trialled, warned=_unheard)
        return
    if not run.recipe.exists():
        _copy(folder.member(trial.continues or 0), run)
    ends = stop_after(recipe, trial)
    setting = f"{STOP_AFTER}={'null' if ends is None else f'{{epochs: {trial.epochs}}}'}"
    allowed = recipe.allow_plugins
    resume(run, [setting], display=display, told=_unheard, allow_plugins=allowed, trialled=trialled)


def _wait_for(run: RunFolder) -> None:
    """Waits for a worker that was taken for lost and lets go of its trial at the end of its epoch."""
    while is_locked(run.lock):
        time.sleep(1)


def _unheard(line: object) -> None:
    """What a trial tells is in its own log."""


def _copy(before: RunFolder, run: RunFolder) -> None:
    """Makes a run a copy of another, whole or not at all."""
    made = run.path.with_name(f"{run.path.name}.copying")
    shutil.rmtree(made, ignore_errors=True)
    shutil.copytree(before.path, made, ignore=shutil.ignore_patterns(OUTCOME, run.lock.name))
    shutil.rmtree(run.path)
    made.rename(run.path)


def _kind_of(error: Exception) -> tuple[str, str]:
    """What kind of failure an error is, and what to say of it."""
    match error:
        case RecipeError(diagnostics=[first, *_]):
            return first.code, first.message
        case DlkitError(code=code, message=message):
            return code, message.strip().partition("\n")[0]
    if isinstance(error, tf.errors.ResourceExhaustedError | MemoryError):
        return "out-of-memory", "there was not enough memory"
    return type(error).__name__, f"{type(error).__name__}: {error}".partition("\n")[0]


def memory_held() -> int:
    """The bytes of memory that this process holds; 0 where the system does not tell."""
    return int(_STATM.read_text().split()[1]) * _PAGE if _STATM.exists() else 0
