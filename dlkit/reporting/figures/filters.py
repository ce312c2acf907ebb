"""The weights of a first layer as pictures."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from typing import Any

from dlkit.reporting.figures.style import new_figure

_ACROSS = 20
_INCH = 0.45  # the side of a picture


def draw_filters(details: Mapping[str, Any]) -> Any:
    """Draws the weights of each unit, gray where they are 0."""
    import numpy as np

    found = details.get("filters")
    if not found:
        return None
    height, width, channels = found["shape"]
    shades = np.frombuffer(base64.b64decode(found["shades"]), np.uint8).reshape(-1, height, width, channels)
    across = min(_ACROSS, len(shades))
    down = math.ceil(len(shades) / across)
    sheet = np.full((down * (height + 1) - 1, across * (width + 1) - 1, channels), 255, np.uint8)
    for number, picture in enumerate(shades):
        top, left = (number // across) * (height + 1), (number % across) * (width + 1)
        sheet[top : top + height, left : left + width] = picture
    figure = new_figure(max(2.0, across * _INCH), max(0.6, down * _INCH * height / width))
    axes = figure.subplots()
    axes.imshow(sheet[..., 0] if channels == 1 else sheet, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axes.set_axis_off()
    return figure
