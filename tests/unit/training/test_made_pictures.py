"""The pictures of an epoch on one sheet."""

from __future__ import annotations

import numpy as np
import pytest

from dlkit.training.made_pictures import sheet


@pytest.mark.parametrize(
    ("count", "side", "channels", "shape"), [(64, 28, 1, (462, 462, 3)), (5, 60, 3, (122, 184, 3))]
)
def test_pictures_lie_side_by_side(count: int, side: int, channels: int, shape: tuple[int, ...]) -> None:
    pictures = np.zeros((count, side, side, channels), np.float32)
    pictures[1] = 0.5
    made = sheet(pictures)
    assert (made.shape, made.dtype) == (shape, np.uint8)
    step = (made.shape[1] + 2) // int(np.ceil(np.sqrt(count)))
    assert (made[0, 0] == 0).all() and (made[0, step] == 128).all() and (made[0, step - 1] == 255).all()


def test_what_lies_outside_of_the_range_is_black_or_white() -> None:
    made = sheet(np.stack([np.full((60, 60, 1), value, np.float32) for value in (-1, 0, 1, 2)]))
    assert [int(made[y, x, 0]) for y in (0, 62) for x in (0, 62)] == [0, 0, 255, 255]
