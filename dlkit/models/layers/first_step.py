"""The first step of a sequence alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlkit.recipe.registry import register

if TYPE_CHECKING:
    import keras


@register(kind="layer")
def first_step(x: keras.KerasTensor, /) -> keras.KerasTensor:
    """Gives the first step of a sequence, as the one that BERT reads a text out by (Devlin et al., 2018, arXiv:1810.04805).

    Args:
        x: Of shape (batch, steps, channels).

    Returns:
        Of shape (batch, channels).
    """
    return x[:, 0]
