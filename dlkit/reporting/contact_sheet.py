"""Draws samples on one sheet: a class a row, and a panel for each stage of their preparation."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_CELL = 64  # pixels that a sample is drawn in, at least; smaller pictures are enlarged by whole factors
_LARGEST = 128
_GAP = 4
_TEXT = 16  # pixels that a line of text takes
_INCHES = 0.9  # of a plot's side
_MOST_POINTS = 1000  # of a curve


def draw_images(panels: Mapping[str, Sequence[np.ndarray]], labels: Sequence[str], maximum: float) -> bytes:
    """Draws pictures.

    Args:
        panels: By title, for each row an array of shape (samples, height, width, channels) with values from 0 to
            `maximum`; values beyond are cut.
        labels: A text for each row.
        maximum: What is white.

    Returns:
        A PNG.
    """
    font = ImageFont.load_default(12)
    left = int(max(font.getlength(label) for label in labels)) + 2 * _GAP
    tiles = {title: [[_tile(image, maximum) for image in row] for row in rows] for title, rows in panels.items()}
    cell = max(max(tile.size) for rows in tiles.values() for row in rows for tile in row) + _GAP
    across = max(len(row) for rows in tiles.values() for row in rows)
    width = left + len(panels) * (across * cell + 3 * _GAP)
    sheet = Image.new("RGB", (width, _TEXT + 2 * _GAP + len(labels) * cell), "white")
    drawing = ImageDraw.Draw(sheet)
    for row, label in enumerate(labels):
        middle = _TEXT + 2 * _GAP + row * cell + cell // 2
        drawing.text((_GAP, middle), label, fill="black", font=font, anchor="lm")
    for number, (title, rows) in enumerate(tiles.items()):
        start = left + number * (across * cell + 3 * _GAP)
        drawing.text((start, _GAP), title, fill="black", font=font)
        for row, line in enumerate(rows):
            for column, tile in enumerate(line):
                sheet.paste(tile, (start + column * cell, _TEXT + 2 * _GAP + row * cell))
    return _png(sheet)


def draw_curves(panels: Mapping[str, Sequence[np.ndarray]], labels: Sequence[str]) -> bytes:
    """Draws series and sounds as curves, those of a row to the same scale.

    Args:
        panels: By title, for each row an array of shape (samples, steps) or (samples, steps, variables).
        labels: A text for each row.

    Returns:
        A PNG.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    across = max(len(row) for rows in panels.values() for row in rows)
    figure = Figure(figsize=(1.5 + _INCHES * across * len(panels), 0.5 + _INCHES * len(labels)), layout="compressed")
    FigureCanvasAgg(figure)
    parts = figure.subfigures(1, len(panels), squeeze=False)[0]
    for number, (part, (title, rows)) in enumerate(zip(parts, panels.items(), strict=True)):
        part.suptitle(title, fontsize=9)
        grid = part.subplots(len(labels), across, squeeze=False, sharey="row")
        for axes in grid.flat:
            axes.set_xticks([])
            axes.set_yticks([])
            axes.spines[:].set_visible(False)
        for row, (line, label) in enumerate(zip(rows, labels, strict=True)):
            for axes, sample in zip(grid[row], line, strict=False):
                axes.plot(sample[:: max(1, len(sample) // _MOST_POINTS)], linewidth=0.7)
            if number == 0:
                grid[row, 0].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=8)
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=100)
    return content.getvalue()


def draw_tile(image: np.ndarray, maximum: float) -> bytes:
    """Draws one picture, of shape (height, width, channels), as PNG; small ones are enlarged.

    Args:
        image: Values beyond 0 and `maximum` are cut.
        maximum: What is white.
    """
    return _png(_tile(image, maximum))


def _tile(image: np.ndarray, maximum: float) -> Image.Image:
    """A picture of 8 bits, enlarged by a whole factor where it is small, made smaller where it is large."""
    pixels = np.clip(np.nan_to_num(image.astype(np.float32)) * (255 / maximum), 0, 255).astype(np.uint8)
    tile = Image.fromarray(pixels[..., 0] if pixels.shape[-1] < 3 else pixels[..., :3]).convert("RGB")
    if max(tile.size) > _LARGEST:
        tile.thumbnail((_LARGEST, _LARGEST))
        return tile
    factor = max(1, _CELL // max(tile.size))
    return tile.resize((tile.width * factor, tile.height * factor), Image.Resampling.NEAREST)


def _png(sheet: Image.Image) -> bytes:
    content = io.BytesIO()
    sheet.save(content, format="PNG")
    return content.getvalue()
