"""Trains a recipe: data, model, fit, test, all of it in a run folder."""

from __future__ import annotations

import functools
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import tensorflow as tf

from dlkit.data.fingerprint import fingerprint
from dlkit.errors import DlkitError
from dlkit.evaluation.evaluation import Evaluation
from dlkit.evaluation.expectation import compare
from dlkit.models.custom_layers import custom_layers
from dlkit.models.policy import dtype_policy
from dlkit.recipe.diagnostics import Diagnostic
from dlkit.recipe.facts import DataFacts
from dlkit.recipe.load import Recipe
from dlkit.runs.atomic import write_json, write_text
from dlkit.runs.find import runs_root
from dlkit.runs.folder import RunFolder
from dlkit.runs.provenance import provenance
from dlkit.training.checkpoints import Saved
from dlkit.training.determinism import seed_everything
from dlkit.training.devices import Devices
from dlkit.training.multi_worker import telling_lost_workers, wait_for_all
from dlkit.training.progress import Display, Displays, PlainDisplay, display_for
from dlkit.training.replicas import prepare_for_replicas
from dlkit.training.saver import Saver
from dlkit.training.stage import planned_stages
from dlkit.training.tensorflow_log import without_idle_warnings
from dlkit.workflows.choices import Choices, chosen_precision
from dlkit.workflows.devices import check_devices, devices_of, smallest_split, written_synchronized
from dlkit.workflows.evaluate import components, evaluate_model
from dlkit.workflows.generated import check_generated
from dlkit.workflows.leaks import leaks
from dlkit.workflows.other_runs import OtherRuns, Train, runs_compared, saved_models
from dlkit.workflows.predict import model_file
from dlkit.workflows.preparation import Kept, Prepared, batch_size_of, best_of, build_model, prepare
from dlkit.workflows.recipe_file import write_recipe
from dlkit.workflows.report import report_run
from dlkit.workflows.run import Run
from dlkit.workflows.stages import every_of, train_stages, weights_of_stages
from dlkit.workflows.tensorboard import show_test


@dataclass(frozen=True, slots=True)
class Trialled:
    """A training that others are chosen from: its test split is not looked at, and it has no report.

    Args:
        asked: Asked after every epoch, with how many there were, whether it ends there.
        kept: Has the data already, or keeps it.
    """

    asked: Callable[[int], bool] | None = None
    kept: Kept = field(default_factory=Kept)


