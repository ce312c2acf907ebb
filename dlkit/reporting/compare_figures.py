"""Learning curves of several runs in one figure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from dlkit.reporting.figures.curves import MARKED, drawn_metrics, value_in
from dlkit.reporting.figures.style import COLORS, finish, new_figure

Lines = Sequence[Mapping[str, Any]]

_STYLES = ("-", (0, (6, 2)), (0, (1, 1)), (0, (4, 1, 1, 1)))  # of the runs beyond the colors there are


def compared_curves(runs: Mapping[str, Sequence[Lines]]) -> Iterator[tuple[str, Any]]:
    """A figure for each metric of the training, with what it shows.

    Args:
        runs: What the runs are called, and of each the lines of metrics.jsonl of its members.
    """
    names = dict.fromkeys(name for members in runs.values() for lines in members for name in drawn_metrics(lines))
    for name in names:
        validated = any(f"val_{name}" in line for members in runs.values() for lines in members for line in lines)
        split = "val_" if validated else ""
        told = name.replace("_", " ")
        yield f"{told}, {'validation' if validated else 'training'}", _drawn(runs, split + name, told)


def _drawn(runs: Mapping[str, Sequence[Lines]], name: str, told: str) -> Any:
    """The metric of each run over its epochs; of a group the mean, and the standard deviation as a band."""
    figure = new_figure(4.2, 2.9)
    axes = figure.subplots()
    for number, (letter, members) in enumerate(runs.items()):
        values = [[value_in(line, name) for line in lines] for lines in members]
        mean, deviation = _over_members(values)
        if not np.isfinite(mean).any():
            continue
        color, style = COLORS[number % len(COLORS)], _STYLES[number // len(COLORS) % len(_STYLES)]
        epochs = np.arange(1, len(mean) + 1)
        marker = "." if len(mean) <= MARKED else None
        axes.plot(epochs, mean, color=color, linestyle=style, marker=marker, label=letter)
        if len(values) > 1:
            axes.fill_between(epochs, mean - deviation, mean + deviation, color=color, alpha=0.2, linewidth=0)
    finish(axes, "epoch", told)
    axes.xaxis.get_major_locator().set_params(integer=True)
    return figure


def _over_members(values: Sequence[Sequence[float]]) -> tuple[np.ndarray, np.ndarray]:
    """The mean after each epoch of those members that came so far, and the standard deviation."""
    columns = [
        [each[epoch] for each in values if epoch < len(each)] for epoch in range(max(map(len, values), default=0))
    ]
    mean = np.array([float(np.mean(each)) for each in columns])
    deviation = np.array([float(np.std(each, ddof=1)) if len(each) > 1 else 0.0 for each in columns])
    return mean, deviation
