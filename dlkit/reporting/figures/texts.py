"""Figures of tokens and sequences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dlkit.reporting.figures.style import COLORS, finish, new_figure


def draw_surprise_by_position(details: Mapping[str, Any]) -> Any:
    """Draws the mean negative log-likelihood of tokens over how many of the text came before."""
    values = details.get("by_position")
    if not values or len(values) < 2:
        return None
    figure = new_figure(5.6, 3.0)
    axes = figure.subplots()
    axes.plot(range(1, len(values) + 1), values, color=COLORS[0])
    finish(axes, "token of the window", "negative log-likelihood (nats)")
    return figure


def draw_edit_distances(details: Mapping[str, Any]) -> Any:
    """Draws how many examples are how many edits away from the truth."""
    found = details.get("edit_distances")
    if not found:
        return None
    figure = new_figure(5.2, 3.0)
    axes = figure.subplots()
    axes.bar(found["distance"], found["examples"], color=COLORS[0])
    axes.xaxis.get_major_locator().set_params(integer=True)
    finish(axes, "edit distance", "examples")
    return figure
