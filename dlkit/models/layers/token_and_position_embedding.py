"""Vectors of tokens, with the place at which they stand."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal

from dlkit.models.layers._positions import positions_of, sinusoids
from dlkit.recipe.registry import Range, register

if TYPE_CHECKING:
    import keras


@register(kind="layer")
def token_and_position_embedding(
    x: keras.KerasTensor,
    /,
    *,
    vocabulary_size: Annotated[int, Range(min=1)],
    width: Annotated[int, Range(min=1)],
    positions: Literal["sinusoidal", "learned"] = "sinusoidal",
    mask_zero: bool = False,
) -> keras.KerasTensor:
    """Embeds tokens, and adds sinusoids of their positions or vectors that are learned.

    Sinusoids are added to the embedding times the square root of its width, as in Vaswani et al., 2017, sections 3.4 and
    3.5, arXiv:1706.03762.

    Args:
        x: Tokens as integers, of shape (batch, steps).
        vocabulary_size: Number of different tokens.
        width: Channels of a vector.
        positions: What is added.
        mask_zero: Whether token 0 is padding, which the layers behind pass over.

    Returns:
        Of shape (batch, steps, width).

    Raises:
        ValueError: Positions are to be learned, and the number of steps is not known.
    """
    import keras
    from keras import ops

    embedded = keras.layers.Embedding(vocabulary_size, width, name="tokens")(x)
    if positions == "learned":
        if x.shape[1] is None:
            raise ValueError(f"the number of steps must be known, as by padding. Received: shape={x.shape}")
        table = keras.layers.Embedding(x.shape[1], width, name="positions")(positions_of(x))
    else:
        embedded = keras.layers.Rescaling(math.sqrt(width), name="scaled")(embedded)
        table = ops.cast(sinusoids(positions_of(x), width, 10_000.0), embedded.dtype)
    if not mask_zero:
        return embedded + table
    is_token = ops.expand_dims(ops.not_equal(x, 0), -1)
    return keras.layers.Masking(name="padding")((embedded + table) * ops.cast(is_token, embedded.dtype))
