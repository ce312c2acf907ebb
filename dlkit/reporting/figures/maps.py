"""Figures of a self-organizing map: a cell for each unit, where it lies on the grid."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from typing import Any

from dlkit.models.map_grid import positions
from dlkit.recipe.registry import register
from dlkit.reporting.figures.style import new_figure

_SIDE = 4.8  # inches of the longer side of a map
_SIDE_OF_PICTURES = 9.0
_PLANES_ACROSS = 4
_MOST_COLORS = 20


@register(kind="figure", needs=["map"])
def u_matrix(details: Mapping[str, Any], /) -> Any:
    """U-matrix: how far each unit is from its neighbors.

    Dark lines part clusters (Ultsch and Siemon, 1990).
    """
    return _of_values(details["map"], "u_matrix", "bone_r", "mean distance to the neighbors")


@register(kind="figure", needs=["map"])
def hits(details: Mapping[str, Any], /) -> Any:
    """How many examples each unit is nearest to."""
    return _of_values(details["map"], "hits", "Blues", "examples")


@register(kind="figure", needs=["map"])
def unit_labels(details: Mapping[str, Any], /) -> Any:
    """The class of most training examples that each unit is nearest to."""
    import matplotlib as mpl
    from matplotlib.patches import Patch

    found = details["map"]
    if not found["labels"]:
        return None
    known = sorted({label for label in found["labels"] if label is not None})
    palette = mpl.colormaps["tab10" if len(known) <= _MOST_COLORS // 2 else "tab20"]
    colors = {label: palette(number % _MOST_COLORS) for number, label in enumerate(known)}
    width, height = _size(found, _SIDE)
    figure = new_figure(width + 1.6, height)
    axes = figure.subplots()
    _cells(axes, found, facecolors=[colors.get(label, "white") for label in found["labels"]])
    handles = [Patch(color=color, label=label) for label, color in list(colors.items())[:_MOST_COLORS]]
    axes.legend(handles=handles, frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


@register(kind="figure", needs=["map"], wide=True)
def component_planes(details: Mapping[str, Any], /) -> Any:
    """Component planes: each value, unit by unit."""
    found = details["map"]
    if not found.get("planes"):
        return None
    planes = found["planes"]
    across = min(_PLANES_ACROSS, len(planes))
    down = math.ceil(len(planes) / across)
    width, height = _size(found, _SIDE_OF_PICTURES / _PLANES_ACROSS)
    figure = new_figure(across * (width + 0.7), down * (height + 0.4))
    grid = list(figure.subplots(down, across, squeeze=False).flat)
    for axes, (name, values) in zip(grid, planes.items(), strict=False):
        drawn = _cells(axes, found, array=values, cmap="viridis")
        axes.set_title(name, fontsize=8)
        figure.colorbar(drawn, ax=axes, shrink=0.8).ax.tick_params(labelsize=7)
    for axes in grid[len(planes) :]:
        axes.set_visible(False)
    return figure


@register(kind="figure", needs=["map"], wide=True)
def unit_pictures(details: Mapping[str, Any], /) -> Any:
    """What the units stand for."""
    import numpy as np

    found = details["map"]
    if not found.get("pictures"):
        return None
    shape = found["pictures"]["shape"]
    shades = np.frombuffer(base64.b64decode(found["pictures"]["shades"]), np.uint8).reshape(-1, *shape)
    figure = new_figure(*_size(found, _SIDE_OF_PICTURES))
    axes = figure.subplots()
    for (down, across), picture in zip(
        _places(found), np.squeeze(shades, -1) if shape[-1] == 1 else shades, strict=True
    ):
        edges = (across - 0.5, across + 0.5, down + 0.5, down - 0.5)
        axes.imshow(picture, cmap="gray", vmin=0, vmax=255, extent=edges, interpolation="nearest")
    _frame(axes, found)
    return figure


def _of_values(found: Mapping[str, Any], kind: str, cmap: str, what: str) -> Any:
    width, height = _size(found, _SIDE)
    figure = new_figure(width + 0.9, height)
    axes = figure.subplots()
    figure.colorbar(_cells(axes, found, array=found[kind], cmap=cmap), ax=axes, shrink=0.8, label=what)
    return figure


def _cells(axes: Any, found: Mapping[str, Any], **how: Any) -> Any:
    """Draws a cell for each unit, which touches those of its neighbors."""
    from matplotlib.collections import PolyCollection

    if found["grid"] == "hexagonal":
        corners = [(math.pi / 6 + number * math.pi / 3, 1 / math.sqrt(3)) for number in range(6)]
    else:
        corners = [(math.pi / 4 + number * math.pi / 2, 1 / math.sqrt(2)) for number in range(4)]
    outline = [(length * math.cos(angle), length * math.sin(angle)) for angle, length in corners]
    cells = [[(across + x, down + y) for x, y in outline] for down, across in _places(found)]
    drawn = axes.add_collection(PolyCollection(cells, edgecolors="white", linewidths=0.4, **how))
    _frame(axes, found)
    return drawn


def _frame(axes: Any, found: Mapping[str, Any]) -> None:
    places = _places(found)
    axes.set_xlim(-0.6, max(across for _, across in places) + 0.6)
    axes.set_ylim(max(down for down, _ in places) + 0.6, -0.6)  # the first row is above
    axes.set_aspect("equal")
    axes.set_axis_off()


def _places(found: Mapping[str, Any]) -> Sequence[Sequence[float]]:
    return positions(found["rows"], found["columns"], found["grid"]).tolist()


def _size(found: Mapping[str, Any], side: float) -> tuple[float, float]:
    """Width and height of a map in inches."""
    longer = max(found["rows"], found["columns"])
    return max(1.0, side * found["columns"] / longer), max(1.0, side * found["rows"] / longer)
