"""Gaussian noise in the units of the data: Keras's GaussianNoise goes no further than 1, which pixels do not show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from dlkit.recipe.registry import Range, register

if TYPE_CHECKING:
    import tensorflow as tf


@register(
    kind="augmentation",
    on={
        "image": ["uint8", "float16", "float32", "float64"],
        "vector": ["float16", "float32", "float64"],
        "number": ["float16", "float32", "float64"],
        "sequence": ["float16", "float32", "float64"],
        "audio": ["float16", "float32", "float64"],
    },
)
def gaussian_noise(x: tf.Tensor, seed: tf.Tensor, /, *, stddev: Annotated[float, Range(min=0)]) -> tf.Tensor:
    """Adds noise from a normal distribution around 0 to every value; pixels stay between 0 and 255.

    Args:
        x: Values of shape (batch, ...).
        seed: Stateless.
        stddev: Standard deviation, in the units of the values.
    """
    import tensorflow as tf

    noise = tf.random.stateless_normal(tf.shape(x), seed, stddev=stddev)
    if not x.dtype.is_integer:
        return x + tf.cast(noise, x.dtype)
    noisy = tf.clip_by_value(tf.round(tf.cast(x, tf.float32) + noise), x.dtype.min, x.dtype.max)
    return tf.cast(noisy, x.dtype)
