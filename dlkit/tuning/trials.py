"""The trials of a search, and the journal that remembers them: trials.jsonl in the folder of the sweep."""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from dlkit.errors import DlkitError
from dlkit.runs import json_text
from dlkit.runs.atomic import writing
from dlkit.tuning.space import Value

TRIALS = "trials.jsonl"
_CHOSEN = (
    "values",
    "told",
    "settings",
    "epochs",
    "continues",
    "repeats",
)  # what is known of a trial before it is trained


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a trial ended.

    Args:
        status: `finished`; `stopped` by the median rule; `failed`.
        score: The objective at the epoch whose model is kept; None where the trial failed.
        epochs: Epochs that were trained, those of the trial that it went on from included.
        seconds: Time that it took, that of earlier processes included.
        code: What kind of failure it was, as `not-a-number` or `out-of-memory`.
        reason: The same in words.
        same_as: The trial of the same recipe that was trained in its place.
    """

    status: Literal["finished", "stopped", "failed"]
    score: float | None = None
    epochs: int = 0
    seconds: float = 0.0
    code: str | None = None
    reason: str | None = None
    same_as: int | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """One set of values, and what became of it.

    Args:
        number: From 1; its run is the member of that number.
        values: What an oracle chose, as it told it.
        told: The values of the space, for people.
        settings: The recipe's values by path, in the order in which they are set.
        epochs: After how many the training ends, where that is before its last one: a round of Hyperband.
        continues: The trial whose training this one goes on with.
        repeats: The trial that this one is with another seed; no oracle chose it.
        outcome: None as long as it runs.
    """

    number: int
    values: Mapping[str, Any]
    told: Mapping[str, Value]
    settings: Mapping[str, Any]
    epochs: int | None = None
    continues: int | None = None
    repeats: int | None = None
    outcome: Outcome | None = None

    @property
    def score(self) -> float | None:
        return self.outcome.score if self.outcome else None


@dataclass(frozen=True, slots=True)
class Journal:
    """What happened in a search, a line each, in the order in which the oracle was told.

    Every line is on the disk before anything is done that depends on it. A last line that a kill has torn did not happen.
    """

    path: Path

    def begin(self, trial: Trial) -> None:
        """Notes that a trial was chosen."""
        told = {name: getattr(trial, name) for name in _CHOSEN}
        self._append({"trial": trial.number, **told})

    def end(self, number: int, outcome: Outcome) -> None:
        """Notes how a trial ended."""
        self._append({"ended": number, **asdict(outcome)})

    def spent(self, seconds: float) -> None:
        """Notes how long the search has lasted."""
        self._append({"spent": round(seconds, 1)})

    def events(self) -> list[dict[str, Any]]:
        """What happened so far; what a kill has torn is cut off.

        Raises:
            DlkitError: A whole line is damaged (`damaged-file`).
        """
        if not self.path.exists():
            return []
        raw = self.path.read_bytes()
        whole = raw[: raw.rfind(b"\n") + 1]
        if len(whole) < len(raw):
            with writing(self.path):
                os.truncate(self.path, len(whole))
        found = []
        for number, line in enumerate(whole.decode("utf-8", errors="replace").splitlines(), start=1):
            try:
                found.append(json.loads(line))
            except ValueError as error:
                raise DlkitError(f"{self.path}:{number} cannot be read: {error}", code="damaged-file") from error
        return found

    def trials(self) -> list[Trial]:
        """The trials so far, in their order.

        Raises:
            DlkitError: As `events`.
        """
        found: dict[int, Trial] = {}
        for event in self.events():
            if "trial" in event:
                found[event["trial"]] = trial_of(event)
            elif "ended" in event:
                found[event["ended"]] = replace(found[event["ended"]], outcome=outcome_of(event))
        return list(found.values())

    def _append(self, event: Mapping[str, Any]) -> None:
        with writing(self.path), self.path.open("a", encoding="utf-8") as file:
            file.write(json_text.dumps(dict(event)) + "\n")
            file.flush()
            os.fsync(file.fileno())


def trial_of(event: Mapping[str, Any]) -> Trial:
    """The trial that a line of the journal began."""
    return Trial(event["trial"], **{name: event[name] for name in _CHOSEN})


def outcome_of(event: Mapping[str, Any]) -> Outcome:
    """The outcome that a line of the journal tells."""
    return Outcome(**{name: value for name, value in event.items() if name != "ended"})


@dataclass(frozen=True, slots=True)
class Repeated:
    """A trial with the scores of all its seeds.

    Args:
        trial: With the recipe's own seed.
        scores: Its own first.
    """

    trial: Trial
    scores: tuple[float, ...]

    @property
    def mean(self) -> float:
        return statistics.fmean(self.scores)

    @property
    def deviation(self) -> float:
        """The standard deviation (of a sample: n - 1)."""
        return statistics.stdev(self.scores) if len(self.scores) > 1 else 0.0


def ranking(trials: Sequence[Trial], direction: str) -> list[Repeated]:
    """The trials that have a score, best first.

    Those that were repeated with other seeds come first, by the mean over their seeds; the earlier one where two are alike.
    Trials that another one went on from, and copies, are left out.
    """
    gone_on = {trial.continues for trial in trials}
    own = [
        trial
        for trial in trials
        if trial.score is not None and trial.repeats is None and trial.number not in gone_on and not _is_copy(trial)
    ]
    found = [
        Repeated(
            trial, tuple(each.score for each in trials if each.score is not None and trial.number in _origin(each))
        )
        for trial in own
    ]
    most = max((len(each.scores) for each in found), default=0)
    sign = -1 if direction == "max" else 1
    return sorted(found, key=lambda each: (len(each.scores) < most, sign * each.mean, each.trial.number))


def _origin(trial: Trial) -> tuple[int, ...]:
    return (trial.number,) if trial.repeats is None else (trial.repeats,)


def _is_copy(trial: Trial) -> bool:
    return trial.outcome is not None and trial.outcome.same_as is not None
