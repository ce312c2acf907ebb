"""Losses and metrics of the script that are given something else than what the model gives."""

from __future__ import annotations

from typing import Any

import keras


class OfScaled(keras.losses.Loss):
    """A loss of targets and outputs that are brought to mean 0 and deviation 1 first."""

    def __init__(self, loss: keras.losses.Loss, mean: Any, deviation: Any) -> None:
        super().__init__(name=loss.name, reduction=loss.reduction)
        self.loss, self.mean, self.deviation = loss, mean, deviation

    def call(self, y_true: Any, y_pred: Any) -> Any:
        y_true = keras.ops.reshape(y_true, keras.ops.shape(y_pred))
        return self.loss.call(self.scaled(y_true), self.scaled(y_pred))

    def scaled(self, values: Any) -> Any:
        """The values with mean 0 and deviation 1."""
        mean, deviation = (keras.ops.cast(part, values.dtype) for part in (self.mean, self.deviation))
        return (values - mean) / deviation


class Wrapped(keras.metrics.Metric):
    """A metric that is given something else than the targets and what the model makes of them."""

    def __init__(self, metric: keras.metrics.Metric) -> None:
        super().__init__(name=metric.name)
        self.metric = metric

    def result(self) -> Any:
        return self.metric.result()

    def reset_state(self) -> None:
        self.metric.reset_state()


class OnProbabilities(Wrapped):
    """A metric that is given probabilities, where the model gives logits."""

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        is_single = y_pred.shape[-1] == 1
        given = keras.ops.sigmoid(y_pred) if is_single else keras.ops.softmax(y_pred, axis=-1)
        self.metric.update_state(y_true, given, sample_weight)


class OfTokens(Wrapped):
    """A metric of the tokens of sequences; padding, which is 0, does not count."""

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        counts = keras.ops.cast(keras.ops.not_equal(y_true, 0), "float32")
        self.metric.update_state(y_true, y_pred, counts)
