"""The page of `dlkit compare`: what came out of runs and what they differ in, on one page that needs nothing but itself."""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from markupsafe import Markup

from dlkit.evaluation.direction import direction_of_name
from dlkit.evaluation.number_text import number_text
from dlkit.recipe.differing import ABSENT, value_text
from dlkit.reporting.page import rendered
from dlkit.runs.atomic import write_text
from dlkit.runs.duration_text import duration


@dataclass(frozen=True, slots=True)
class Measured:
    """A metric of a run.

    Args:
        value: What was measured; of a group the mean of its members.
        interval: The bounds within which it lies with a confidence of 95 %, where they are known.
        deviation: The standard deviation over the members of a group (of a sample: n - 1).
        members: Those that the mean is of.
    """

    value: float
    interval: tuple[float, float] | None = None
    deviation: float | None = None
    members: int = 1


@dataclass(frozen=True, slots=True)
class Compared:
    """A run, or a group of the same recipe with several seeds or folds.

    Args:
        path: Its folder.
        name: Its name in the folder of its recipe.
        recipe: The name of its recipe.
        state: `finished` and so on; of a group, all that its members have.
        kind: `run`, `seeds` or `folds`.
        asked: Members that a group is to have.
        epochs: Epochs that are done, of each member.
        best_epochs: The epoch that the best model is of, counted from 1 over all stages, of each member; None: not known.
        seconds: Time spent, over all members.
        metrics: By name: of the split that was evaluated, and the validation of the best epoch.
        curves: The lines of metrics.jsonl, of each member.
    """

    path: Path
    name: str
    recipe: str
    state: str
    kind: str = "run"
    asked: int = 1
    epochs: Sequence[int] = ()
    best_epochs: Sequence[int | None] = ()
    seconds: float = 0.0
    metrics: Mapping[str, Measured] = field(default_factory=dict)
    curves: Sequence[Sequence[Mapping[str, Any]]] = ()

    @property
    def members(self) -> str:
        """Of a group, what its members are: `3 seeds`."""
        if self.kind == "run":
            return ""
        begun = f"{len(self.epochs)} of " if len(self.epochs) < self.asked else ""
        return f"{begun}{self.asked} {self.kind}"

    @property
    def epochs_text(self) -> str:
        """Epochs that are done, and the best one: `20, best 17`; for groups, those of the members."""
        done = ", ".join(map(str, dict.fromkeys(self.epochs)))
        best = ", ".join("?" if each is None else str(each) for each in self.best_epochs)
        return f"{done}, best {best}" if any(self.best_epochs) else done


@dataclass(frozen=True, slots=True)
class Differing:
    """What is not the same in all runs.

    Args:
        about: `recipe`, `seeds`, `code`, `data`, `versions`, `hardware`, `environment` or `chosen`.
        path: Where in it.
        values: Those of the runs, `ABSENT` where there is none.
    """

    about: str
    path: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs held against each other, the first one before the others."""

    runs: Sequence[Compared]
    differing: Sequence[Differing]

    @property
    def letters(self) -> list[str]:
        """What the runs are called in tables: A, B and so on, after Z by numbers."""
        letters = string.ascii_uppercase
        return [letters[n] if n < len(letters) else str(n + 1) for n in range(len(self.runs))]

    @property
    def metrics(self) -> list[str]:
        """The metrics that any run has, those of the first one first."""
        return list(dict.fromkeys(name for run in self.runs for name in run.metrics))

    def change(self, run: Compared, name: str) -> float | None:
        """How much more of a metric a run has than the first one; None where one of them has none."""
        first, own = self.runs[0].metrics.get(name), run.metrics.get(name)
        return None if run is self.runs[0] or first is None or own is None else own.value - first.value


def measured_text(comparison: Comparison, run: Compared, name: str) -> str:
    """A metric with its deviation or its interval, and how it differs from the first run's."""
    measured = run.metrics.get(name)
    if measured is None:
        return "–"
    change = comparison.change(run, name)
    changed = [] if change is None else [_change_text(change, measured.value)]
    return " ".join([number_text(measured.value), *spread_text(measured), *changed])


