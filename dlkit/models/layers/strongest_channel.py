"""The largest channel of each pixel: pictures without their colors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlkit.recipe.registry import register

if TYPE_CHECKING:
    import keras


@register(kind="layer")
def strongest_channel(x: keras.KerasTensor, /) -> keras.KerasTensor:
    """Gives the largest channel at each place: the V of HSV, by which a thing looks alike in all bright colors.

    Smith, 1978, "Color gamut transform pairs", SIGGRAPH 12.

    Args:
        x: Of shape (..., channels).

    Returns:
        Of shape (..., 1).
    """
    from keras import ops

    return ops.max(x, axis=-1, keepdims=True)
