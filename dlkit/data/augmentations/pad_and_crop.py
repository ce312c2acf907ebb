"""Pad and crop: pictures moved by a few pixels, as networks are trained on CIFAR.

Source: Lee et al., 2015, "Deeply-Supervised Nets"; He et al., 2016, "Deep Residual Learning for Image Recognition".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from dlkit.recipe.registry import Range, register

if TYPE_CHECKING:
    import tensorflow as tf


@register(kind="augmentation", on={"image": ["uint8", "float16", "float32", "float64"]})
def pad_and_crop(
    x: tf.Tensor,
    seed: tf.Tensor,
    /,
    *,
    padding: Annotated[int, Range(min=1)] = 4,
    mode: Literal["constant", "reflect", "symmetric"] = "constant",
) -> tf.Tensor:
    """Pads pictures on all four sides and cuts out a piece of the old size, for each picture at a place of its own.

    Keras's RandomCrop cuts a whole batch at one place, and gives a smaller picture.

    Args:
        x: Pictures of shape (batch, height, width, channels).
        seed: Stateless.
        padding: Pixels on each side.
        mode: What the padding holds: zeros, or the picture mirrored, without or with its edge. Mirrored padding is at most
            as wide as the picture.
    """
    import tensorflow as tf

    batch, height, width = tf.unstack(tf.shape(x)[:3])
    padded = tf.pad(x, [[0, 0], [padding, padding], [padding, padding], [0, 0]], mode=mode.upper())
    corners = tf.random.stateless_uniform([batch, 2], seed, 0, 2 * padding + 1, dtype=tf.int32)
    rows = corners[:, :1] + tf.range(height)
    columns = corners[:, 1:] + tf.range(width)
    return tf.gather(tf.gather(padded, rows, batch_dims=1), columns, axis=2, batch_dims=1)
