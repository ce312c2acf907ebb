"""A picture read from one side to the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlkit.recipe.registry import register

if TYPE_CHECKING:
    import keras


@register(kind="layer")
def columns_as_steps(x: keras.KerasTensor, /) -> keras.KerasTensor:
    """Makes a sequence of a picture or of its maps: each column is a step, from left to right.

    Shi, Bai and Yao, 2015, arXiv:1507.05717, section 2.1 ("map-to-sequence"), for columns of any height.

    Args:
        x: Of shape (batch, height, width, channels), the height known.

    Returns:
        Of shape (batch, width, height times channels).
    """
    from keras import layers

    if len(x.shape) != 4 or x.shape[1] is None:
        raise ValueError(f"columns are those of pictures of a known height. Received: x.shape={x.shape}")
    _, height, width, channels = x.shape
    steps = -1 if width is None else width
    return layers.Reshape((steps, height * channels))(layers.Permute((2, 1, 3))(x))
