"""Finds a learning rate for a recipe, on its training examples alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras

from dlkit.errors import DlkitError
from dlkit.models.policy import dtype_policy
from dlkit.recipe.catalogue import catalogue
from dlkit.recipe.dump import to_yaml
from dlkit.recipe.facts import DataFacts
from dlkit.recipe.graph import Component
from dlkit.recipe.keys import Fold
from dlkit.recipe.load import Recipe
from dlkit.reporting.lr_plot import draw_rates
from dlkit.runs.atomic import write_json, write_text
from dlkit.runs.find import runs_root
from dlkit.runs.folder import new_folder
from dlkit.training.choice import choose_precision
from dlkit.training.determinism import seed_everything
from dlkit.training.lr_range import RateRange, measure_rates
from dlkit.training.stage import Planned, planned_stages
from dlkit.workflows.feeding import train_feed
from dlkit.workflows.other_runs import OtherRuns, saved_models
from dlkit.workflows.preparation import build_model, prepare
from dlkit.workflows.recipe_file import recipe_values
from dlkit.workflows.stages import compile_stage, freeze

# Arguments of optimizers that would blur the steps: an update of several, another learning rate, other weights.
_LEFT_OUT = ("gradient_accumulation_steps", "use_ema", "ema_momentum", "ema_overwrite_frequency")


@dataclass(frozen=True, slots=True)
class FoundRate:
    """What a learning-rate range test of a recipe found.

    Args:
        folder: Where `learning_rates.json`, the recipe and the figures are. It is no run.
        figure: The picture.
        measured: Rates and losses.
        present: The rate that the recipe has now, or that its schedule begins with; None where it has none.
        setting: The path of the recipe that the rate is to be set at.
    """

    folder: Path
    figure: Path
    measured: RateRange
    present: float | None
    setting: str


def find_learning_rate(
    recipe: Recipe,
    *,
    runs_dir: Path | None = None,
    started: Callable[[DataFacts], None] | None = None,
) -> FoundRate:
    """Trains a recipe at rates that grow from step to step, from its beginning; its data, loss, optimizer and batches.

    A schedule gives way to the rates of the test; of a recipe with stages, the first is tested. The validation and test
    examples are not looked at.

    Args:
        recipe: What `dlkit.load` gives.
        runs_dir: Where runs are kept.
        started: Told of the facts of the data, as soon as there are any.

    Raises:
        RecipeError: The recipe contradicts its data.
        DlkitError: Networks have optimizers of their own (`several-optimizers`), or the work failed.
    """
    if names := recipe.pattern_says("optimizers", ()):
        raise DlkitError(
            f"The test raises one learning rate, and `{recipe.name}` has one for each of {' and '.join(names)}.",
            f"Set them by hand: `training.optimizers.{names[0]}.learning_rate`, and so on.",
            "several-optimizers",
        )
    folds = recipe.config.data.folds
    if isinstance(folds, int):
        recipe = recipe.with_value(Fold(fold=1, of=folds).model_dump(), "data", "folds")
    prepared = prepare(recipe)
    recipe = prepared.recipe
    if started:
        started(recipe.facts)
    planned = planned_stages(recipe)[0]
    saved = saved_models(recipe, OtherRuns(runs_root(runs_dir)))
    precision = recipe.config.training.precision
    seed_everything(recipe.config.seed, recipe.config.deterministic)
    with dtype_policy(choose_precision().value if precision == "auto" else precision):
        model = build_model(prepared, saved).model
    freeze(model, recipe, planned.training)
    compile_stage(model, prepared, _with_plain_rate(planned))
    feed = train_feed(prepared, planned.training.steps_per_epoch)
    measured = measure_rates(model, feed)
    if len(measured.losses) < 3:
        raise DlkitError(
            "The loss is not a number from the first steps on, whatever the learning rate.",
            "Look for values in the data that are not numbers; `dlkit data` shows them.",
            "not-a-number",
        )
    present, setting = _written(planned, recipe)
    return _kept(recipe, measured, present, setting, new_folder(runs_root(runs_dir), recipe.name))


def _with_plain_rate(planned: Planned) -> Planned:
    """The stage with a learning rate that can be set, one step in a call and one update a step."""
    optimizer = _optimizer(planned)
    kept = {name: value for name, value in optimizer.arguments.items() if name not in _LEFT_OUT}
    changed = dataclasses.replace(optimizer, arguments={**kept, "learning_rate": 1e-7})
    update = {"optimizer": changed, "steps_per_execution": 1}
    return dataclasses.replace(planned, training=planned.training.model_copy(update=update))


def _optimizer(planned: Planned) -> Component:
    written = planned.training.optimizer
    return written if isinstance(written, Component) else Component("optimizer", written)


def _written(planned: Planned, recipe: Recipe) -> tuple[float | None, str]:
    """The rate that the recipe has, and the path where it is to be set."""
    optimizer = _optimizer(planned)
    own = recipe.config.training.optimizer
    path = "training.optimizer" if planned.training.optimizer == own else f"{planned.path}.optimizer"
    spec = catalogue().find("optimizer", optimizer.name)
    default = spec.arguments["learning_rate"].default if spec and "learning_rate" in spec.arguments else None
    rate = optimizer.arguments.get("learning_rate", default)
    if isinstance(rate, Component):
        if "initial_learning_rate" in rate.arguments:
            first = rate.arguments["initial_learning_rate"]
            return float(first), f"{path}.learning_rate.initial_learning_rate"
        return None, f"{path}.learning_rate"
    return None if rate is None else float(rate), f"{path}.learning_rate"


def _kept(recipe: Recipe, measured: RateRange, present: float | None, setting: str, folder: Path) -> FoundRate:
    write_text(folder / "recipe.yaml", to_yaml(recipe_values(recipe)))
    figure, _ = draw_rates(measured, present, folder / "figures")
    told = {
        "suggestion": measured.suggestion,
        "present": present,
        "set": setting,
        "rates": measured.rates.tolist(),
        "losses": measured.losses.tolist(),
        "smoothed": measured.smoothed.tolist(),
    }
    write_json(folder / "learning_rates.json", told)
    keras.backend.clear_session()
    return FoundRate(folder, figure, measured, present, setting)
