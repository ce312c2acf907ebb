"""The nonlinearity of capsules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlkit.models.layers._capsules import squashed
from dlkit.recipe.registry import register

if TYPE_CHECKING:
    import keras


@register(kind="layer")
def squash(x: keras.KerasTensor, /) -> keras.KerasTensor:
    """Shortens vectors to a length below 1 and keeps their direction: short ones to almost nothing, long ones to almost 1.

    Sabour, Frosst and Hinton, 2017, "Dynamic Routing Between Capsules", arXiv:1710.09829, equation 1.

    Args:
        x: Vectors along the last axis.

    Returns:
        Of the same shape.
    """
    return squashed(x)
