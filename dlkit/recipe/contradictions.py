"""Losses and metrics that do not fit what they are held against: each with what is wrong and the cure."""

from __future__ import annotations

from dlkit.recipe.facts import Target
from dlkit.recipe.graph import Component

Contradiction = tuple[str, str]  # what is wrong, and the cure

_BINARY = {"BinaryCrossentropy", "BinaryFocalCrossentropy"}
CROSSENTROPIES = {
    *_BINARY,
    *("CategoricalCrossentropy", "CategoricalFocalCrossentropy", "SparseCategoricalCrossentropy"),
}
_ONE_HOT = {
    *("CategoricalCrossentropy", "CategoricalFocalCrossentropy", "CategoricalGeneralizedCrossEntropy"),
    *("CategoricalHinge", "KLDivergence"),
}
_REGRESSION = {
    *("MeanSquaredError", "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanSquaredLogarithmicError"),
    *("Huber", "LogCosh", "Poisson"),
}
_ONE_HOT_METRICS = {
    *("CategoricalAccuracy", "TopKCategoricalAccuracy", "CategoricalCrossentropy", "CategoricalHinge"),
    *("KLDivergence", "F1Score", "FBetaScore", "OneHotIoU", "OneHotMeanIoU"),
}
_BINARY_METRICS = {
    *("BinaryAccuracy", "BinaryCrossentropy", "BinaryIoU", "Precision", "Recall", "AUC"),
    *("TruePositives", "TrueNegatives", "FalsePositives", "FalseNegatives"),
    *("PrecisionAtRecall", "RecallAtPrecision", "SensitivityAtSpecificity", "SpecificityAtSensitivity"),
}
_SPARSE_METRICS = {"SparseCategoricalAccuracy", "SparseTopKCategoricalAccuracy", "SparseCategoricalCrossentropy"}


def of_target(
    loss: Component, facts: Target | None, target: str, units: int | None, mixed_by: str | None = None
) -> Contradiction | None:
    """What is wrong with a loss for its target.

    Args:
        target: The target's name.
        units: The size of the output; None: not known.
        mixed_by: The augmentation that mixes labels, if there is one: the target then holds shares of the classes.
    """
    kind, classes = (facts.kind, facts.classes) if facts else (None, None)
    sparse = f"use {'' if mixed_by else 'Sparse'}CategoricalCrossentropy, or leave the loss out"
    if kind == "classes" and mixed_by and loss.name == "SparseCategoricalCrossentropy":
        wanted = "BinaryCrossentropy" if units == 1 else "CategoricalCrossentropy"
        message = f"{loss.name} wants class numbers, and {mixed_by} mixes those of `{target}`"
        return message, f"write {wanted}, or leave the loss out"
    if kind == "number" and loss.name in CROSSENTROPIES | _ONE_HOT:
        return f"{loss.name} is for classes, and `{target}` is a number", "use MeanSquaredError, or leave the loss out"
    if kind == "multi_label" and loss.name == "SparseCategoricalCrossentropy":
        message = f"{loss.name} wants one class an example, and `{target}` may hold several"
        return message, "use BinaryCrossentropy, or leave the loss out"
    if kind == "classes" and loss.name in _ONE_HOT and (not mixed_by or units == 1):
        return f"{loss.name} wants one-hot targets, and `{target}` holds class numbers", sparse
    if kind == "classes" and loss.name in _REGRESSION and units != 1:
        return f"{loss.name} is for numbers, and `{target}` holds class numbers", sparse
    if kind == "classes" and loss.name in _BINARY and (classes or 2) > 2:
        return f"{loss.name} tells two classes apart, and `{target}` has {classes}", sparse
    if kind == "classes" and loss.name in _BINARY and units not in (None, 1):
        return f"{loss.name} wants one output, and there are {units}", f"write `units: 1`, or {sparse}"
    if loss.name == "SparseCategoricalCrossentropy" and units == 1:
        message = "SparseCategoricalCrossentropy wants an output for each class, and there is one"
        return message, "use BinaryCrossentropy, or `units: $data.classes`"
    return None


def of_activation(loss: Component, activation: str | None, is_logits: bool | None) -> Contradiction | None:
    """What is wrong with a crossentropy on an output of this activation.

    Args:
        activation: None: not known.
        is_logits: Whether such an output is logits; None: neither logits nor probabilities.
    """
    if loss.name not in CROSSENTROPIES or activation is None:
        return None
    if is_logits is None:
        message = f"{loss.name} wants probabilities or logits, and the output's activation is `{activation}`"
        return message, "make the output's activation `linear`, `softmax` or `sigmoid`"
    written = loss.arguments.get("from_logits")
    if isinstance(written, bool) and written != is_logits:
        message = f"`from_logits: {str(written).lower()}` contradicts the output, whose activation is `{activation}`"
        return message, "leave `from_logits` out: it follows the activation"
    return None


def of_metric(
    metric: Component, facts: Target | None, target: str, units: int | None, mixed_by: str | None = None
) -> Contradiction | None:
    """What is wrong with a metric for its target."""
    kind, name = facts.kind if facts else None, metric.name
    if kind == "number" and name in {"Accuracy"} | _ONE_HOT_METRICS | _BINARY_METRICS | _SPARSE_METRICS:
        return f"{name} is for classes, and `{target}` is a number", "use MeanAbsoluteError, or leave the metrics out"
    if kind != "classes":
        return None
    if mixed_by and units != 1:
        return _of_metric_of_shares(name, target, mixed_by)
    cure = f"use Sparse{name}" if f"Sparse{name}" in _SPARSE_METRICS else "use SparseCategoricalAccuracy"
    if name in _ONE_HOT_METRICS:
        return f"{name} wants one-hot targets, and `{target}` holds class numbers", cure
    if name in _BINARY_METRICS and units is not None and units > 1:
        return f"{name} tells two classes apart, and there are {units} outputs", "use SparseCategoricalAccuracy"
    if name == "Accuracy":
        wanted = "BinaryAccuracy" if units == 1 else "SparseCategoricalAccuracy"
        return f"Accuracy holds outputs to be classes, and compares them with `{target}` as they are", f"use {wanted}"
    return None


def _of_metric_of_shares(name: str, target: str, mixed_by: str) -> Contradiction | None:
    """What is wrong with a metric for a target that holds shares of the classes."""
    if name in _SPARSE_METRICS | {"Accuracy"}:
        cure = f"use {name.removeprefix('Sparse')}" if name in _SPARSE_METRICS else "use CategoricalAccuracy"
        return f"{name} wants class numbers, and {mixed_by} mixes those of `{target}`", cure
    return None
