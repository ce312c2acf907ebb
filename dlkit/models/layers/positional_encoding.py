"""Sinusoids that tell a network where in a sequence a step stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from dlkit.models.layers._positions import positions_of, sinusoids
from dlkit.recipe.registry import Range, register

if TYPE_CHECKING:
    import keras


@register(kind="layer")
def positional_encoding(
    x: keras.KerasTensor, /, *, max_wavelength: Annotated[float, Range(above=0)] = 10_000.0
) -> keras.KerasTensor:
    """Adds sinusoids of the position to each step of a sequence; it has no weights.

    Channel 2i of step p is given sin(p / max_wavelength^(2i / channels)), channel 2i + 1 the cosine of the same: Vaswani
    et al., 2017, "Attention is all you need", section 3.5, arXiv:1706.03762. For tokens see `token_and_position_embedding`.

    Args:
        x: Of shape (batch, steps, channels).
        max_wavelength: The longest of the sinusoids has nearly this wavelength, times 2 pi.

    Returns:
        Of the same shape.
    """
    from keras import ops

    table = sinusoids(positions_of(x), x.shape[-1], max_wavelength)
    return x + ops.cast(table, x.dtype)
