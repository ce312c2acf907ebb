"""What is it? Name the paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlkit.recipe.registry import register

if TYPE_CHECKING:
    import keras


@register(kind="layer")
def some_name(x: keras.KerasTensor, /, scale: float = 2.0) -> keras.KerasTensor:
    """What does it make of its input, in one line?

    Args:
        x: Of shape (batch, ...).
        scale: What values are multiplied by.

    Returns:
        Of the same shape.
    """
    return x * scale
