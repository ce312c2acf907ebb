"""What a solved readout makes least."""

from __future__ import annotations

from typing import Any

import keras

from dlkit.models.solved_readout import answers_to_learn
from dlkit.recipe.registry import register


@keras.saving.register_keras_serializable("dlkit")
@register
class ReadoutError(keras.losses.Loss):
    """The mean squared error to what a readout is to answer: of classes 1 for the right one, -1 for the others."""

    def __init__(self, name: str = "readout_error", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The loss of a batch. Keras makes real numbers of the targets in here, after which classes look like numbers.

        Args:
            y_true: Classes of shape (batch, ...), labels or numbers of shape (batch, ..., units).
            y_pred: Answers of shape (batch, ..., units).
            sample_weight: A weight for each example.
        """
        ops = keras.ops
        y_true = answers_to_learn(ops.convert_to_tensor(y_true), ops.shape(y_pred))
        return super().__call__(y_true, y_pred, sample_weight)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The error of each example, of answers of shape (batch, ..., units)."""
        return keras.ops.mean(keras.ops.square(y_pred - keras.ops.cast(y_true, y_pred.dtype)), axis=-1)
