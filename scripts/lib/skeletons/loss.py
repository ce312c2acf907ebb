"""What is it called, and which paper is it from?"""

from __future__ import annotations

from typing import Any

import keras

from dlkit.recipe.registry import register


@keras.saving.register_keras_serializable("dlkit")
@register(name="some_name")
class SomeName(keras.losses.Loss):
    """What does it make smaller, in one line?"""

    def __init__(self, name: str = "some_name", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each example.

        Args:
            y_true: Of shape (batch, values).
            y_pred: Of the same shape.
        """
        ops = keras.ops
        return ops.mean(ops.abs(ops.cast(y_true, y_pred.dtype) - y_pred), axis=-1)
