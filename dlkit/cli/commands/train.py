"""dlkit train: trains a recipe and tests what came out."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

from typer import BadParameter, Option

from dlkit.cli.app import command
from dlkit.cli.options import AllowPlugins, Quick, Recipe, RunsDir, Settings
from dlkit.cli.output import Output

if TYPE_CHECKING:
    from dlkit.evaluation.expectation import Expectation
    from dlkit.recipe.diagnostics import Diagnostic
    from dlkit.recipe.facts import DataFacts
    from dlkit.recipe.load import Recipe as Loaded
    from dlkit.runs.folder import RunFolder
    from dlkit.workflows.folds import Folds
    from dlkit.workflows.run import Run

Fold = Annotated[int | None, Option("--fold", metavar="K", help="Train one of the recipe's folds only, from 1.")]


@command(
    "Training",
    "dlkit train digits/cnn",
    "dlkit train mine.yaml --quick",
    "dlkit train digits/cnn --set data.folds=5 --fold 2",
    "dlkit train fashion_mnist/cnn --set training.epochs=5 --set training.optimizer.learning_rate=3e-4",
)
def train(
    out: Output,
    recipe: Recipe,
    quick: Quick = False,
    fold: Fold = None,
    settings: Settings = None,
    runs_dir: RunsDir = None,
    allow_plugins: AllowPlugins = False,
) -> None:
    """Trains a recipe and tests the best model.

    The recipe, the models, metrics and curves are kept in a run folder of their own, also after Ctrl-C. A recipe with
    `data.folds` is trained once for each fold, or for the one that --fold names.
    """
    from dlkit.cli.start import start_tensorflow
    from dlkit.recipe.load import load

    loaded = load(recipe, settings or (), quick=quick, allow_plugins=allow_plugins)
    if fold is not None:
        loaded = _one_fold(loaded, fold)
    for warning in loaded.warnings:
        out.tell_diagnostics(f"{warning.render()}\n")
    out.say(": ".join(filter(None, [loaded.name, loaded.config.summary])))
    typed = ["dlkit", *out.words]
    folders: list[RunFolder] = []

    def started(folder: RunFolder, facts: DataFacts) -> None:
        folders[:] = [folder]
        sizes = (("train", facts.train_size), ("validation", facts.validation_size), ("test", facts.test_size))
        out.say("data: " + ", ".join(f"{size:,} {split}" for split, size in sizes if size))
        out.say(f"run folder: {folder.path}")

    def warned(doubt: Diagnostic) -> None:
        out.tell_diagnostics(f"\n{doubt.render()}\n")

    def started_fold(number: int, folder: RunFolder, facts: DataFacts) -> None:
        out.say(f"\nfold {number} of {loaded.config.data.folds}")
        started(folder, facts)

    where = f" --runs-dir {shlex.quote(str(runs_dir))}" if runs_dir else ""
    with _telling_where(folders, typed):
        start_tensorflow()
        if isinstance(loaded.config.data.folds, int):
            from dlkit.workflows.folds import train_folds

            folds = train_folds(loaded, runs_dir=runs_dir, command=typed, started=started_fold, warned=warned)
            _report_folds(out, folds, where)
            return
        from dlkit.workflows.train import train as train_recipe

        run = train_recipe(loaded, runs_dir=runs_dir, command=typed, started=started, warned=warned)
    _report(out, run, where)


def _one_fold(recipe: Loaded, fold: int) -> Loaded:
    """The recipe for one of its folds."""
    folds = recipe.config.data.folds
    if not isinstance(folds, int):
        told = "has no folds" if folds is None else f"is for fold {folds.fold} of {folds.of} already"
        raise BadParameter(f"the recipe {told}; `data.folds: 5` makes five", param_hint="--fold")
    if not 1 <= fold <= folds:
        raise BadParameter(f"the recipe has the folds 1 to {folds}, not {fold}", param_hint="--fold")
    return recipe.with_value({"fold": fold, "of": folds}, "data", "folds")


@contextmanager
def _telling_where(folders: list[RunFolder], typed: list[str]) -> Iterator[None]:
    """Adds to an interruption where its run is, and how to start again."""
    try:
        yield
    except KeyboardInterrupt as interruption:
        where = f"The run folder is {folders[0].path}" if folders else "There is no run folder yet"
        interruption.add_note(f"{where}; a run cannot be resumed, so start again: {shlex.join(typed)}")
        raise


def _report(out: Output, run: Run, where: str) -> None:
    out.say()
    out.table(
        {"metric": "left", "value": "right", "expected": "left"},
        [(name, f"{value:.4f}", _expected(run.expectations, name)) for name, value in run.metrics.items()],
    )
    _say_expectations(out, run.expectations)
    out.say(f"\nThe run is in {run.folder.path}. Next:")
    out.say(f"  dlkit predict latest INPUT...{where}\n  dlkit tensorboard{where}")
    out.result(
        {
            "run": str(run.folder.path.resolve()),
            "metrics": dict(run.metrics),
            "expectations": [asdict(found) for found in run.expectations],
        }
    )


def _report_folds(out: Output, folds: Folds, where: str) -> None:
    out.say()
    out.table(
        {"metric": "left", "mean": "right", "deviation": "right", "expected": "left"},
        [
            (name, f"{mean:.4f}", f"{folds.deviations[name]:.4f}", _expected(folds.expectations, name))
            for name, mean in folds.metrics.items()
        ],
    )
    _say_expectations(out, folds.expectations)
    out.say(f"\nThe runs of the {len(folds.runs)} folds are in {folds.folder.path}. Next:\n  dlkit runs{where}")
    out.result(
        {
            "run": str(folds.folder.path.resolve()),
            "metrics": dict(folds.metrics),
            "deviations": dict(folds.deviations),
            "members": [{"run": str(run.folder.path.resolve()), "metrics": dict(run.metrics)} for run in folds.runs],
            "expectations": [asdict(found) for found in folds.expectations],
        }
    )


def _say_expectations(out: Output, expectations: Sequence[Expectation]) -> None:
    missed = [found.metric for found in expectations if not found.met]
    if expectations:
        out.say("\nIt falls short of what the recipe expects." if missed else "\nIt reaches what the recipe expects.")


def _expected(expectations: Sequence[Expectation], metric: str) -> str:
    bounds = [found for found in expectations if found.metric == metric]
    return ", ".join(f"{found.bound}: {'met' if found.met else 'not met'}" for found in bounds)
