"""Parallel coordinates: each trial of a search as a line through its values to its score."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

from dlkit.reporting.figures.style import COLORS, INK, PAPER, new_figure
from dlkit.reporting.sweep_axes import score_ends, short_names, shortened, ticks
from dlkit.tuning.scale import position, share
from dlkit.tuning.space import Dimension, Space
from dlkit.tuning.trials import Repeated

INCHES_OF_AN_AXIS = 0.9  # across: fewer cannot be read
_WIDE = 10.6  # inches, of a page
_NOWHERE = -0.13  # below an axis: the trial has no such value
_POOR = "#A3A9B1"
_LETTERS = 13  # in a line


def draw_parallel_coordinates(space: Space, ranked: Sequence[Repeated], objective: str, direction: str) -> Any:
    """Draws the trials that have a score; the better its rank, the stronger a trial's color.

    Args:
        space: What was searched; each dimension has an axis, logarithmic where its sampling is.
        ranked: The trials, best first (see `ranking`).
        objective: What the scores are.
        direction: `min` or `max`.
    """
    from matplotlib.collections import LineCollection
    from matplotlib.colors import LinearSegmentedColormap

    dimensions = space.dimensions
    low, high = score_ends([each.mean for each in ranked], direction)
    figure = new_figure(max(INCHES_OF_AN_AXIS, min(1.5, _WIDE / (len(dimensions) + 1))) * (len(dimensions) + 1), 4.4)
    axes = figure.subplots()
    foot = _NOWHERE if any(_place(each, one) == _NOWHERE for one in ranked for each in dimensions) else 0.0
    axes.set_xlim(-0.1, len(dimensions) + 0.7)
    axes.set_ylim(foot - 0.04, 1.04)
    axes.set_axis_off()
    lines = [
        [
            *((x, _place(dimension, each)) for x, dimension in enumerate(dimensions)),
            (len(dimensions), share(min(max(each.mean, low), high), low, high)),
        ]
        for each in reversed(ranked)  # the best one is drawn last, over the others
    ]
    goodness = [(place / len(lines)) ** 2 for place in range(1, len(lines) + 1)]
    shades = LinearSegmentedColormap.from_list("ranks", [_POOR, COLORS[1]])(
        goodness, alpha=[0.3 + 0.7 * good for good in goodness]
    )
    widths = [*(0.8 + 0.8 * good for good in goodness[:-1]), 3.0]
    axes.add_collection(LineCollection(lines, colors=shades, linewidths=widths))
    names = short_names([dimension.path for dimension in dimensions])
    for x, dimension in enumerate(dimensions):
        none = [(_NOWHERE, "none")] if any(line[x][1] == _NOWHERE for line in lines) else []
        _draw_axis(axes, x, names[dimension.path], [*none, *ticks(dimension)])
    _draw_axis(axes, len(dimensions), objective, _score_ticks(low, high))
    return figure


def _place(dimension: Dimension, each: Repeated) -> float:
    value = each.trial.told.get(dimension.path)
    return _NOWHERE if value is None else position(dimension, value)


def _draw_axis(axes: Any, x: int, name: str, marks: Sequence[tuple[float, str]]) -> None:
    axes.vlines(x, 0, 1, color=INK, linewidth=1)
    for place, text in marks:
        axes.plot([x, x + 0.04], [place, place], color=INK, linewidth=1)
        axes.text(x + 0.07, place, shortened(text, _LETTERS), **_LETTERING, va="center")
    axes.text(x, 1.05, _wrapped(name), color=INK, fontsize=7.5, fontweight="bold", va="bottom", ha="left")


_LETTERING = {
    "color": INK,
    "fontsize": 8,
    "bbox": {"facecolor": PAPER, "edgecolor": "none", "pad": 0.6, "alpha": 0.75},
}


def _score_ticks(low: float, high: float) -> list[tuple[float, str]]:
    from matplotlib.ticker import MaxNLocator

    inner = [value for value in MaxNLocator(6).tick_values(low, high) if low <= value <= high]
    return [(share(value, low, high), f"{value:.4g}") for value in (inner if high > low else [low])]


def _wrapped(name: str) -> str:
    """A name in short lines, broken behind its words."""
    return textwrap.fill(name.replace("_", "_ ").replace(".", ". "), _LETTERS).replace("_ ", "_").replace(". ", ".")
