"""Losses and metrics that do not fit what they are held against: each with what is wrong and the cure."""

from __future__ import annotations

from dlkit.recipe.catalogue import catalogue
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
CTC = "CTC"
_COIN_FLIPS = "bernoulli_likelihood"
_KINDS = {"classes": "one of some classes", "multi_label": "several labels", "number": "a number"}


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
    if loss.name == CTC:
        return _of_ctc_target(facts, target, units)
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


def _of_ctc_target(facts: Target | None, target: str, units: int | None) -> Contradiction | None:
    """What is wrong with connectionist temporal classification for a target."""
    if facts is None:
        return None
    if facts.kind != "sequence":
        return f"CTC is for sequences, and `{target}` is {_KINDS[facts.kind]}", "leave the loss out"
    if facts.classes and units not in (None, facts.classes):
        outputs = "is one output" if units == 1 else f"are {units} outputs"
        message = f"CTC wants an output for each of the {facts.classes} classes of `{target}`, the blank among them, "
        return f"{message}and there {outputs}", "give the last layer as many `units` as there are classes"
    return None


def of_activation(loss: Component, activation: str | None, is_logits: bool | None) -> Contradiction | None:
    """What is wrong with a crossentropy, with CTC or with a likelihood, on an output of this activation.

    Args:
        activation: None: not known.
        is_logits: Whether such an output is logits; None: neither logits nor probabilities.
    """
    if loss.name == CTC and activation is not None and not is_logits:
        message = f"CTC takes logits, and the output's activation is `{activation}`"
        return message, "leave the activation out: the loss takes the softmax itself"
    if loss.name == _COIN_FLIPS and activation not in (None, "sigmoid", "hard_sigmoid"):
        message = f"{loss.name} wants a probability for each value, and the output's activation is `{activation}`"
        return message, "make the output's activation `sigmoid`, or write `training.loss: gaussian_likelihood`"
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


def of_metric_beside(loss: Component, metric: Component, target: str) -> Contradiction | None:
    """What is wrong with a metric of Keras's beside a loss."""
    if loss.name != CTC or catalogue().find("metric", metric.name) is None:
        return None
    message = f"{metric.name} compares step by step, and CTC leaves open which step tells which part of `{target}`"
    return message, "leave the metrics out: exact matches and edit distances are measured in the end"


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
