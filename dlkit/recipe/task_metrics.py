"""Which task a target is, and the names of what is measured of it besides the recipe's own metrics."""

from __future__ import annotations

from collections.abc import Iterator

from dlkit.recipe.facts import Target
from dlkit.recipe.graph import Component

TOP = 5  # of the accuracy among the most likely classes, where there are more classes than that

STEPS = 84  # that a free run takes where a recipe does not say; the default of `free_running`
ALWAYS = "persistence"  # the baseline that every forecast is held against
_OF_CLASSES = ("precision", "recall", "f1")
_OF_TASK = {
    "regression": ("mean_absolute_error", "root_mean_squared_error", "r2", "nrmse"),
    "forecasting": ("mean_absolute_error", "root_mean_squared_error", "r2", "nrmse"),
    "language_modelling": ("perplexity", "bits_per_token", "bits_per_character", "accuracy"),
    "self_organization": ("quantization_error", "topographic_error"),
    "reconstruction": ("mean_squared_error", "root_mean_squared_error", "psnr"),
    "generation": ("real_accuracy", "generated_accuracy", "diversity"),
    "sequence_output": ("exact_match", "edit_distance", "token_error_rate"),
}


def task_of(target: Target) -> str:
    """The task of predicting a target, by what is known of it."""
    if target.task:
        return target.task
    match target.kind:
        case "classes":
            return "language_modelling" if target.shape != () else "classification"
        case "number":
            return "regression" if target.continues is None else "forecasting"
        case "sequence":
            return "sequence_output"
        case "inputs":
            return "reconstruction"
    return target.kind


def task_metrics(target: Target) -> Iterator[str]:
    """The names of what is measured of a target, as far as they are known before there are predictions."""
    task = task_of(target)
    yield from _OF_TASK.get(task, ())
    yield from target.measures
    if task == "self_organization" and target.held_against:
        yield "accuracy"
    if task == "forecasting":
        yield from baseline_metrics(ALWAYS, task)
    if task not in ("classification", "multi_label"):
        return
    averages = ["macro", "weighted"]
    if task == "multi_label":
        yield "exact_match"
        averages.append("micro")
    else:
        yield "accuracy"
        if target.classes is None or target.classes > TOP:
            yield f"top_{TOP}_accuracy"
        if target.classes is None or target.classes == 2:
            yield from _OF_CLASSES
    for average in averages:
        yield from (f"{name}_{average}" for name in _OF_CLASSES)
    yield from ("auc", "average_precision", "log_loss", "ece")


def baseline_metrics(baseline: str, task: str) -> tuple[str, ...]:
    """The names of what is measured of a model held against a baseline, as `dlkit.evaluation.held_against` does it."""
    if task == "classification":
        return (f"{baseline}_accuracy",)
    if task == "reconstruction":
        told = (f"{baseline}_mean_squared_error", f"skill_over_{baseline}")
        return (*told, f"{baseline}_psnr", f"psnr_gain_over_{baseline}")
    return (f"{baseline}_mean_absolute_error", f"skill_over_{baseline}")


def rollout_metric(rollout: Component) -> str:
    """The name of what is measured of a model that runs free, as `nrmse84`.

    Args:
        rollout: As the recipe writes it, its arguments checked.
    """
    return f"nrmse{rollout.arguments.get('steps', STEPS)}"
