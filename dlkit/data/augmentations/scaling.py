"""Scaling: a series made larger or smaller as a whole.

Source: Um et al., 2017, "Data Augmentation of Wearable Sensor Data for Parkinson's Disease Monitoring using Convolutional
Neural Networks".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from dlkit.recipe.registry import Range, register

if TYPE_CHECKING:
    import tensorflow as tf


@register(
    kind="augmentation",
    on={"sequence": ["float32", "float64"], "audio": ["float32", "float64"]},
)
def scaling(x: tf.Tensor, seed: tf.Tensor, /, *, stddev: Annotated[float, Range(min=0)] = 0.1) -> tf.Tensor:
    """Multiplies every variable of every example by a factor of its own, from a normal distribution around 1.

    Args:
        x: Series of shape (batch, steps) or (batch, steps, variables).
        seed: Stateless.
        stddev: Standard deviation of the factor.
    """
    import tensorflow as tf

    shape = tf.concat([tf.shape(x)[:1], [1], tf.shape(x)[2:]], axis=0)
    return x * tf.random.stateless_normal(shape, seed, mean=1.0, stddev=stddev, dtype=x.dtype)
