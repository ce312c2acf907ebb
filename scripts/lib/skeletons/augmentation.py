"""What does it change? Name the paper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from dlkit.recipe.registry import Range, register

if TYPE_CHECKING:
    import tensorflow as tf


@register(kind="augmentation", on={"image": ["uint8", "float32"]})
def some_name(x: tf.Tensor, seed: tf.Tensor, /, *, rate: Annotated[float, Range(min=0, max=1)] = 0.5) -> tf.Tensor:
    """What does it do to an example, in one line?

    Args:
        x: Pictures of shape (batch, height, width, channels).
        seed: Stateless.
        rate: Share of the pictures that it changes.
    """
    import tensorflow as tf

    is_changed = tf.random.stateless_uniform([tf.shape(x)[0], 1, 1, 1], seed) < rate
    return tf.where(is_changed, tf.reverse(x, axis=[2]), x)
