"""Compiles a model: losses, metrics and optimizer of a recipe, by output."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from dlkit.models.instantiate import instantiate
from dlkit.models.pattern import Pattern
from dlkit.models.scaling import Scale
from dlkit.recipe.facts import PADDING
from dlkit.recipe.graph import Component
from dlkit.recipe.supervision import Supervision, metric_name
from dlkit.training import backend

# Metrics that take logits when they are told so; the others are given probabilities.
_KNOWS_LOGITS = {"BinaryCrossentropy", "CategoricalCrossentropy", "SparseCategoricalCrossentropy"}
# Metrics for which a softmax changes nothing: they look at the largest output.
_RANKS = {
    "SparseCategoricalAccuracy",
    "CategoricalAccuracy",
    "SparseTopKCategoricalAccuracy",
    "TopKCategoricalAccuracy",
}
_OF_NUMBERS = {
    *(
        "MeanSquaredError",
        "RootMeanSquaredError",
        "MeanAbsoluteError",
        "MeanAbsolutePercentageError",
        "MeanSquaredLogarithmicError",
    ),
    *("R2Score", "LogCoshError", "CosineSimilarity", "PearsonCorrelation", "ConcordanceCorrelation"),
}


class Wrapped(keras.metrics.Metric):
    """A metric that is given something else than the targets and what the model makes of them.

    Args:
        metric: The metric, under whose name it is logged.
    """

    def __init__(self, metric: keras.metrics.Metric) -> None:
        super().__init__(name=metric.name)
        self.metric = metric
        self._direction = getattr(metric, "_direction", None)

    def result(self) -> Any:
        return self.metric.result()

    def reset_state(self) -> None:
        self.metric.reset_state()


class OnProbabilities(Wrapped):
    """A metric with a threshold, given probabilities where the model gives logits."""

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        self.metric.update_state(y_true, probabilities(y_pred), sample_weight)


class OfScaled(keras.losses.Loss):
    """A loss of targets and outputs that are brought to mean 0 and deviation 1 first.

    Args:
        loss: The loss, under whose name it is known.
        scale: Of the target.
    """

    def __init__(self, loss: keras.losses.Loss, scale: Scale) -> None:
        super().__init__(name=loss.name, reduction=loss.reduction)
        self.loss = loss
        self.scale = scale

    def call(self, y_true: Any, y_pred: Any) -> Any:
        # Its own `call` is the loss of each example; the reduction and the sample weights are this one's.
        y_true = keras.ops.reshape(y_true, keras.ops.shape(y_pred))
        return self.loss.call(self._scaled(y_true), self._scaled(y_pred))

    def _scaled(self, values: Any) -> Any:
        mean, deviation = (keras.ops.cast(part, values.dtype) for part in (self.scale.mean, self.scale.deviation))
        return (values - mean) / deviation


class OnMajority(Wrapped):
    """A metric of two classes, given the class that mixed labels are for the most part."""

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        self.metric.update_state(keras.ops.round(y_true), y_pred, sample_weight)


class OfTokens(Wrapped):
    """A metric of the tokens of sequences: each counts the same, those that are padding do not count."""

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        counts = keras.ops.cast(keras.ops.not_equal(y_true, PADDING), "float32")
        if sample_weight is not None:
            counts = counts * keras.ops.reshape(keras.ops.cast(sample_weight, "float32"), (-1, 1))
        self.metric.update_state(y_true, y_pred, counts)


def probabilities(logits: Any) -> Any:
    """Softmax over the last axis, or the sigmoid of a single output."""
    return keras.ops.sigmoid(logits) if logits.shape[-1] == 1 else keras.ops.softmax(logits, axis=-1)


def compile_model(
    model: keras.Model,
    supervisions: Mapping[str, Supervision],
    optimizers: Mapping[str, Component] | None,
    *,
    loss_weights: Mapping[str, float] | None = None,
    more_metrics: tuple[Component, ...] = (),
    scales: Mapping[str, Scale] | None = None,
    jit_compile: bool = False,
    steps_per_execution: int = 1,
) -> None:
    """Compiles a model with the losses and metrics of its outputs.

    Args:
        model: A built model.
        supervisions: By target; the model's outputs are a mapping by target where there are several.
        optimizers: By the networks that have one each, or one under no name; with durations in steps already. None for a
            model that is only evaluated.
        loss_weights: By target; 1 where none is given.
        more_metrics: Metrics of every output besides those of `supervisions`.
        scales: Of the targets whose loss is taken of scaled values.
        jit_compile: Whether XLA compiles the step.
        steps_per_execution: Steps run in one call of the compiled function.
    """
    losses = {target: instantiate(found.loss) for target, found in supervisions.items()}
    losses |= {target: OfScaled(losses[target], scale) for target, scale in (scales or {}).items() if target in losses}
    metrics = {
        target: [
            OfTokens(made) if found.forced else made
            for metric in (*found.metrics, *more_metrics)
            for made in (make_metric(metric, found.logits, found.shares),)
        ]
        for target, found in supervisions.items()
    }
    single = len(supervisions) == 1
    made = {name: instantiate(each) for name, each in (optimizers or {"": Component("optimizer", "RMSprop")}).items()}
    if isinstance(model, Pattern):
        model.differentiate, model.call_numpy = backend.differentiate, backend.call_numpy
    model.compile(
        optimizer=made.get("", made),
        loss=next(iter(losses.values())) if single else losses,
        loss_weights=None if single else {target: (loss_weights or {}).get(target, 1.0) for target in losses},
        metrics=next(iter(metrics.values())) if single else metrics,
        jit_compile=jit_compile,
        steps_per_execution=steps_per_execution,
    )


def make_metric(metric: Component, logits: bool, shares: int | None = None) -> keras.metrics.Metric:
    """The Keras metric, given what it measures on.

    Args:
        logits: Whether the output is logits.
        shares: Where labels are mixed, the shares that the target holds.
    """
    if logits and metric.name in _KNOWS_LOGITS:
        return instantiate(metric, from_logits=True, name=metric_name(metric))
    made = instantiate(metric, name=metric_name(metric))
    if shares == 1 and metric.name not in _KNOWS_LOGITS | _OF_NUMBERS:
        made = OnMajority(made)
    return OnProbabilities(made) if logits and metric.name not in _RANKS | _OF_NUMBERS else made
