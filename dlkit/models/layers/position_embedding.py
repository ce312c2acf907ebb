"""Learned vectors that tell a network where in a sequence a step stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlkit.models.layers._positions import positions_of
from dlkit.recipe.registry import register

if TYPE_CHECKING:
    import keras


@register(kind="layer")
def position_embedding(
    x: keras.KerasTensor, /, *, initializer: keras.Initializer | str = "uniform"
) -> keras.KerasTensor:
    """Adds a vector of its own, which is learned, to each step of a sequence.

    Gehring et al., 2017, "Convolutional sequence to sequence learning", arXiv:1705.03122; so do BERT and GPT. For tokens
    with padding see `token_and_position_embedding`.

    Args:
        x: Of shape (batch, steps, channels).
        initializer: What the vectors begin with.

    Returns:
        Of the same shape.

    Raises:
        ValueError: The number of steps is not known.
    """
    import keras

    _, steps, channels = x.shape
    if steps is None:
        raise ValueError(f"the number of steps must be known, as by padding. Received: shape={x.shape}")
    embedding = keras.layers.Embedding(steps, channels, embeddings_initializer=initializer, name="positions")
    return x + embedding(positions_of(x))
