"""The weights of a first layer as pictures."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from typing import Any

from dlkit.recipe.registry import register
from dlkit.reporting.figures.style import new_figure

_ACROSS = 20
_INCH = 0.45  # the side of a picture


@register(kind="figure", needs=["filters"], wide=True)
def filters(details: Mapping[str, Any], /) -> Any:
    """What the units of the first layer look for: weights above 0 are light, those below dark."""
    import numpy as np

    found = details["filters"]
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
