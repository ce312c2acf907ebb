"""A learned step in front of a sequence, by which it is read out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlkit.recipe.registry import register

if TYPE_CHECKING:
    import keras


@register(kind="layer")
def class_token(x: keras.KerasTensor, /, *, initializer: keras.Initializer | str = "zeros") -> keras.KerasTensor:
    """Puts a learned vector before the first step of each sequence: what attention gathers there stands for the whole.

    Dosovitskiy et al., 2020, "An Image is Worth 16x16 Words", arXiv:2010.11929, equation 1.

    Args:
        x: Of shape (batch, steps, channels).
        initializer: What the vector begins with.

    Returns:
        Of shape (batch, steps + 1, channels).
    """
    import keras
    from keras import ops

    token = keras.layers.Embedding(1, x.shape[-1], embeddings_initializer=initializer, name="token")
    number = ops.zeros_like(x[:, :1, 0], dtype="int32")
    return keras.layers.Concatenate(axis=1, name="sequence")([token(number), x])
