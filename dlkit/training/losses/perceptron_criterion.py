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
        classes = ops.reshape(ops.cast(y_true, "int32"), (-1,))
        right = ops.one_hot(classes, y_pred.shape[-1], dtype=y_pred.dtype)
        return ops.max(y_pred, axis=-1) - ops.sum(right * y_pred, axis=-1)
