"""What values cost as draws from normal distributions around those that were told."""

from __future__ import annotations

import math
from typing import Annotated, Any

import keras

from dlkit.recipe.registry import Range, register


@keras.saving.register_keras_serializable("dlkit")
@register(likelihood=True)
class GaussianLikelihood(keras.losses.Loss):
    """The negative log-likelihood of an example under independent normal distributions of one deviation, in nats.

    Summed over all values of the example, not averaged: so it is on one scale with a Kullback-Leibler divergence. Of
    deviation 1 it is half the squared error, but for a constant; Kingma and Welling, 2013, arXiv:1312.6114, appendix C.2.

    Args:
        deviation: Of the distributions, in the units of the values.
    """

    def __init__(
        self,
        deviation: Annotated[float, Range(above=0)] = 1.0,
        name: str = "gaussian_likelihood",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.deviation = deviation

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each example.

        Args:
            y_true: Values of shape (batch, ...).
            y_pred: The means of their distributions, of the same shape.
        """
        ops = keras.ops
        size = (ops.shape(y_pred)[0], -1)
        true, told = (ops.reshape(each, size) for each in (ops.cast(y_true, y_pred.dtype), y_pred))
        constant = math.log(self.deviation) + 0.5 * math.log(2 * math.pi)
        return ops.sum(0.5 * ops.square((true - told) / self.deviation) + constant, axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "deviation": self.deviation}