def train(
    recipe: Recipe,
    *,
    runs_dir: Path | None = None,
    folder: RunFolder | None = None,
    display: Display | None = None,
    command: Sequence[str] | None = None,
    started: Callable[[RunFolder, DataFacts], None] | None = None,
    warned: Callable[[Diagnostic], None] | None = None,
    told: Callable[[str], None] | None = None,
    checked: Callable[[Prepared], None] | None = None,
    trialled: Trialled | None = None,
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
        told: Told what `auto` has chosen, a line each.
        checked: Given the recipe with its data before anything is made; what it raises ends the training.
        trialled: The recipe is trained as a trial of a search.

    Raises:
        RecipeError: The recipe contradicts its data.
        DlkitError: The work failed.
        Interrupted: By a signal; the run folder is whole, and `resume` goes on with it.
    """
    folds = recipe.config.data.folds
    if isinstance(folds, int):
        raise DlkitError(
            f"The recipe has {folds} folds, and `train` takes one of them.",
            f"Choose it with data.folds: {{fold: 1, of: {folds}}}, or train all with `dlkit.workflows.group.train_group`.",
            code="several-folds",
        )
    devices = devices_of(recipe)
    prepared = prepare(recipe, trialled.kept if trialled else None)
    check_devices(prepared.recipe, devices)
    if checked:
        checked(prepared)
    root = folder.root(recipe.name) if folder else runs_root(runs_dir)
    with writing_folder(devices, folder or functools.partial(RunFolder.create, root, recipe.name)) as run:
        if started:
            started(run, prepared.recipe.facts)
        for doubt in leaks(prepared):
            (warned or _warn)(doubt)
        with run.running(devices.workers):
            write_recipe(run, prepared.recipe, prepared.raw_features, prepared.scales)
            write_json(run.provenance, _provenance(prepared, command or sys.argv))
            return carry_out(prepared, run, root, devices, display, told, trialled=trialled)


@contextmanager
def writing_folder(devices: Devices, folder: RunFolder | Callable[[], RunFolder]) -> Iterator[RunFolder]:
    """The folder that this process writes a run into: of several that train together, only the chief's is kept."""
    if devices.is_chief:
        yield folder if isinstance(folder, RunFolder) else folder()
        return
    with tempfile.TemporaryDirectory(prefix="dlkit-worker-") as path:
        yield RunFolder(Path(path))


@without_idle_warnings()
def carry_out(
    prepared: Prepared,
    run: RunFolder,
    root: Path,
    devices: Devices,
    display: Display | None = None,
    told: Callable[[str], None] | None = None,
    saved: Saved | None = None,
    trialled: Trialled | None = None,
) -> Run:
    """Trains what is left of a run, and evaluates its best model on the test split.

    To be called inside ``with run.running():``.

    Args:
        prepared: The recipe with its data.
        run: Its folder; recipe.yaml is written.
        root: The folder that holds the runs.
        devices: What shares the work.
        display: As for `train`.
        told: As for `train`.
        saved: The state to go on from; None: from the beginning.
        trialled: As for `train`.

    Raises:
        As `train`.
    """
    recipe = prepared.recipe
    tell = told or (lambda line: None)
    start = saved.state if saved else None
    # Before anything is drawn, and so that a failure comes early: other runs may have to be trained first.
    others = OtherRuns.of(run, root, _training_others(root, devices, tell), recipe.allow_plugins)
    over = runs_compared(recipe, others)
    models = saved_models(recipe, others)
    weights = weights_of_stages(recipe, others, start)
    check_generated(prepared, components(recipe, "generation"), others, tell)
    others.keep(run)
    seed_everything(recipe.config.seed, recipe.config.deterministic)
    choices = Choices(run, tell)
    with devices.scope(), dtype_policy(chosen_precision(recipe, choices)):
        built = build_model(prepared, models)
    if needed := custom_layers(built.served):
        write_text(run.custom_layers, needed)
    if devices.replicas > 1:
        smallest_split(recipe, devices)
        prepare_for_replicas(built.model, written_synchronized(recipe))
        tell(f"devices: {devices.replicas} share every batch of {batch_size_of(recipe)}")
    saver = Saver(
        run,
        every_of(recipe),
        run.recipe.read_text(encoding="utf-8"),
        saved.seconds if saved else 0.0,
        by_clock=devices.workers == 1,
    )
    try:
        with telling_lost_workers(devices), run.log.open("a", encoding="utf-8", buffering=1) as log:
            train_stages(
                prepared,
                built,
                run,
                display=Displays([display or display_for(), PlainDisplay(log)]),
                saver=saver,
                choices=choices,
                weights=weights,
                tell=tell,
                devices=devices,
                start=start,
                asked=trialled.asked if trialled else None,
            )
    finally:
        saver.close()
    if trialled:
        return Run(run, allow_plugins=recipe.allow_plugins)
    evaluation = (
        evaluate_model(run, prepared, model_file(run, "best"), over, others) if devices.is_chief else Evaluation()
    )
    with telling_lost_workers(devices):
        wait_for_all(devices)
    expectations = compare(recipe.config.expect, evaluation.metrics, over)
    if devices.is_chief:
        report_run(run, recipe, built.model)
        show_test(run, recipe, evaluation)
    return Run(run, evaluation, expectations, allow_plugins=recipe.allow_plugins)


def _training_others(root: Path, devices: Devices, tell: Callable[[str], None]) -> Train | None:
    """What trains a recipe that another one refers to; several processes cannot stop for that."""

    def train_other(other: Recipe) -> RunFolder:
        meant = f"{other.name} yet, which the recipe refers to"
        tell(f"\nThere is no run of {meant}. It is trained first, with the seed {other.config.seed}:")
        run = train(other, runs_dir=root, told=tell).folder
        tell(f"The run of {other.name} is in {run.path}.\n")
        return run

    return train_other if devices.workers == 1 else None


def _warn(doubt: Diagnostic) -> None:
    warnings.warn(f"{doubt.message}; {doubt.cure}", stacklevel=3)


def _provenance(prepared: Prepared, command: Sequence[str]) -> dict[str, object]:
    recipe = prepared.recipe
    monitor, mode = best_of(recipe, planned_stages(recipe)[-1].training)
    return provenance(
        command=command,
        seeds={"seed": recipe.config.seed},
        data_fingerprint=fingerprint(prepared.loaded),
        chosen={"training.best": {"monitor": monitor, "mode": mode}},
        recipe_folder=recipe.path.parent if recipe.path else Path.cwd(),
        gpus=[device.name for device in tf.config.list_physical_devices("GPU")],
        logical_devices=len(tf.config.list_logical_devices("CPU")),
    )