def spread_text(measured: Measured) -> Iterator[str]:
    """How sure a metric is, where that is known."""
    if measured.deviation is not None:
        yield f"± {measured.deviation:.2g}"
    if measured.interval:
        low, high = map(number_text, measured.interval)
        yield f"[{low}, {high}]"


def _change_text(change: float, value: float) -> str:
    """A difference with its sign, to the places that the value is told with."""
    if change == 0:
        return "(=)"
    places = ".4f" if abs(value) >= 1e-3 and abs(change) < 1e4 else ".2g"
    told = f"{abs(change):{places}}"
    sign = "±" if not float(told) else "+" if change > 0 else "−" if change < 0 else ""
    return f"({sign}{told})"


def write_compare_page(path: Path, comparison: Comparison) -> None:
    """Writes the page.

    Raises:
        DlkitError: It cannot be written (`cannot-write`).
    """
    import matplotlib as mpl

    with mpl.rc_context({"text.parse_math": False}):  # a dollar in the name of a metric is a dollar
        figures = _figures(comparison)
    write_text(path, rendered("compare.html.j2", comparison=_contents(comparison, figures)))


def _contents(comparison: Comparison, figures: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    runs, letters = comparison.runs, comparison.letters
    kinds = dict.fromkeys(each.about for each in comparison.differing)
    sections = [("runs", "Runs"), ("metrics", "Metrics"), *([("curves", "Learning curves")] if figures else [])]
    return {
        "title": " · ".join(dict.fromkeys(run.recipe for run in runs)),
        "sections": [*sections, ("differences", "Differences")],
        "letters": letters,
        "runs": [
            (letter, run.recipe, run.name, run.members, run.state, run.epochs_text, duration(run.seconds, whole=True))
            for letter, run in zip(letters, runs, strict=True)
        ],
        "metrics": [(name, *(_cell(comparison, run, name) for run in runs)) for name in comparison.metrics],
        "has_spread": any(each.deviation is not None for run in runs for each in run.metrics.values()),
        "has_intervals": any(each.interval for run in runs for each in run.metrics.values()),
        "figures": figures,
        "differences": [
            (kind, [(each.path, *map(_value, each.values)) for each in comparison.differing if each.about == kind])
            for kind in kinds
        ],
    }


def _cell(comparison: Comparison, run: Compared, name: str) -> Markup | str:
    """A metric; the difference in the color of good or bad where it is beyond what is uncertain, and it is known which."""
    measured, change = run.metrics.get(name), comparison.change(run, name)
    if measured is None:
        return "–"
    told = [Markup("<b>{}</b>").format(number_text(measured.value)), *spread_text(measured)]
    if change is not None:
        more_is_better = {"max": True, "min": False}.get(direction_of_name(name) or "")
        is_clear = more_is_better is not None and not _is_within(comparison.runs[0].metrics[name], measured)
        kind = ("good" if more_is_better == (change > 0) else "bad") if is_clear else ""
        told.append(Markup('<span class="{}">{}</span>').format(kind, _change_text(change, measured.value)))
    return Markup(" ").join(told)


def _is_within(first: Measured, other: Measured) -> bool:
    """Whether a value lies where the first one might as well, as far as that is known."""
    low, high = first.interval or (first.value - (first.deviation or 0), first.value + (first.deviation or 0))
    return not (other.value < low or other.value > high)


def _value(value: Any) -> Markup | str:
    return "–" if value is ABSENT else Markup("<code>{}</code>").format(value_text(value))


def _figures(comparison: Comparison) -> list[dict[str, Any]]:
    from dlkit.reporting.compare_figures import compared_curves
    from dlkit.reporting.figures.style import on_page, to_svg

    return [
        {"caption": caption, "svg": on_page(to_svg(figure, f"curves-{number}"), caption), "wide": False}
        for number, (caption, figure) in enumerate(
            compared_curves(
                {letter: run.curves for letter, run in zip(comparison.letters, comparison.runs, strict=True)}
            )
        )
    ]
