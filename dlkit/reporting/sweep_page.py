"""sweep.html: what a search has tried and found, on one page that needs nothing but itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from dlkit.evaluation.number_text import number_text
from dlkit.reporting.figures.style import on_page, to_svg
from dlkit.reporting.page import rendered
from dlkit.reporting.parallel_coordinates import INCHES_OF_AN_AXIS, draw_parallel_coordinates
from dlkit.reporting.sweep_axes import score_ends, short_names, value_text
from dlkit.reporting.sweep_figures import draw_curves, draw_importances, draw_scores, draw_slice
from dlkit.runs.atomic import write_text
from dlkit.runs.duration_text import duration
from dlkit.runs.folder import MEMBERS
from dlkit.tuning.importance import Importances, importances
from dlkit.tuning.scale import ends
from dlkit.tuning.space import Dimension, Space
from dlkit.tuning.trials import Repeated, Trial, ranking

_PIXELS = 96  # of an inch, as browsers have it


@dataclass(frozen=True, slots=True)
class SweepTold:
    """What the page of a sweep tells.

    Args:
        name: Of the recipe.
        summary: Of the recipe.
        objective: The metric that is made best.
        direction: `min` or `max`.
        algorithm: As a recipe writes it, as `random: {trials: 30}`.
        space: What was searched.
        trials: All, in order.
        scores: The objective after each epoch, by trial.
        best_recipe: The text of best.yaml; None where no trial has a score.
        seconds: How long the search took.
    """

    name: str
    summary: str
    objective: str
    direction: str
    algorithm: str
    space: Space
    trials: Sequence[Trial]
    scores: Mapping[int, Sequence[float]]
    best_recipe: str | None
    seconds: float


def write_sweep_page(path: Path, told: SweepTold) -> None:
    """Writes sweep.html; the folders of the trials are linked to as `members/0001/` beside it.

    Raises:
        DlkitError: The file cannot be written (`cannot-write`).
    """
    import matplotlib as mpl

    with mpl.rc_context({"text.parse_math": False}):  # a dollar in the name of a choice is a dollar
        contents = _contents(told)
    write_text(path, rendered("sweep.html.j2", sweep=contents))


def _contents(told: SweepTold) -> dict[str, Any]:
    ranked = ranking(told.trials, told.direction)
    names = short_names([dimension.path for dimension in told.space.dimensions])
    important = importances(told.space, ranked)
    figures = _figures(told, ranked, names, important) if ranked else {}
    return {
        "name": told.name,
        "summary": told.summary,
        "line": f"{told.objective} as {_LIKED[told.direction]} as can be, searched by {told.algorithm}",
        "sections": list(_sections(ranked, told)),
        "numbers": list(_numbers(told, ranked)),
        "best": _best(ranked[0], names) if ranked else None,
        "failures": list(_failures(told.trials)),
        "remarks": list(_remarks(told, ranked)),
        "important": important,
        "importances": [
            (names.get(each.path, each.path), f"{each.mean:.3f}", f"{each.deviation:.3f}") for each in important.values
        ],
        "trials": _table(told, ranked, names),
        "space": [
            (names[each.path], each.path, _range(each), _condition(each, names)) for each in told.space.dimensions
        ],
        "best_recipe": told.best_recipe,
        **{kind: figures.get(kind) for kind in ("progress", "parallel", "importance", "slices")},
    }


def _figures(
    told: SweepTold, ranked: Sequence[Repeated], names: Mapping[str, str], important: Importances
) -> dict[str, list[dict[str, Any]]]:
    how = (told.objective, told.direction)
    dimensions = told.space.dimensions
    least = round((len(dimensions) + 1) * INCHES_OF_AN_AXIS * _PIXELS)  # across: below it, readers scroll
    drawn = {
        "progress": [
            ("Scores in the order of the trials", draw_scores(told.trials, ranked, *how)),
            ("Epoch by epoch: the best trials in color, the others gray", draw_curves(told.scores, ranked, *how)),
        ],
        "parallel": [
            (
                "Each line is a trial, from its values to its score: the better, the stronger its color; the best is thick",
                draw_parallel_coordinates(told.space, ranked, *how),
            )
        ],
        "importance": [("How much the score depends on each value", draw_importances(important))],
        "slices": [(names[each.path], draw_slice(each, ranked, names[each.path], *how)) for each in dimensions],
    }
    return {
        kind: [
            {
                "caption": caption,
                "svg": on_page(to_svg(figure, f"{kind}-{number}"), caption),
                "wide": kind == "parallel",
                **({"pixels": least} if kind == "parallel" else {}),
            }
            for number, (caption, figure) in enumerate(figures)
            if figure is not None
        ]
        for kind, figures in drawn.items()
    }


def _sections(ranked: Sequence[Repeated], told: SweepTold) -> Iterator[tuple[str, str]]:
    yield "results", "Results"
    if ranked:
        yield from (("progress", "Progress"), ("values", "Values and scores"), ("importance", "Importance"))
    yield from (("trials", "Trials"), ("space", "What was searched"))
    if told.best_recipe is not None:
        yield "best", "best.yaml"


_LIKED = {"max": "large", "min": "small"}


def _numbers(told: SweepTold, ranked: Sequence[Repeated]) -> Iterator[dict[str, str]]:
    if ranked:
        best = ranked[0]
        yield {"name": f"best {told.objective}", "value": _score_text(best), "interval": _seeds_text(best)}
    counted = Counter(_status(trial) for trial in told.trials)
    for status in _COUNTED:
        if counted[status] or status == "finished":
            yield {"name": f"trials {status}", "value": str(counted[status]), "interval": _COUNTED[status]}
    yield {"name": "time", "value": duration(told.seconds, whole=True), "interval": ""}


_COUNTED = {
    "finished": "",
    "stopped": "early: worse than the median",
    "failed": "",
    "copied": "same recipe as an earlier one",
    "not ended": "",
}


def _status(trial: Trial) -> str:
    if trial.outcome is None:
        return "not ended"
    return "copied" if trial.outcome.same_as is not None else trial.outcome.status


def _score_text(each: Repeated) -> str:
    several = len(each.scores) > 1
    return number_text(each.mean) + (f" ± {each.deviation:.2g}" if several else "")


def _seeds_text(each: Repeated) -> str:
    return f"mean and standard deviation of {len(each.scores)} seeds" if len(each.scores) > 1 else ""


def _best(each: Repeated, names: Mapping[str, str]) -> dict[str, Any]:
    trial = each.trial
    values = [(names[path], value_text(value)) for path, value in trial.told.items() if path in names]
    return {"link": _link(trial.number), "chosen": values, "score": _score_text(each), "seeds": _seeds_text(each)}


def _failures(trials: Sequence[Trial]) -> Iterator[tuple[str, str, str, str]]:
    """Why trials failed: the kind, the reason, how many, which."""
    found: dict[tuple[str, str], list[int]] = {}
    for trial in trials:
        if trial.outcome and _status(trial) == "failed":
            found.setdefault((trial.outcome.code or "", trial.outcome.reason or ""), []).append(trial.number)
    for (code, reason), numbers in sorted(found.items(), key=lambda entry: -len(entry[1])):
        yield code, reason, str(len(numbers)), Markup(", ").join(_link(number, str(number)) for number in numbers)


def _remarks(told: SweepTold, ranked: Sequence[Repeated]) -> Iterator[str]:
    """What is to be known of the figures."""
    if not ranked:
        return
    means = [each.mean for each in ranked]
    low, high = score_ends(means, told.direction)
    beyond = sum(not low <= mean <= high for mean in means)
    if beyond:
        are = "1 trial is" if beyond == 1 else f"{beyond} trials are"
        yield f"{are} far worse than the others, and drawn at the edge of the figures."
    if len({each.trial.epochs for each in ranked}) > 1:
        yield "The search gave the trials unequal numbers of epochs: scores differ by these too."


def _table(told: SweepTold, ranked: Sequence[Repeated], names: Mapping[str, str]) -> dict[str, Any]:
    """All trials: those with a rank in its order, each with its repeats behind it, then the others."""
    ranks = {each.trial.number: rank for rank, each in enumerate(ranked, start=1)}
    means = {each.trial.number: _score_text(each) for each in ranked if len(each.scores) > 1}
    went_on = {trial.continues: trial.number for trial in told.trials if trial.continues is not None}
    last = len(ranked) + 1

    def place(trial: Trial) -> tuple[int, int]:
        return ranks.get(trial.number if trial.repeats is None else trial.repeats, last), trial.number

    over_seeds = ["over seeds"] if means else []
    rows = []
    for trial in sorted(told.trials, key=place):
        outcome = trial.outcome
        score = "" if outcome is None or outcome.score is None else number_text(outcome.score)
        values = [value_text(trial.told[path]) if path in trial.told else "–" for path in names]
        spent = (str(outcome.epochs), f"{outcome.seconds:.1f}") if outcome else ("", "")
        mean = [means.get(trial.number, "")] if means else []
        note = _note(trial, went_on.get(trial.number))
        known = (ranks.get(trial.number, ""), _number(trial), score, *mean)
        rows.append((*known, *values, *spent, _status(trial), note))
    heads = ["rank", "trial", told.objective, *over_seeds, *names.values(), "epochs", "seconds", "status", ""]
    first = 3 + len(over_seeds)
    numeric = [*range(first), first + len(names), first + len(names) + 1]
    return {"rows": rows, "heads": heads, "numeric": numeric}


def _note(trial: Trial, next_round: int | None) -> Markup:
    """What else is to be known of a trial."""
    outcome = trial.outcome
    told: dict[str, Any] = {
        "went on as {}": next_round and _link(next_round),
        "goes on from {}": trial.continues and _link(trial.continues),
        "{} with another seed": trial.repeats and _link(trial.repeats),
        "the recipe of {}": outcome and outcome.same_as and _link(outcome.same_as),
        "{}": outcome and outcome.reason,
    }
    return Markup("; ").join(Markup(words).format(what) for words, what in told.items() if what)


def _link(number: int, text: str = "") -> Markup:
    """A trial by its number, with a link to its folder."""
    return Markup('<a href="{}/{:04d}/">{}</a>').format(MEMBERS, number, text or f"trial {number}")


def _number(trial: Trial) -> Markup | str:
    """Its number, with a link where something was trained."""
    text = str(trial.number)
    return text if _status(trial) == "copied" else _link(trial.number, text)


def _range(dimension: Dimension) -> str:
    if dimension.kind == "bool":
        return "false or true"
    if dimension.kind == "choice":
        return "one of " + ", ".join(map(value_text, dimension.choices))
    step = "" if dimension.step is None else f", in steps of {dimension.step:g}"
    if dimension.step is not None and dimension.sampling != "linear":
        step = f", each {dimension.step:g} times the one before"
    low, high = ends(dimension)
    return f"{dimension.kind} from {low:g} to {high:g}{step}{_SAMPLING[dimension.sampling]}"


_SAMPLING = {"linear": "", "log": ", logarithmic", "reverse_log": ", logarithmic from above"}


def _condition(dimension: Dimension, names: Mapping[str, str]) -> str:
    conditions = (
        f"{names[path]} is {' or '.join(map(value_text, among))}" for path, among in dimension.only_with.items()
    )
    return " and ".join(conditions)
