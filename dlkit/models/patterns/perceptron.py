"""The perceptron (Rosenblatt, 1958, "The perceptron", Psychological Review 65)."""

from __future__ import annotations

from typing import Annotated, Any

import keras

from dlkit.models.pattern import Pattern
from dlkit.recipe.registry import Range, register


@register(
    kind="pattern",
    layers=["Flatten", {"Dense": {"units": "$data.classes", "kernel_initializer": "zeros", "name": "scores"}}],
    loss="perceptron_criterion",
    best="val_accuracy",
    replicas=False,
    gradients=False,
)
class Perceptron(Pattern):
    """One layer of threshold units, which learns by the perceptron rule: only from what it gets wrong.

    For an example whose largest score is that of another class, its values are added to the weights of the right class
    and taken from those of the wrong one. It ends with no mistake if a line, or for several classes lines, can tell the
    classes apart (Novikoff, 1962); it does not otherwise, as for XOR (Minsky and Papert, 1969). With `data.batch_size: 1`
    that is Rosenblatt's rule; a larger batch adds up the corrections of its examples.

    Args:
        learning_rate: What corrections are multiplied by. It does not change what is learned, only its scale, since all
            weights begin at 0.
    """

    def __init__(
        self, inputs: Any, outputs: Any, /, *, learning_rate: Annotated[float, Range(above=0)] = 1.0, **kwargs: Any
    ) -> None:
        super().__init__(inputs, outputs, **kwargs)
        self.learning_rate = learning_rate

    def train_step(self, data: Any) -> dict[str, Any]:
        """One correction, of the examples of a batch that are told wrong."""
        ops = keras.ops
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        scores = self(x, training=True)
        loss = self.compute_loss(x, y, scores, sample_weight)
        layer = self.layers[-1]
        classes = scores.shape[-1]
        right = ops.one_hot(ops.reshape(ops.cast(y, "int32"), (-1,)), classes, dtype=scores.dtype)
        told = ops.one_hot(ops.argmax(scores, axis=-1), classes, dtype=scores.dtype)
        correction = self.learning_rate * (right - told)
        if sample_weight is not None:
            correction = correction * ops.reshape(ops.cast(sample_weight, scores.dtype), (-1, 1))
        values = ops.cast(ops.reshape(x, (ops.shape(x)[0], -1)), scores.dtype)
        layer.kernel.assign_add(ops.matmul(ops.transpose(values), correction))
        layer.bias.assign_add(ops.sum(correction, axis=0))
        self._loss_tracker.update_state(loss, sample_weight=ops.shape(x)[0])
        return self.compute_metrics(x, y, scores, sample_weight)
