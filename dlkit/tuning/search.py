"""Gives out the trials of a search, and takes their outcomes back; what happened is in the journal before anything else."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import keras_tuner

from dlkit.errors import DlkitError
from dlkit.recipe.search_keys import Budget
from dlkit.tuning.oracle import silent
from dlkit.tuning.space import Space
from dlkit.tuning.trials import Journal, Outcome, Repeated, Trial, outcome_of, ranking, trial_of

_LOST = 3  # times that a worker may be lost over a trial
_REPEATED = 3  # of the best trials, with other seeds
_ALIKE = 3  # first trials that fail alike: the recipe is wrong, or the machine too small
_EPOCHS, _CONTINUES = "tuner/epochs", "tuner/trial_id"  # what Hyperband says beside the values of the space

Waiting = Literal["wait", "done"]


@dataclass(slots=True)
class Search:
    """A search, as far as it has come.

    Args:
        space: What is searched.
        oracle: Keras Tuner's, fresh; it is asked and told again what the journal holds.
        journal: What happened so far.
        key: Tells the recipe of a trial from others, by its settings.
        budget: The most that may be spent.
        seeds: With how many seeds the best trials are trained in the end, their own among them.
        first_seed: That of the recipe.

    Attributes:
        trials: All that were chosen, by number.
        given: Those that are being trained, by number, with the worker that does it.
        failure: Why the search cannot go on.
    """

    space: Space
    oracle: keras_tuner.Oracle
    journal: Journal
    key: Callable[[Mapping[str, Any]], str]
    budget: Budget | None = None
    seeds: int = 1
    first_seed: int = 1
    trials: dict[int, Trial] = field(default_factory=dict)
    given: dict[int, str] = field(default_factory=dict)
    failure: DlkitError | None = None
    _ended: list[int] = field(default_factory=list)  # in the order in which they ended
    _back: list[int] = field(default_factory=list)  # to be given out again, first come first
    _lost: dict[int, int] = field(default_factory=dict)
    _first: dict[tuple[str, int | None], int] = field(
        default_factory=dict
    )  # recipe and epochs -> the trial that has them
    _original: dict[int, int] = field(default_factory=dict)  # trial -> the first one of the same recipe and epochs
    _seconds_before: float = 0.0
    _is_done: bool = False
    _began: float = field(default_factory=time.monotonic)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        silent(self.oracle)
        for event in self.journal.events():
            if "trial" in event:
                self._again(trial_of(event))
            elif "ended" in event:
                self._note(event["ended"], outcome_of(event))
            else:
                self._seconds_before = event["spent"]
        # A kill may have come between the end of a trial and that of its copies.
        left = [number for number, trial in self.trials.items() if not trial.outcome]
        self._back = [number for number in left if not self._is_copy(number)]

    @property
    def seconds(self) -> float:
        """How long the search has lasted, in this process and before it."""
        return self._seconds_before + time.monotonic() - self._began

    @property
    def ranking(self) -> list[Repeated]:
        """The trials that have a score, best first."""
        with self._lock:
            return ranking(list(self.trials.values()), self.oracle.objective.direction)

    @property
    def most_trials(self) -> int | None:
        """How many trials there are to be, where the algorithm or the budget says so."""
        limits = (self.oracle.max_trials, self.budget.trials if self.budget else None)
        most = min((limit for limit in limits if limit), default=None)
        repeats = _REPEATED * (self.seeds - 1)
        return None if most is None else most + repeats

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do."""
        with self._lock:
            return self._is_done

    @property
    def outcomes(self) -> Sequence[Trial]:
        """The trials that ended, in the order in which they did."""
        with self._lock:
            return [self.trials[number] for number in self._ended]

    def ask(self, worker: str) -> Trial | Waiting:
        """What a worker is to do: a trial, `wait`, since what comes next depends on those that run, or `done`."""
        with self._lock:
            chosen: Trial | Waiting = "done"
            while not self.failure:
                if self._back:
                    return self._give(self._back.pop(0), worker)
                chosen = "done" if self.is_repeating or self._is_spent() else self._choose()
                if chosen == "done" and not self.given:
                    chosen = self._repeat()
                if not isinstance(chosen, Trial):
                    break
                if not self._is_copy(chosen.number):
                    return self._give(chosen.number, worker)
            self._is_done = bool(self.failure) or (chosen == "done" and not self.given)
            return "done" if self._is_done else "wait"

    def end(self, number: int, outcome: Outcome) -> None:
        """Takes the outcome of a trial; one that has ended keeps its first."""
        with self._lock:
            if self.trials[number].outcome is not None:
                return
            if outcome.score is not None and not math.isfinite(outcome.score):
                outcome = replace(
                    outcome, status="failed", score=None, code="not-a-number", reason="the objective is no number"
                )
            self.given.pop(number, None)
            self._finish(number, outcome)
            for copy, first in self._original.items():
                if first == number != copy and self.trials[copy].outcome is None:
                    self._finish(copy, _of_copy(outcome, number))
            self.journal.spent(self.seconds)
            self.failure = self._why_all_fail()

    def give_back(self, worker: str, why: str) -> list[int]:
        """Takes back the trials of a worker that was lost, to give them to another.

        Args:
            why: How it was lost.

        Returns:
            Their numbers.
        """
        with self._lock:
            back = [number for number, held_by in self.given.items() if held_by == worker]
            for number in back:
                self.given.pop(number)
                self._lost[number] = self._lost.get(number, 0) + 1
                if self._lost[number] < _LOST:
                    self._back.append(number)
                else:
                    reason = f"{_LOST} workers were lost over it; the last one {why}"
                    self.end(number, Outcome("failed", code="worker-lost", reason=reason))
            return back

    def close(self) -> None:
        """Notes the time that was spent."""
        with self._lock:
            self.journal.spent(self.seconds)

    def _choose(self) -> Trial | Waiting:
        """Asks the oracle for the next trial, and notes it."""
        number = len(self.trials) + 1
        asked = self.oracle.create_trial(str(number))
        if asked.status == "IDLE":
            return "wait"
        if asked.status != "RUNNING":
            return "done"
        trial = self._trial(number, asked.hyperparameters.values)
        self.journal.begin(trial)
        self._add(trial)
        return self.trials[number]

    @property
    def is_repeating(self) -> bool:
        """Whether the best trials are being trained with other seeds, or were."""
        return any(trial.repeats is not None for trial in self.trials.values())

    def _repeat(self) -> Trial | Waiting:
        """The next of the best trials with another seed."""
        if self.seeds == 1:
            return "done"
        chosen = [trial for trial in self.trials.values() if trial.repeats is None]
        for best in ranking(chosen, self.oracle.objective.direction)[:_REPEATED]:
            done = sum(trial.repeats == best.trial.number for trial in self.trials.values())
            if done + 1 < self.seeds:
                settings = {**best.trial.settings, "seed": self.first_seed + done + 1}
                number = len(self.trials) + 1
                again = replace(best.trial, number=number, values={}, settings=settings, continues=None, outcome=None)
                trial = replace(again, repeats=best.trial.number)
                self.journal.begin(trial)
                self._add(trial)
                return trial
        return "done"

    def _trial(self, number: int, values: Mapping[str, Any]) -> Trial:
        told = self.space.told(values)
        past = values.get(_CONTINUES)
        epochs = values.get(_EPOCHS)
        return Trial(
            number, dict(values), told, self.space.settings(told), epochs, None if past is None else int(past) + 1
        )

    def _add(self, trial: Trial) -> None:
        """Adds a trial that was chosen, and looks whether its recipe was tried before."""
        self.trials[trial.number] = trial
        recipe = (self.key(trial.settings), trial.epochs)
        self._original[trial.number] = self._first.setdefault(recipe, trial.number)

    def _is_copy(self, number: int) -> bool:
        """Whether a trial is another's copy; of one that has ended, it ends now."""
        first = self._original[number]
        outcome = self.trials[first].outcome
        if first != number and outcome is not None:
            self._finish(number, _of_copy(outcome, first))
        return first != number

    def _again(self, trial: Trial) -> None:
        """Asks the oracle for a trial that it chose before."""
        if trial.repeats is not None:
            self._add(trial)
            return
        if getattr(self.oracle, "takes_recorded", False):
            self.oracle.populate_space = lambda trial_id: {"status": "RUNNING", "values": dict(trial.values)}
        try:
            asked = self.oracle.create_trial(str(trial.number))
        finally:
            self.oracle.__dict__.pop("populate_space", None)
        if asked.status == "STOPPED":
            raise DlkitError(
                f"{self.journal.path} holds more trials than the search is to have: {trial.number} and on.",
                "Give a number of trials that is not smaller than before.",
                "search-differs",
            )
        if asked.status != "RUNNING" or dict(asked.hyperparameters.values) != dict(trial.values):
            raise DlkitError(
                f"{self.journal.path} holds other trials than the recipe's search chooses: trial {trial.number} differs.",
                "Begin a new search; its recipe, or Keras Tuner, is another than when this one began.",
                "search-differs",
            )
        self._add(trial)

    def _finish(self, number: int, outcome: Outcome) -> None:
        self.journal.end(number, outcome)
        self._note(number, outcome)

    def _note(self, number: int, outcome: Outcome) -> None:
        """Notes an outcome, and tells the oracle."""
        self.trials[number] = replace(self.trials[number], outcome=outcome)
        self._ended.append(number)
        if self.trials[number].repeats is not None:
            return
        asked = self.oracle.ongoing_trials[str(number)]
        if outcome.score is None:
            asked.status = "FAILED"
            asked.message = outcome.reason
        else:
            asked.status = "COMPLETED"
            self.oracle.update_trial(asked.trial_id, {self.oracle.objective.name: outcome.score}, step=outcome.epochs)
        self.oracle.end_trial(asked)

    def _give(self, number: int, worker: str) -> Trial:
        self.given[number] = worker
        return self.trials[number]

    def _is_spent(self) -> bool:
        """Whether no further trial may begin."""
        if self.budget is None:
            return False
        trained = [trial.outcome for trial in self.trials.values() if trial.outcome and not trial.outcome.same_as]
        most = (
            (self.budget.trials, len(self.trials)),
            (self.budget.minutes, self.seconds / 60),
            (self.budget.epochs, sum(outcome.epochs for outcome in trained)),
        )
        return any(limit is not None and spent >= limit for limit, spent in most)

    def _why_all_fail(self) -> DlkitError | None:
        """What to say where the first trials all fail alike."""
        outcomes = (self.trials[number].outcome for number in self._ended)
        ended = [outcome for outcome in outcomes if outcome and not outcome.same_as][:_ALIKE]
        codes = {outcome.code if outcome.status == "failed" else None for outcome in ended}
        if self.failure or len(ended) < _ALIKE or len(codes) != 1 or None in codes:
            return self.failure
        reason = ended[0].reason
        return DlkitError(
            f"The first {_ALIKE} trials all failed alike: {reason}",
            "What is wrong is not the values: train the recipe once by `dlkit train`, mend it, and search again.",
            "all-trials-fail",
        )


def _of_copy(outcome: Outcome, first: int) -> Outcome:
    return replace(outcome, seconds=0.0, same_as=outcome.same_as or first)
