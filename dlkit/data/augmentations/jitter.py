"""Jitter: noise on every step of a series.

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
def jitter(x: tf.Tensor, seed: tf.Tensor, /, *, stddev: Annotated[float, Range(min=0)] = 0.05) -> tf.Tensor:
    """Adds Gaussian noise, measured by how much each variable moves in its example: raw series need no scaling before.

    Args:
        x: Series of shape (batch, steps) or (batch, steps, variables); NaN where a value is missing.
        seed: Stateless.
        stddev: Standard deviation of the noise, as a share of that of the variable over the example's steps.
    """
    import tensorflow as tf

    is_known = tf.math.is_finite(x)
    count = tf.maximum(tf.reduce_sum(tf.cast(is_known, x.dtype), axis=1, keepdims=True), 1)
    mean = tf.reduce_sum(tf.where(is_known, x, 0), axis=1, keepdims=True) / count
    spread = tf.where(is_known, (x - mean) ** 2, 0)
    deviation = tf.sqrt(tf.reduce_sum(spread, axis=1, keepdims=True) / count)
    return x + stddev * deviation * tf.random.stateless_normal(tf.shape(x), seed, dtype=x.dtype)
