"""Figures of what?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dlkit.recipe.registry import register
from dlkit.reporting.figures.style import COLORS, finish, new_figure


@register(kind="figure", needs=["some_name"])
def some_name(details: Mapping[str, Any], /) -> Any:
    """What does it show, in one line?"""
    found = details["some_name"]
    figure = new_figure()
    axes = figure.subplots()
    axes.bar([*found], [*found.values()], color=COLORS[0])
    finish(axes, "layer", "size")
    return figure
