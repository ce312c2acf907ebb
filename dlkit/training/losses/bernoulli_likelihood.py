"""What values between 0 and 1 cost as outcomes of coin flips."""

from __future__ import annotations

from typing import Any

import keras

from dlkit.recipe.registry import register


@keras.saving.register_keras_serializable("dlkit")
@register(likelihood=True)
class BernoulliLikelihood(keras.losses.Loss):
    """The negative log-likelihood of an example under independent Bernoulli distributions, in nats.

    Summed over all values of the example, not averaged: so it is on one scale with a Kullback-Leibler divergence. Values
    between 0 and 1, as grays, count as shares of outcomes; Kingma and Welling, 2013, arXiv:1312.6114, appendix C.1.
    """

    def __init__(self, name: str = "bernoulli_likelihood", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each example.

        Args:
            y_true: Values between 0 and 1, of shape (batch, ...).
            y_pred: Probabilities, of the same shape.
        """
        ops = keras.ops
        size = (ops.shape(y_pred)[0], -1)
        true, told = (ops.reshape(each, size) for each in (ops.cast(y_true, y_pred.dtype), y_pred))
        return ops.sum(ops.binary_crossentropy(true, told), axis=-1)
