"""The sheet's pixels."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from dlkit.reporting.contact_sheet import draw_curves, draw_images


def opened(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(int)


def test_panels_stand_side_by_side_and_rows_below_each_other():
    red = np.zeros((2, 64, 64, 3), np.uint8) + np.array([255, 0, 0], np.uint8)
    blue = red[..., ::-1].astype(np.float32) * 2  # beyond white is white
    pixels = opened(draw_images({"before": [red, red], "after": [blue, blue]}, ["a", "b"], 255))
    is_red, is_blue = ((pixels == color).all(axis=-1) for color in ([255, 0, 0], [0, 0, 255]))
    assert is_red.sum() == is_blue.sum() == 4 * 64 * 64
    assert np.flatnonzero(is_red.any(axis=0)).max() < np.flatnonzero(is_blue.any(axis=0)).min()


def test_small_pictures_are_enlarged_and_large_ones_made_smaller():
    small, large = (np.full((1, *shape, 1), 128, np.uint8) for shape in ((8, 8), (500, 250)))
    gray = [(opened(draw_images({"": [images]}, ["x"], 255)) == 128).all(axis=-1) for images in (small, large)]
    assert gray[0].sum() == 64 * 64 and gray[1].sum() == 128 * 64


def test_curves_of_two_panels_are_drawn():
    waves = [np.sin(np.linspace(0, 9, 2000))[None, :], np.zeros((1, 2000))]
    one, two = (opened(draw_curves(panels, ["wave", "flat"])) for panels in ({"a": waves}, {"a": waves, "b": waves}))
    assert two.shape[1] > one.shape[1] and (one < 250).any()
