"""What a trial makes of a recipe, and what its run says of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dlkit.errors import DlkitError
from dlkit.evaluation.best_epoch import best_line
from dlkit.evaluation.direction import direction_of_name
from dlkit.recipe.load import Recipe, varied
from dlkit.tuning.trials import Trial

STOP_AFTER = "training.stop_after"


def nothing_to_search(name: str) -> DlkitError:
    """What to say of a recipe that is to be searched and has no `tune`."""
    return DlkitError(
        f"The recipe {name} says nothing that is to be searched: it has no `tune`, or all of its space is set.",
        "Say it: `tune: {algorithm: {random: {trials: 20}}, objective: val_loss, "
        "space: {training.optimizer.learning_rate: {float: [1e-4, 1e-2], sampling: log}}}`.",
        "no-search",
    )


def objective_of(recipe: Recipe) -> str:
    """The metric that a search makes best.

    Raises:
        DlkitError: The recipe has no search (`no-search`).
    """
    if recipe.config.tune is None:
        raise nothing_to_search(recipe.name)
    return recipe.config.tune.objective


def direction_of(recipe: Recipe) -> str:
    """Whether the objective of a search is to become small (`min`) or large (`max`).

    Raises:
        DlkitError: Its name does not tell (`unknown-direction`).
    """
    objective = objective_of(recipe)
    tune = recipe.config.tune
    found = direction_of_name(objective) if tune is None or tune.direction == "auto" else tune.direction
    if found is None:
        raise DlkitError(
            f"Whether more or less of `{objective}` is better, its name does not tell.",
            "Say so: `tune.direction: max`, or `min`.",
            "unknown-direction",
        )
    return found


def stop_after(recipe: Recipe, trial: Trial) -> dict[str, int] | None:
    """When the training of a trial ends, where that is before its last epoch."""
    if trial.epochs is None or trial.epochs >= recipe.config.training.total_epochs:
        return None
    return {"epochs": trial.epochs}


def trial_recipe(recipe: Recipe, trial: Trial) -> Recipe:
    """The recipe of a trial, trainable as it is.

    Where the recipe does not say by what the best epoch is chosen, it is the objective.

    Raises:
        RecipeError: The values do not fit.
    """
    settings: dict[str, Any] = dict(trial.settings)
    if "best" not in recipe.config.training.model_fields_set:
        settings["training.best"] = {"monitor": objective_of(recipe), "mode": direction_of(recipe)}
    made = varied(recipe, settings)
    ends = stop_after(made, trial)
    return varied(recipe, {**settings, STOP_AFTER: ends}) if ends else made


def score_of(lines: Sequence[Mapping[str, Any]], recipe: Recipe) -> float | None:
    """The objective at the epoch whose model is kept.

    Args:
        lines: What metrics.jsonl of the trial holds.
        recipe: That of the sweep.
    """
    objective, best = objective_of(recipe), recipe.config.training.best
    monitor, mode = objective, direction_of(recipe)
    if "best" in recipe.config.training.model_fields_set and best.monitor != objective:
        known = direction_of_name(best.monitor) if best.mode == "auto" else best.mode
        monitor, mode = (best.monitor, known) if known else (monitor, mode)
    place = best_line(lines, monitor, mode)
    return None if place is None else lines[place].get(objective)


def scores_by_epoch(lines: Sequence[Mapping[str, Any]], recipe: Recipe) -> list[float]:
    """The objective after each epoch of a trial, as far as it is a number."""
    found = [line.get(objective_of(recipe)) for line in lines]
    return [value for value in found if isinstance(value, float)]
