"""results.json beside the recipes that ship: what each was measured to reach, on what machine, and when.

`dlkit verify RECIPE --record` writes it; `dlkit list` and the gallery of the documentation read it.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from dlkit.errors import DlkitError
from dlkit.runs import json_text
from dlkit.runs.atomic import write_json

_GIB = 2**30
_HOLDS = {"at_least": operator.ge, "at_most": operator.le, "equals": operator.eq}
_NUMBERS = ("value", "other", "difference", "deviation")  # of an expectation
_ONLY_WHERE = ("deviations", "mean_of", "skipped")  # parts of a result that stand in the file where they say something


@dataclass(frozen=True, slots=True)
class Result:
    """What a recipe was measured to reach.

    Args:
        met: Whether that is what it expects.
        metrics: What was measured, by name, as `test_accuracy`; of folds or seeds, the means.
        intervals: The bounds within which a metric lies with a confidence of 95 %, of those that have any.
        expectations: Each bound of its `expect`: `metric`, `bound` (`at least 0.98`), `value` and `met`;
            of one over another run also `over`, `other` and `difference`; of means the `deviation` of what is held.
        seconds: The time that data, training and evaluation took.
        seed: The seed; of several, the first.
        date: The end of it, in UTC, as `2025-01-31T14:25:30Z`.
        digest: That of the recipe as it was trained (`dlkit.recipe.digest`).
        machine: `cpu`, `cores`, `memory_bytes`, and the names of `gpus`; the number of `logical_devices` where the CPU was
            split.
        versions: Of `python`, `dlkit`, `keras`, `tensorflow`.
        git: `commit` of dlkit, and whether code of it had changes that were `uncommitted`; None outside a repository.
        deviations: The standard deviations that go with means.
        mean_of: Of means, how many runs they are of: `{"seeds": 3}`, `{"folds": 5}`.
        skipped: Why nothing was measured, where the data could not be had.
    """

    met: bool
    metrics: Mapping[str, float]
    intervals: Mapping[str, Sequence[float]]
    expectations: Sequence[Mapping[str, Any]]
    seconds: float
    seed: int
    date: str
    digest: str
    machine: Mapping[str, Any]
    versions: Mapping[str, str | None]
    git: Mapping[str, Any] | None = None
    deviations: Mapping[str, float] = field(default_factory=dict)
    mean_of: Mapping[str, int] | None = None
    skipped: str | None = None

    @property
    def reached(self) -> dict[str, float]:
        """The metrics of which something is expected."""
        names = dict.fromkeys(bound["metric"] for bound in self.expectations)
        return {name: self.metrics[name] for name in names if name in self.metrics}

    def meets(self, expect: Mapping[str, Mapping[str, Any]]) -> bool:
        """Whether what was measured is what a recipe expects now, which may have changed since.

        Args:
            expect: As the recipe writes it.
        """
        return all(self._meets(metric, bounds) for metric, bounds in expect.items())

    def _meets(self, metric: str, bounds: Mapping[str, Any]) -> bool:
        value = self.metrics.get(metric)
        if over := bounds.get("over"):
            same = (each for each in self.expectations if (each["metric"], each.get("over")) == (metric, over))
            value = next((each.get("difference") for each in same), None)
        wanted = {name: bound for name, bound in bounds.items() if bound is not None and name in _HOLDS}
        return value is not None and all(_HOLDS[name](value, bound) for name, bound in wanted.items())

    @property
    def mean_text(self) -> str:
        """`mean of 3 seeds`; nothing of a single run."""
        return ", ".join(f"mean of {count} {kind}" for kind, count in (self.mean_of or {}).items())

    @property
    def duration(self) -> str:
        """`11 seconds`, `10 minutes`, `1.5 hours`."""
        for unit, length in (("hour", 3600), ("minute", 60)):
            if self.seconds >= 1.5 * length:
                return f"{_short(self.seconds / length)} {unit}s"
        return f"{max(1, round(self.seconds))} second{'s' if self.seconds >= 1.5 else ''}"

    @property
    def device(self) -> str:
        """What did the work, in short: `2 CPU cores`, `1 GPU`."""
        gpus, cores = len(self.machine["gpus"]), self.machine["cores"]
        count, unit = (gpus, "GPU") if gpus else (cores, "CPU core")
        split = f" as {self.machine['logical_devices']} devices" if "logical_devices" in self.machine else ""
        return f"{count} {unit}{'s' if count != 1 else ''}{split}"

    @property
    def machine_text(self) -> str:
        """The whole machine: `2 cores of an AMD EPYC, 24 GiB`, with its GPUs."""
        machine = self.machine
        cores = f"{machine['cores']} core{'s' if machine['cores'] != 1 else ''}"
        if "logical_devices" in machine:
            cores = f"{machine['logical_devices']} logical devices, {cores}"
        return ", ".join(
            [*machine["gpus"], f"{cores} of {machine['cpu']}", f"{round(machine['memory_bytes'] / _GIB)} GiB"]
        )


def read_results(path: Path) -> dict[str, Result]:
    """The results by recipe; none where there is no file.

    Raises:
        DlkitError: The file is damaged (`damaged-file`).
    """
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))["recipes"]
        return {name: _read(entry) for name, entry in entries.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        cure = "Take its last state from git, or remove it and record the results anew."
        raise DlkitError(f"{path} cannot be read: {error}", cure, "damaged-file") from error


def record(path: Path, name: str, result: Result) -> None:
    """Puts the result of a recipe into the file, in the place of an older one; the others stay.

    That a recipe was skipped does not take the place of what was measured.

    Raises:
        DlkitError: The file is damaged (`damaged-file`) or cannot be written (`cannot-write`).
    """
    known = read_results(path)
    if result.skipped and name in known and not known[name].skipped:
        return
    results = {**known, name: result}
    write_json(path, {"recipes": {name: _written(results[name]) for name in sorted(results)}})


def _written(result: Result) -> dict[str, Any]:
    return {name: value for name, value in asdict(result).items() if value or name not in _ONLY_WHERE}


def _read(entry: Mapping[str, Any]) -> Result:
    metrics = {name: json_text.number(value) for name, value in entry["metrics"].items()}
    deviations = {name: json_text.number(value) for name, value in entry.get("deviations", {}).items()}
    intervals = {name: [json_text.number(bound) for bound in bounds] for name, bounds in entry["intervals"].items()}
    bounds = [
        {**each, **{name: json_text.number(each[name]) for name in _NUMBERS if name in each}}
        for each in entry["expectations"]
    ]
    numbers = {"metrics": metrics, "intervals": intervals, "expectations": bounds, "deviations": deviations}
    return Result(**{**entry, **numbers})


def _short(value: float) -> str:
    """One digit behind the point where that says something: `1.5`, `3`, `24`."""
    return f"{value:.1f}".removesuffix(".0") if value < 3 else str(round(value))
