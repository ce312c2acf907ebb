"""The lengths of vectors, as of capsules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlkit.models.layers._capsules import length
from dlkit.recipe.registry import register

if TYPE_CHECKING:
    import keras


@register(kind="layer")
def vector_length(x: keras.KerasTensor, /) -> keras.KerasTensor:
    """Gives the length of each vector: the probability that what a capsule stands for is there.

    Sabour, Frosst and Hinton, 2017, "Dynamic Routing Between Capsules", arXiv:1710.09829, section 3.

    Args:
        x: Vectors along the last axis.

    Returns:
        Of the same shape without the last axis.
    """
    return length(x)
