"""What a self-organizing map makes smaller."""

from __future__ import annotations

from typing import Any

import keras

from dlkit.recipe.registry import register


@keras.saving.register_keras_serializable("dlkit")
@register
class QuantizationError(keras.losses.Loss):
    """The distance of an example to the nearest unit: the mean over examples is the quantization error of a map.

    Kohonen (2001), "Self-Organizing Maps", section 3.13.
    """

    def __init__(self, name: str = "quantization_error", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each example.

        Args:
            y_true: Not looked at.
            y_pred: Distances of shape (batch, units).
        """
        return keras.ops.min(y_pred, axis=-1)
