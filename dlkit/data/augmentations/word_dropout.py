"""Word dropout: a text without some of its words.

Source: Iyyer et al., 2015, "Deep Unordered Composition Rivals Syntactic Methods for Text Classification".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from dlkit.recipe.registry import Range, register

if TYPE_CHECKING:
    import tensorflow as tf


@register(kind="augmentation", on={"text": ["string"], "sequence": ["int32", "int64"]})
def word_dropout(x: tf.Tensor, seed: tf.Tensor, /, *, rate: Annotated[float, Range(min=0, below=1)] = 0.1) -> tf.Tensor:
    """Leaves out words, each with the same probability; the others move up. A text never loses all of its words.

    Args:
        x: Texts of shape (batch,), whose words are separated by white space; or token ids of shape (batch, length),
            padded at the end with 0.
        seed: Stateless.
        rate: Probability that a word is left out.
    """
    import tensorflow as tf

    if x.dtype != tf.string:
        return _without(x, tf.random.stateless_uniform(tf.shape(x), seed) < rate)
    words = tf.strings.split(x)
    kept = words.with_values(tf.random.stateless_uniform(tf.shape(words.values), seed) >= rate)
    left = tf.strings.reduce_join(tf.ragged.boolean_mask(words, kept), axis=-1, separator=" ")
    return tf.where(tf.reduce_any(kept, axis=-1), left, x)


def _without(ids: tf.Tensor, dropped: tf.Tensor) -> tf.Tensor:
    """The ids that are not dropped, and 0 behind them."""
    import tensorflow as tf

    is_left = (ids != 0) & ~dropped
    is_left |= (ids != 0) & ~tf.reduce_any(is_left, axis=-1, keepdims=True)
    front = tf.argsort(tf.cast(~is_left, tf.int32), axis=-1, stable=True)
    return tf.gather(tf.where(is_left, ids, 0), front, batch_dims=1)
