"""How a training went, epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from dlkit.reporting.figures.style import COLORS, finish, new_figure

_MOST = 4  # metrics that are drawn beside the loss
_FEW = 30  # epochs that are marked one by one


def draw_curves(lines: Sequence[Mapping[str, Any]], best: int | None = None) -> Any:
    """Draws loss, metrics and learning rate over the epochs; None where there are none.

    Args:
        lines: Those of metrics.jsonl.
        best: The place of the best epoch among them.
    """
    names = _names(lines)
    if not lines or "loss" not in names:
        return None
    across = 2 if len(names) > 1 else 1
    down = math.ceil(len(names) / across)
    figure = new_figure(3.2 * across + 0.4, 2.3 * down + 0.3)
    grid = figure.subplots(down, across, squeeze=False).flat
    epochs = range(1, len(lines) + 1)
    for axes, name in zip(grid, names, strict=False):
        for number, (prefix, told) in enumerate((("", "training"), ("val_", "validation"))):
            values = [_value(line, prefix + name) for line in lines]
            if any(map(math.isfinite, values)):
                marker = "." if len(lines) <= _FEW else None
                axes.plot(epochs, values, color=COLORS[number], marker=marker, label=told, linewidth=1.5)
        if name == "learning_rate":
            axes.set_yscale("log" if all(_value(line, name) > 0 for line in lines) else "linear")
        elif best is not None:
            axes.axvline(best + 1, color=COLORS[-1], linestyle=":", linewidth=1)
        _mark_stages(axes, lines)
        finish(axes, "epoch", name, legend=name == "loss")
        axes.xaxis.get_major_locator().set_params(integer=True)
    for axes in list(grid):
        axes.set_visible(False)
    return figure


def _names(lines: Sequence[Mapping[str, Any]]) -> list[str]:
    """What is drawn: the loss, the metrics of the whole, the learning rate."""
    numbers = {name for line in lines for name, value in line.items() if isinstance(value, int | float)}
    known = [name for line in lines[:1] for name in line if name in numbers]
    known += sorted(numbers - set(known))
    metrics = [
        name
        for name in known
        if not name.startswith("val_") and name not in ("loss", "learning_rate", "epoch", "stage", "step", "steps")
    ]
    return [name for name in ("loss", *metrics[:_MOST], "learning_rate") if name in numbers]


def _value(line: Mapping[str, Any], name: str) -> float:
    value = line.get(name)
    return float(value) if isinstance(value, int | float) else math.nan


def _mark_stages(axes: Any, lines: Sequence[Mapping[str, Any]]) -> None:
    stages = [line.get("stage") for line in lines]
    for number in range(1, len(stages)):
        if stages[number] != stages[number - 1]:
            axes.axvline(number + 0.5, color=COLORS[-1], linewidth=0.8)
