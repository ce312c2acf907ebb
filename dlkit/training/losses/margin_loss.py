"""The loss of capsule networks."""

from __future__ import annotations

from typing import Annotated, Any

import keras

from dlkit.recipe.registry import Range, register


@keras.saving.register_keras_serializable("dlkit")
@register
class MarginLoss(keras.losses.Loss):
    """A margin for each class: the output of the right class is to be long, that of every other one short.

    `max(0, present - output)^2` for the class that is there, `absent_weight * max(0, output - absent)^2` for the others;
    Sabour, Frosst and Hinton, 2017, "Dynamic Routing Between Capsules", arXiv:1710.09829, equation 4.

    Args:
        present: From where on the output of a class that is there costs nothing.
        absent: Up to where the output of a class that is not there costs nothing.
        absent_weight: Weight of the classes that are not there.
    """

    def __init__(
        self,
        present: Annotated[float, Range(min=0, max=1)] = 0.9,
        absent: Annotated[float, Range(min=0, max=1)] = 0.1,
        absent_weight: Annotated[float, Range(min=0)] = 0.5,
        name: str = "margin_loss",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.present = present
        self.absent = absent
        self.absent_weight = absent_weight

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each example.

        Args:
            y_true: Classes of shape (batch,) or (batch, 1), or shares of them of shape (batch, classes).
            y_pred: Lengths between 0 and 1, of shape (batch, classes).
        """
        ops = keras.ops
        classes = y_pred.shape[-1]
        if len(y_true.shape) == 2 and y_true.shape[-1] == classes > 1:
            there = ops.cast(y_true, y_pred.dtype)
        else:
            there = ops.one_hot(ops.reshape(ops.cast(y_true, "int32"), (-1,)), classes, dtype=y_pred.dtype)
        too_short = ops.square(ops.relu(self.present - y_pred))
        too_long = ops.square(ops.relu(y_pred - self.absent))
        return ops.sum(there * too_short + self.absent_weight * (1.0 - there) * too_long, axis=-1)

    def get_config(self) -> dict[str, Any]:
        own = {"present": self.present, "absent": self.absent, "absent_weight": self.absent_weight}
        return {**super().get_config(), **own}
