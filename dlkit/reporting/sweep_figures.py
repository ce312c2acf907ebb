"""The figures of a sweep: scores trial by trial and epoch by epoch, what each value does to them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from dlkit.reporting.figures.style import COLORS, finish, new_figure
from dlkit.reporting.sweep_axes import score_ends, short_names, shortened, ticks
from dlkit.tuning.importance import Importances
from dlkit.tuning.scale import position
from dlkit.tuning.space import Dimension
from dlkit.tuning.trials import Repeated, Trial

_BEST, _OTHERS, _STOPPED = COLORS[1], COLORS[0], COLORS[5]
_EMPHASIZED = 5  # curves
_LETTERS, _IN_A_ROW = 14, 32  # letters: of a tick, of all ticks of a slice if they were as long as the longest
_BESIDE = 0.3  # of the way to the next choice: so far points of one choice lie apart
_GOLDEN = 0.6180339887  # its multiples, modulo 1, are spread evenly


def draw_scores(trials: Sequence[Trial], ranked: Sequence[Repeated], objective: str, direction: str) -> Any:
    """Draws the score of each trial over its number, and the best one so far as a line.

    Args:
        trials: All, in order.
        ranked: Those that have a score, best first.
        objective: What the scores are.
        direction: `min` or `max`.
    """
    figure = new_figure(5.1, 3.4)
    axes = figure.subplots()
    scored = [
        (trial, trial.score)
        for trial in trials
        if trial.score is not None and not (trial.outcome and trial.outcome.same_as)
    ]
    low, high = score_ends([score for _, score in scored], direction)
    for kind, (told, color, marker) in _KINDS.items():
        drawn = [(trial.number, min(max(score, low), high)) for trial, score in scored if _kind(trial) == kind]
        if drawn:
            face = color if marker == "o" else "none"
            axes.scatter(*zip(*drawn, strict=True), s=18, marker=marker, edgecolors=color, facecolors=face, label=told)
    _draw_best_so_far(axes, scored, direction, len(trials))
    best = ranked[0].trial
    axes.scatter(
        [best.number], [best.score], s=120, marker="*", color=_BEST, zorder=3, label=f"best: trial {best.number}"
    )
    _draw_failed(axes, [trial.number for trial in trials if trial.outcome and trial.outcome.status == "failed"])
    _set_ends(axes, low, high)
    finish(axes, "trial", objective, legend=False)
    _legend_below(axes)
    axes.xaxis.get_major_locator().set_params(integer=True)
    return figure


def draw_curves(
    scores: Mapping[int, Sequence[float]], ranked: Sequence[Repeated], objective: str, direction: str
) -> Any:
    """Draws the objective over the epochs of each trial, the best few in color; None where there is nothing to draw.

    Args:
        scores: After each epoch, by trial.
        ranked: The trials, best first.
        objective: What the scores are.
        direction: `min` or `max`.
    """
    finite = [value for values in scores.values() for value in values if math.isfinite(value)]
    if not finite:
        return None
    figure = new_figure(5.1, 3.4)
    axes = figure.subplots()
    best = [each.trial.number for each in ranked[:_EMPHASIZED] if scores.get(each.trial.number)]
    for number, values in scores.items():
        if number not in best:
            _draw_curve(axes, values, color=COLORS[-1], alpha=0.4, linewidth=0.8)
    for place, number in enumerate(best):
        look = {"color": (_BEST, _OTHERS, *COLORS[2:])[place], "label": f"trial {number}", "zorder": 4 - place / 10}
        _draw_curve(axes, scores[number], **look, linewidth=2.4 if place == 0 else 1.4)
    _set_ends(axes, *score_ends(finite, direction))
    finish(axes, "epoch", objective, legend=False)
    _legend_below(axes)
    axes.xaxis.get_major_locator().set_params(integer=True)
    return figure


def draw_importances(importances: Importances) -> Any:
    """Draws the importance of each value as a bar with its deviation; None where nothing can be said."""
    if not importances.values:
        return None
    names = short_names([each.path for each in importances.values])
    figure = new_figure(5.1, 0.9 + 0.34 * len(names))
    axes = figure.subplots()
    means = [each.mean for each in importances.values]
    axes.barh(list(names.values()), means, xerr=[each.deviation for each in importances.values], color=_OTHERS, height=0.6,
              error_kw={"ecolor": COLORS[-1], "capsize": 3})  # fmt: skip
    axes.invert_yaxis()
    axes.axvline(0, color=COLORS[-1], linewidth=0.8)
    finish(axes, "fall of R² when the value is shuffled", "", legend=False)
    axes.grid(visible=False, axis="y")
    return figure


def draw_slice(dimension: Dimension, ranked: Sequence[Repeated], name: str, objective: str, direction: str) -> Any:
    """Draws the scores over one value; None where no trial has it.

    Args:
        dimension: Of the value; its axis is logarithmic where its sampling is.
        ranked: The trials that have a score, best first; those that do not have the value are left out.
        name: What the value is called.
        objective: What the scores are.
        direction: `min` or `max`.
    """
    drawn = [each for each in ranked if each.trial.told.get(dimension.path) is not None]
    if not drawn:
        return None
    figure = new_figure(3.4, 2.6)
    axes = figure.subplots()
    low, high = score_ends([each.mean for each in ranked], direction)
    points = [(_across(dimension, each.trial), min(max(each.mean, low), high)) for each in drawn]
    axes.scatter(*zip(*points, strict=True), s=16, color=_OTHERS, alpha=0.85, linewidths=0)
    if drawn[0] is ranked[0]:
        axes.scatter(*points[0], s=120, marker="*", color=_BEST, linewidths=0)
    marks = ticks(dimension)
    places, texts = [place for place, _ in marks], [shortened(text, _LETTERS) for _, text in marks]
    crowded = len(texts) * max(map(len, texts)) > _IN_A_ROW
    axes.set_xticks(places, texts, rotation=30 if crowded else 0, ha="right" if crowded else "center")
    room = 0.08 + _apart(dimension) / 2
    axes.set_xlim(-room, 1 + room)
    _set_ends(axes, low, high)
    finish(axes, name, objective, legend=False)
    return figure


def _across(dimension: Dimension, trial: Trial) -> float:
    return position(dimension, trial.told[dimension.path]) + _apart(dimension) * (trial.number * _GOLDEN % 1 - 0.5)


def _apart(dimension: Dimension) -> float:
    """How far points of the same choice lie apart at most."""
    if dimension.kind not in ("choice", "bool"):
        return 0.0
    return _BESIDE / max(len(dimension.choices) - 1, 1)


def _set_ends(axes: Any, low: float, high: float) -> None:
    room = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
    axes.set_ylim(low - room, high + room)


def _legend_below(axes: Any) -> None:
    if axes.get_legend_handles_labels()[1]:
        axes.legend(frameon=False, fontsize=8, ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.18))


def _draw_curve(axes: Any, values: Sequence[float], **look: Any) -> None:
    axes.plot(range(1, len(values) + 1), values, marker="." if len(values) == 1 else None, **look)


def _draw_best_so_far(axes: Any, scored: Sequence[tuple[Trial, float]], direction: str, last: int) -> None:
    own = [(trial.number, score) for trial, score in scored if trial.repeats is None]
    best = list(itertools.accumulate((score for _, score in own), max if direction == "max" else min))
    numbers = [number for number, _ in own]
    axes.step([*numbers, last], [*best, best[-1]], where="post", color=_BEST, linewidth=1.2, label="best so far")


def _draw_failed(axes: Any, numbers: Sequence[int]) -> None:
    """Marks trials without a score at the foot."""
    if numbers:
        feet = [0.02] * len(numbers)
        axes.scatter(
            numbers, feet, transform=axes.get_xaxis_transform(), marker="x", s=24, color=COLORS[-1], label="failed"
        )


def _kind(trial: Trial) -> str:
    return "repeat" if trial.repeats is not None else trial.outcome.status if trial.outcome else ""


_KINDS = {  # what it is told as, color, marker
    "finished": ("finished", _OTHERS, "o"),
    "stopped": ("stopped early", _STOPPED, "v"),
    "repeat": ("another seed", _OTHERS, "D"),
}
