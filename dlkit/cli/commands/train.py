"""dlkit train: trains a recipe and tests what came out."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated

from typer import BadParameter, Option

from dlkit.cli.app import command
from dlkit.cli.launching import launch_workers
from dlkit.cli.options import AllowPlugins, LogicalDevices, Quick, Recipe, RunsDir, Seeds, Settings, Workers
from dlkit.cli.output import Output
from dlkit.cli.trained import report_group, report_run, telling_how_to_resume

if TYPE_CHECKING:
    from pathlib import Path

    from dlkit.recipe.facts import DataFacts
    from dlkit.recipe.load import Recipe as Loaded
    from dlkit.runs.folder import RunFolder
    from dlkit.workflows.members import Members

Fold = Annotated[int | None, Option("--fold", metavar="K", help="Train one of the recipe's folds only, from 1.")]

FindLearningRate = Annotated[
    bool, Option("--find-lr", help="Find a learning rate instead: some steps at growing rates, and a plot of the loss.")
]


@command(
    "Training",
    "dlkit train digits/cnn",
    "dlkit train digits/cnn --find-lr",
    "dlkit train digits/cnn --seeds 3",
    "dlkit train mine.yaml --quick",
    "dlkit train digits/cnn --set data.folds=5 --fold 2",
    "dlkit train fashion_mnist/cnn --set training.epochs=5 --set training.optimizer.learning_rate=3e-4",
)
def train(
    out: Output,
    recipe: Recipe,
    quick: Quick = False,
    fold: Fold = None,
    seeds: Seeds = None,
    find_lr: FindLearningRate = False,
    workers: Workers = None,
    logical_devices: LogicalDevices = None,
    settings: Settings = None,
    runs_dir: RunsDir = None,
    allow_plugins: AllowPlugins = False,
) -> None:
    """Trains a recipe and tests the best model.

    The recipe, the models, metrics and curves are kept in a run folder of their own, also after Ctrl-C. A recipe with
    `data.folds` is trained once for each fold, or for the one that --fold names; with --seeds, once for each seed.
    """
    from dlkit.cli.start import start_tensorflow
    from dlkit.recipe.load import load

    loaded = load(recipe, settings or (), quick=quick, allow_plugins=allow_plugins)
    _check_options(fold, seeds, find_lr, workers, logical_devices)
    if fold is not None:
        loaded = _one_fold(loaded, fold)
    if logical_devices and loaded.config.training.strategy == "none":
        loaded = loaded.with_value("mirrored", "training", "strategy")
    members = _members(loaded, seeds)
    for warning in loaded.warnings:
        out.tell_diagnostics(f"{warning.render()}\n")
    if workers:
        if members:
            raise BadParameter("folds are trained one after another; choose one with --fold", param_hint="--workers")
        launch_workers(out, workers, "--set", "training.strategy=multi_worker")
    out.say(": ".join(filter(None, [loaded.name, loaded.config.summary])))
    typed = ["dlkit", *out.words]
    folders: list[RunFolder] = []

    def started(folder: RunFolder, facts: DataFacts) -> None:
        folders[:] = [folder]
        sizes = (("train", facts.train_size), ("validation", facts.validation_size), ("test", facts.test_size))
        out.say("data: " + ", ".join(f"{size:,} {split}" for split, size in sizes if size))
        out.say(f"run folder: {folder.path}")

    def started_member(label: str, folder: RunFolder, facts: DataFacts) -> None:
        out.say(f"\n{label}")
        started(folder, facts)

    if find_lr:
        _find_learning_rate(out, loaded, recipe, runs_dir)
        return
    where = f" --runs-dir {shlex.quote(str(runs_dir))}" if runs_dir else ""
    with telling_how_to_resume(folders, typed):
        start_tensorflow(logical_devices)
        if members:
            from dlkit.workflows.group import train_group

            group = train_group(
                members, runs_dir=runs_dir, command=typed, started=started_member, warned=out.warn, told=out.say
            )
            report_group(out, group, where)
            return
        from dlkit.workflows.train import train as train_recipe

        run = train_recipe(loaded, runs_dir=runs_dir, command=typed, started=started, warned=out.warn, told=out.say)
    report_run(out, run, where)


def _members(recipe: Loaded, seeds: int | None) -> Members | None:
    """What is trained one after another; None: the recipe alone."""
    from dlkit.workflows.members import folds_of, seeds_of

    if seeds:
        return seeds_of(recipe, seeds)
    return folds_of(recipe) if isinstance(recipe.config.data.folds, int) else None


def _check_options(
    fold: int | None, seeds: int | None, find_lr: bool, workers: int | None, logical_devices: int | None
) -> None:
    """Refuses options that do not go together."""
    if seeds and find_lr:
        raise BadParameter("the learning rate is looked for with one seed", param_hint="--seeds")
    if seeds and fold is not None:
        told = "one fold is one run; several seeds of it take --set data.folds='{fold: 1, of: 5}'"
        raise BadParameter(told, param_hint="--seeds")
    if seeds and workers:
        raise BadParameter("seeds are trained one after another; choose one with --set seed=1", param_hint="--workers")
    if find_lr and (workers or logical_devices):
        raise BadParameter("the learning rate is looked for on one device", param_hint="--find-lr")
    if workers and logical_devices:
        raise BadParameter("several processes have a device each; take one of the two", param_hint="--logical-devices")


def _find_learning_rate(out: Output, loaded: Loaded, recipe: str, runs_dir: Path | None) -> None:
    """Answers --find-lr."""
    from dlkit.cli.start import start_tensorflow

    start_tensorflow()
    from dlkit.workflows.find_lr import find_learning_rate

    found = find_learning_rate(loaded, runs_dir=runs_dir)
    suggestion, measured = found.measured.suggestion, found.measured
    has = "" if found.present is None else f" The recipe has {found.present:.2g}."
    if suggestion is None:
        out.say(
            f"The loss falls at no rate from {measured.rates[0]:.0e} to {measured.rates[-1]:.2g}: see the plot.{has}"
        )
    else:
        out.say(f"The loss falls most steeply at a learning rate of {suggestion:.2g}.{has}")
        out.say(f"It is lowest at {measured.rates[measured.lowest]:.2g}: take less than that.")
    out.say(f"\nThe plot is {found.figure}.")
    if suggestion is not None:
        out.say(f"Next:\n  dlkit train {shlex.quote(recipe)} --set {found.setting}={suggestion:.2g}")
    out.result(
        {
            "run": str(found.folder.resolve()),
            "metrics": {},
            "suggestion": suggestion,
            "set": found.setting,
            "rates": measured.rates.tolist(),
            "losses": measured.losses.tolist(),
        }
    )


def _one_fold(recipe: Loaded, fold: int) -> Loaded:
    """The recipe for one of its folds."""
    folds = recipe.config.data.folds
    if not isinstance(folds, int):
        told = "has no folds" if folds is None else f"is for fold {folds.fold} of {folds.of} already"
        raise BadParameter(f"the recipe {told}; `data.folds: 5` makes five", param_hint="--fold")
    if not 1 <= fold <= folds:
        raise BadParameter(f"the recipe has the folds 1 to {folds}, not {fold}", param_hint="--fold")
    return recipe.with_value({"fold": fold, "of": folds}, "data", "folds")
