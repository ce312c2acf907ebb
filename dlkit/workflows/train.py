"""Trains a recipe: data, model, fit, test, all of it in a run folder."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from dlkit.data.feed import Feed
from dlkit.data.fingerprint import fingerprint
from dlkit.errors import DlkitError
from dlkit.evaluation.expectation import compare
from dlkit.models.instantiate import instantiate
from dlkit.recipe.diagnostics import Diagnostic
from dlkit.recipe.durations import in_updates
from dlkit.recipe.facts import DataFacts
from dlkit.recipe.graph import Component
from dlkit.recipe.load import Recipe
from dlkit.runs.atomic import write_json
from dlkit.runs.find import runs_root
from dlkit.runs.folder import RunFolder
from dlkit.runs.provenance import provenance
from dlkit.training.compiling import compile_model
from dlkit.training.determinism import seed_everything
from dlkit.training.fit import fit
from dlkit.training.progress import Display, Displays, PlainDisplay, display_for
from dlkit.training.tensorboard import default_tensorboard
from dlkit.workflows.evaluate import evaluate_model
from dlkit.workflows.feeding import plain_feed, train_feed
from dlkit.workflows.leaks import leaks
from dlkit.workflows.predict import model_file
from dlkit.workflows.preparation import Prepared, best_of, build_model, prepare
from dlkit.workflows.recipe_file import write_recipe
from dlkit.workflows.run import Run

# Arguments of Keras's callbacks that name a file or folder to write: relative ones lie in the run folder.
_WRITTEN = {"CSVLogger": "filename", "ModelCheckpoint": "filepath", "TensorBoard": "log_dir"}


def train(
    recipe: Recipe,
    *,
    runs_dir: Path | None = None,
    folder: RunFolder | None = None,
    display: Display | None = None,
    command: Sequence[str] | None = None,
    started: Callable[[RunFolder, DataFacts], None] | None = None,
    warned: Callable[[Diagnostic], None] | None = None,
) -> Run:
    """Trains a recipe and evaluates its best model on the test split, once.

    Args:
        recipe: What `dlkit.load` gives.
        runs_dir: Where runs are kept; DLKIT_RUNS_DIR or `./runs` where it is None.
        folder: The run folder, where it was made already, as that of a member of a group.
        display: Shows the progress; what suits standard error where it is None.
        command: The command line, for the provenance.
        started: Told of the run folder and the facts of the data, as soon as there are any.
        warned: Told of what the data makes doubtful; Python warns where it is None.

    Raises:
        RecipeError: The recipe asks for what is not available, or contradicts its data.
        DlkitError: The work failed.
        Interrupted: By a signal; the run folder is whole.
    """
    folds = recipe.config.data.folds
    if isinstance(folds, int):
        raise DlkitError(
            f"The recipe has {folds} folds, and `train` takes one of them.",
            f"Choose it with data.folds: {{fold: 1, of: {folds}}}, or train all with `dlkit.workflows.folds.train_folds`.",
            code="several-folds",
        )
    prepared = prepare(recipe)
    recipe = prepared.recipe
    run = folder or RunFolder.create(runs_root(runs_dir), recipe.name)
    if started:
        started(run, recipe.facts)
    for doubt in leaks(prepared):
        (warned or _warn)(doubt)
    with run.running():
        write_recipe(run, recipe, prepared.raw_features, prepared.scales)
        seed_everything(recipe.config.seed, recipe.config.deterministic)
        built = build_model(prepared)
        _write_provenance(run, prepared, command or sys.argv)
        compile_for_training(built.model, prepared)
        with run.log.open("a", encoding="utf-8", buffering=1) as log:
            training, validation = feeds(prepared)
            fit(
                built.model,
                training,
                validation,
                run=run,
                stage="train",
                epochs=recipe.config.training.epochs,
                best=best_of(recipe),
                callbacks=callbacks(recipe, run),
                display=Displays([display or display_for(), PlainDisplay(log)]),
                served=built.served,
                unit=_unit(recipe),
            )
        metrics = evaluate_model(run, prepared, model_file(run, "best"))
    return Run(run, metrics, compare(recipe.config.expect, metrics), allow_plugins=recipe.allow_plugins)


def _warn(doubt: Diagnostic) -> None:
    warnings.warn(f"{doubt.message}; {doubt.cure}", stacklevel=3)


def feeds(prepared: Prepared) -> tuple[Feed, Feed | None]:
    """The training examples in their order of each epoch, and the validation examples, if any."""
    validation = prepared.splits.validation
    return train_feed(prepared), None if validation is None else plain_feed(prepared, validation)


def _unit(recipe: Recipe) -> str:
    """What an example is called while it is counted."""
    kinds = {feature.kind for feature in recipe.facts.features.values()}
    return "images" if "image" in kinds else "rows" if kinds == {"vector"} else "examples"


def compile_for_training(model: keras.Model, prepared: Prepared) -> None:
    """Compiles a model as the recipe's training says."""
    recipe = prepared.recipe
    training = recipe.config.training
    optimizer = (
        training.optimizer if isinstance(training.optimizer, Component) else Component("optimizer", training.optimizer)
    )
    accumulated = optimizer.arguments.get("gradient_accumulation_steps") or 1
    assert recipe.facts.steps_per_epoch is not None
    updates = max(1, recipe.facts.steps_per_epoch // accumulated)
    compile_model(
        model,
        recipe.supervisions,
        in_updates(optimizer, recipe.components, training.epochs, updates),
        loss_weights=training.loss_weights,
        scales=prepared.scales,
        jit_compile=bool(training.jit_compile),
        steps_per_execution=int(training.steps_per_execution),
    )


def callbacks(recipe: Recipe, run: RunFolder) -> list[keras.callbacks.Callback]:
    """The recipe's callbacks, what they write kept in the run folder, and TensorBoard's where the recipe has none."""
    made = []
    for component in recipe.config.training.callbacks:
        key = _WRITTEN.get(component.name)
        default = str(run.tensorboard) if component.name == "TensorBoard" else None
        written = component.arguments.get(key, default) if key else None
        where: dict[str, Any] = {key: str(run.path / written)} if key and written else {}
        made.append(instantiate(component, **where))
    if not any(isinstance(callback, keras.callbacks.TensorBoard) for callback in made):
        made.append(default_tensorboard(run))
    return made


def _write_provenance(run: RunFolder, prepared: Prepared, command: Sequence[str]) -> None:
    recipe = prepared.recipe
    folder = recipe.path.parent if recipe.path else Path.cwd()
    monitor, mode = best_of(recipe)
    write_json(
        run.provenance,
        provenance(
            command=command,
            seeds={"seed": recipe.config.seed},
            data_fingerprint=fingerprint(prepared.loaded),
            chosen={"training.best": {"monitor": monitor, "mode": mode}},
            recipe_folder=folder,
            gpus=[device.name for device in tf.config.list_physical_devices("GPU")],
        ),
    )
