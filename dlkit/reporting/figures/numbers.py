"""Figures of numbers: predictions beside the truth, forecasts, errors."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from dlkit.recipe.registry import register
from dlkit.reporting.figures.style import COLORS, finish, new_figure


@register(kind="figure", needs=["points", "errors"], wide=True, tensorboard=True)
def predictions(details: Mapping[str, Any], /) -> Any:
    """Predictions beside the truth, and the spread of the errors."""
    figure = new_figure(7.2, 3.5)
    left, right = figure.subplots(1, 2)
    truth, predicted = details["points"]
    ends = [min(*truth, *predicted), max(*truth, *predicted)]
    left.plot(ends, ends, color=COLORS[-1], linestyle=":")
    left.scatter(truth, predicted, s=6, alpha=0.5, color=COLORS[0], linewidths=0)
    finish(left, "true", "predicted")
    errors, edges = details["errors"], details["errors"]["edges"]
    widths = [after - before for before, after in itertools.pairwise(edges)]
    right.bar(edges[:-1], errors["examples"], width=widths, align="edge", color=COLORS[4])
    right.axvline(0, color=COLORS[-1], linestyle=":")
    finish(right, "predicted - true", "examples")
    return figure


@register(kind="figure", needs=["forecasts"], wide=True, tensorboard=True)
def forecasts(details: Mapping[str, Any], /) -> Any:
    """Forecasts from the first to the last example."""
    shown = details["forecasts"]
    down = -(-len(shown) // 2)
    figure = new_figure(7.2, 1.7 * down + 0.3)
    for axes, each in zip(figure.subplots(down, 2, squeeze=False).flat, shown, strict=False):
        past = [_first(step) for step in each.get("past", ())]
        ahead = range(1 + details.get("offset", 0), 1 + details.get("offset", 0) + len(each["truth"]))
        axes.plot(range(1 - len(past), 1), past, color=COLORS[-1], linewidth=1, label="before")
        axes.plot(ahead, [_first(step) for step in each["truth"]], color=COLORS[0], marker=".", label="true")
        axes.plot(ahead, [_first(step) for step in each["predicted"]], color=COLORS[1], marker=".", label="forecast")
        finish(axes, "steps", f"example {each['row'] + 1}", legend=each is shown[0])
    return figure


@register(kind="figure", needs=["by_step"])
def errors_by_step(details: Mapping[str, Any], /) -> Any:
    """Errors by how far ahead the forecast looks."""
    by_step = details["by_step"]
    if len(by_step["mean_absolute_error"]) < 2:
        return None
    figure = new_figure(5.2, 3.0)
    axes = figure.subplots()
    for number, (name, values) in enumerate(by_step.items()):
        axes.plot(range(1, len(values) + 1), values, color=COLORS[number], marker=".", label=name.replace("_", " "))
    axes.set_ylim(bottom=0)
    finish(axes, "steps ahead", "error")
    return figure


@register(kind="figure", needs=["free_running"], wide=True)
def free_running(details: Mapping[str, Any], /) -> Any:
    """Running free: the model goes on from its own forecasts."""
    from matplotlib.ticker import LogLocator

    run = details["free_running"]
    paths, steps = run["paths"], range(1, len(run["by_step"]) + 1)
    figure = new_figure(7.2, 1.1 * len(paths) + 2.4)
    *drawn, below = figure.subplots(len(paths) + 1, 1, height_ratios=[*[1] * len(paths), 1.6])
    for axes, each in zip(drawn, paths, strict=True):
        axes.plot(steps, each["truth"], color=COLORS[0], label="true")
        axes.plot(steps, each["predicted"], color=COLORS[1], linestyle="--", label="free running")
        finish(axes, "", f"from {each['row'] + 1}", legend=each is paths[0])
    below.plot(steps, run["by_step"], color=COLORS[4])
    below.set_yscale("log")
    below.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    below.yaxis.set_major_formatter("{x:g}")
    below.minorticks_off()
    finish(below, "steps ahead", "normalized error")
    return figure


def _first(step: Any) -> float:
    return step[0] if isinstance(step, list) else step
