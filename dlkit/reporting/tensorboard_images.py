"""Pictures as arrays, the form in which TensorBoard takes them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_ACROSS = 4  # examples in a row: the browser shows a sheet small
_SIDE = 128  # pixels of a picture, at most; a small one is enlarged by a whole factor
_GAP = 12
_LINE = 18  # pixels that a line of text takes
_SIZE = 13
_WRONG, _INK, _GRAY = "#B34700", "#222222", "#666666"


@dataclass(frozen=True, slots=True)
class Sample:
    """A picture with what the model says of it.

    Args:
        picture: Its file.
        truth: What is true of it.
        predicted: What the model says.
        note: How sure it is.
    """

    picture: Path
    truth: str
    predicted: str
    note: str


def read_pixels(path: Path) -> np.ndarray:
    """A picture in a file, of shape (height, width, 3), 8 bits."""
    with Image.open(path) as image:
        return _pixels(image)


def draw_samples(samples: Sequence[Sample]) -> np.ndarray:
    """Draws examples on one sheet; below each what the model says, and where that is wrong, the truth.

    Returns:
        An array of shape (height, width, 3), 8 bits.
    """
    font = _font()
    cell_width, cell_height = _SIDE + _GAP, _SIDE + 3 * _LINE + _GAP
    across, down = min(_ACROSS, len(samples)), math.ceil(len(samples) / _ACROSS)
    sheet = Image.new("RGB", (across * cell_width + _GAP, down * cell_height + _GAP), "white")
    drawing = ImageDraw.Draw(sheet)
    for number, sample in enumerate(samples):
        left, top = _GAP + number % _ACROSS * cell_width, _GAP + number // _ACROSS * cell_height
        with Image.open(sample.picture) as opened:
            picture = opened.convert("RGB")
        picture.thumbnail((_SIDE, _SIDE))
        factor = _SIDE // max(picture.size)
        picture = picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)
        sheet.paste(picture, (left + (_SIDE - picture.width) // 2, top + _SIDE - picture.height))
        is_right = sample.predicted == sample.truth
        lines = [
            (sample.predicted, _INK if is_right else _WRONG),
            (f"true: {sample.truth}", _INK) if not is_right else ("", _INK),
            (sample.note.partition(",")[0], _GRAY),
        ]
        below = top + _SIDE + 2
        for text, color in lines:
            if text:
                drawing.text((left + _SIDE / 2, below), _cut(text, font), fill=color, font=font, anchor="ma")
                below += _LINE
    return _pixels(sheet)


def _font() -> Any:
    """A font of matplotlib's, which has more letters than Pillow's own."""
    from matplotlib import get_data_path

    return ImageFont.truetype(Path(get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"), _SIZE)


def _cut(text: str, font: Any) -> str:
    """As much of a text as goes into a line."""
    text = " ".join(text.split())
    if font.getlength(text) <= _SIDE:
        return text
    while text and font.getlength(text + "…") > _SIDE:
        text = text[:-1]
    return text + "…"


def _pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("RGB"))
