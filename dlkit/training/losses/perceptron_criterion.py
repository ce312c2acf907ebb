"""What the perceptron rule makes smaller."""

from __future__ import annotations

from typing import Any

import keras

from dlkit.recipe.registry import register


@keras.saving.register_keras_serializable("dlkit")
@register
class PerceptronCriterion(keras.losses.Loss):
    """How far the largest score lies above that of the right class: 0 where the right class has the largest.

    Its gradient step of rate 1 is the perceptron rule; Bishop (2006), "Pattern Recognition and Machine Learning",
    equation 4.54, for several classes as in Duda and Hart (1973), section 5.12.
    """

    def __init__(self, name: str = "perceptron_criterion", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each example.

        Args:
            y_true: Classes of shape (batch,) or (batch, 1).
            y_pred: Scores of shape (batch, classes).
        """
        ops = keras.ops
        right = ops.reshape(ops.cast(y_true, "int32"), (-1, 1))
        return ops.max(y_pred, axis=-1) - ops.take_along_axis(y_pred, right, axis=-1)[:, 0]
