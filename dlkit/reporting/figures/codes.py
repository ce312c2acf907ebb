"""Figures of autoencoders: what comes back, what codes stand for, where examples lie among codes."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from dlkit.recipe.registry import register
from dlkit.reporting.figures.style import COLORS, finish, new_figure

_INCHES = 0.7  # of a picture's side
_LEFT = 1.0  # inches for the names of rows
_MOST_COLORS = 20


@register(kind="figure", needs=["reconstructions"], wide=True)
def reconstructions(details: Mapping[str, Any], /) -> Any:
    """Examples, and what the model gives back of them."""
    rows = {name: _pictures(each) for name, each in details["reconstructions"]["rows"].items()}
    across = max(len(row) for row in rows.values())
    figure = new_figure(_LEFT + _INCHES * across, (_INCHES + 0.05) * len(rows))
    grid = figure.subplots(len(rows), across, squeeze=False)
    for line, (name, row) in zip(grid, rows.items(), strict=True):
        for axes, picture in zip(line, row, strict=True):
            _show(axes, picture)
        line[0].set_ylabel(name, rotation=0, ha="right", va="center")
    return figure


@register(kind="figure", needs=["prior_samples"])
def prior_samples(details: Mapping[str, Any], /) -> Any:
    """What codes drawn from the standard normal distribution stand for."""
    return _sheet(details["prior_samples"])


@register(kind="figure", needs=["latent_walk"], wide=True)
def latent_walk(details: Mapping[str, Any], /) -> Any:
    """From the code of one example to that of another, in even steps."""
    return _sheet(details["latent_walk"])


@register(kind="figure", needs=["latent_plane"])
def latent_plane(details: Mapping[str, Any], /) -> Any:
    """Where examples lie by their codes."""
    import matplotlib as mpl
    import numpy as np

    found = details["latent_plane"]
    points, labels = np.array(found["points"]), found.get("labels")
    figure = new_figure(6.4 if labels else 4.8, 4.6)
    axes = figure.subplots()
    if labels:
        classes = np.array(found["classes"])
        palette = mpl.colormaps["tab10" if len(labels) <= _MOST_COLORS // 2 else "tab20"]
        for number, label in enumerate(labels):
            color = palette(number % _MOST_COLORS)
            axes.scatter(*points[classes == number].T, s=7, color=color, alpha=0.7, linewidths=0, label=label)
    else:
        axes.scatter(*points.T, s=7, color=COLORS[0], alpha=0.7, linewidths=0)
    finish(axes, *found["axes"], legend=False)
    if labels and len(labels) <= _MOST_COLORS:
        axes.legend(frameon=False, fontsize=8, markerscale=2, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def _sheet(found: Mapping[str, Any]) -> Any:
    """Pictures in rows, close to each other."""
    import numpy as np

    pictures, across = _pictures(found["pictures"]), found["across"]
    count, height, width, channels = pictures.shape
    framed = np.pad(pictures, ((0, 0), (0, 1), (0, 1), (0, 0)), constant_values=255)
    rows = framed.reshape(count // across, across, height + 1, width + 1, channels).swapaxes(1, 2)
    sheet = rows.reshape(count // across * (height + 1), across * (width + 1), channels)
    figure = new_figure(_INCHES * across, _INCHES * (count // across) * height / width)
    _show(figure.subplots(), sheet[:-1, :-1])
    return figure


def _show(axes: Any, picture: Any) -> None:
    gray = picture.shape[-1] == 1
    axes.imshow(picture[..., 0] if gray else picture, cmap="gray" if gray else None, vmin=0, vmax=255)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)


def _pictures(found: Mapping[str, Any]) -> Any:
    """Pictures of shape (pictures, height, width, channels)."""
    import numpy as np

    return np.frombuffer(base64.b64decode(found["shades"]), np.uint8).reshape(found["shape"])
