"""How a training went, epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from dlkit.recipe.registry import register
from dlkit.reporting.figures.style import COLORS, finish, new_figure

_MOST = 5  # metrics that are drawn beside the loss
MARKED = 30  # epochs that are marked one by one
_NO_METRICS = ("loss", "epoch", "stage", "step", "layer")
_RATE = "learning_rate"


def drawn_metrics(lines: Sequence[Mapping[str, Any]]) -> list[str]:
    """What is drawn of a training: the loss, the metrics of the whole, the learning rate where it changes."""
    numbers = {name for line in lines for name, value in line.items() if isinstance(value, int | float)}
    known = dict.fromkeys(name for line in lines for name in line if name in numbers)
    rates = [name for name in known if name.endswith(_RATE)]
    last = [name for name in rates if len({line.get(name) for line in lines}) > 1]
    metrics = [name for name in known if not name.startswith("val_") and name not in _NO_METRICS and name not in rates]
    return [name for name in ("loss", *metrics[:_MOST], *last) if name in numbers]


@register(kind="figure", needs=["training"])
def curves(details: Mapping[str, Any], /) -> Any:
    """Loss, metrics and learning rate, epoch by epoch."""
    return draw_curves(**details["training"])


def draw_curves(lines: Sequence[Mapping[str, Any]], names: Sequence[str], best: int | None = None) -> Any:
    """Draws numbers over the epochs, those of training and validation together.

    Args:
        lines: Those of metrics.jsonl.
        names: What is drawn, each beside the other.
        best: The place of the best epoch among the lines.
    """
    across = min(2, len(names))
    down = math.ceil(len(names) / across)
    figure = new_figure(4.2 * across, 2.9 * down)
    grid = list(figure.subplots(down, across, squeeze=False).flat)
    for axes, name in zip(grid, names, strict=False):
        _draw(axes, lines, name, best)
    for axes in grid[len(names) :]:
        axes.set_visible(False)
    return figure


def _draw(axes: Any, lines: Sequence[Mapping[str, Any]], name: str, best: int | None) -> None:
    for number, (prefix, told) in enumerate((("", "training"), ("val_", "validation"))):
        values = [value_in(line, prefix + name) for line in lines]
        if any(map(math.isfinite, values)):
            marker = "." if len(lines) <= MARKED else None
            axes.plot(range(1, len(lines) + 1), values, color=COLORS[number], marker=marker, label=told)
    if not name.endswith(_RATE) and best is not None:
        axes.axvline(best + 1, color=COLORS[-1], linestyle=":", linewidth=1, label="best epoch")
    stages = [line.get("stage") for line in lines]
    for number in range(1, len(stages)):
        if stages[number] != stages[number - 1]:
            axes.axvline(number + 0.5, color=COLORS[-1], linewidth=0.8)
    finish(axes, "epoch", name.replace("_", " "), legend=name == "loss")
    axes.set_xlim(0.5, len(lines) + 0.5)
    axes.xaxis.get_major_locator().set_params(integer=True)


def value_in(line: Mapping[str, Any], name: str) -> float:
    """A number of a line of metrics.jsonl; NaN where it has none."""
    value = line.get(name)
    return float(value) if isinstance(value, int | float) else math.nan
