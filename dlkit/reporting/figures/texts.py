"""Figures of tokens and sequences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dlkit.recipe.registry import register
from dlkit.reporting.figures.style import COLORS, finish, new_figure


@register(kind="figure", needs=["by_position"])
def surprise_by_position(details: Mapping[str, Any], /) -> Any:
    """How unexpected tokens are, by their place in the window."""
    values = details["by_position"]
    if len(values) < 2:
        return None
    figure = new_figure(5.6, 3.0)
    axes = figure.subplots()
    axes.plot(range(1, len(values) + 1), values, color=COLORS[0])
    finish(axes, "token of the window", "negative log-likelihood (nats)")
    return figure


@register(kind="figure", needs=["edit_distances"])
def edit_distances(details: Mapping[str, Any], /) -> Any:
    """How far answers are from the truth."""
    found = details["edit_distances"]
    figure = new_figure(5.2, 3.0)
    axes = figure.subplots()
    axes.bar(found["distance"], found["examples"], color=COLORS[0])
    axes.xaxis.get_major_locator().set_params(integer=True)
    finish(axes, "edit distance", "examples")
    return figure
