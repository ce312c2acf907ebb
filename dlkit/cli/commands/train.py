"""dlkit train: trains a recipe and tests what came out."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

from dlkit.cli.app import command
from dlkit.cli.options import AllowPlugins, Quick, Recipe, RunsDir, Settings
from dlkit.cli.output import Output

if TYPE_CHECKING:
    from dlkit.recipe.diagnostics import Diagnostic
    from dlkit.recipe.facts import DataFacts
    from dlkit.runs.folder import RunFolder
    from dlkit.workflows.run import Run


@command(
    "Training",
    "dlkit train digits/cnn",
    "dlkit train mine.yaml --quick",
    "dlkit train fashion_mnist/cnn --set training.epochs=5 --set training.optimizer.learning_rate=3e-4",
)
def train(
    out: Output,
    recipe: Recipe,
    quick: Quick = False,
    settings: Settings = None,
    runs_dir: RunsDir = None,
    allow_plugins: AllowPlugins = False,
) -> None:
    """Trains a recipe and tests the best model.

    The recipe, the models, metrics and curves are kept in a run folder of their own, also after Ctrl-C.
    """
    from dlkit.cli.start import start_tensorflow
    from dlkit.recipe.load import load

    loaded = load(recipe, settings or (), quick=quick, allow_plugins=allow_plugins)
    for warning in loaded.warnings:
        out.tell_diagnostics(f"{warning.render()}\n")
    out.say(": ".join(filter(None, [loaded.name, loaded.config.summary])))
    typed = ["dlkit", *out.words]
    folders: list[RunFolder] = []

    def started(folder: RunFolder, facts: DataFacts) -> None:
        folders.append(folder)
        sizes = (("train", facts.train_size), ("validation", facts.validation_size), ("test", facts.test_size))
        out.say("data: " + ", ".join(f"{size:,} {split}" for split, size in sizes if size))
        out.say(f"run folder: {folder.path}")

    def warned(doubt: Diagnostic) -> None:
        out.tell_diagnostics(f"\n{doubt.render()}\n")

    with _telling_where(folders, typed):
        start_tensorflow()
        from dlkit.workflows.train import train as train_recipe

        run = train_recipe(loaded, runs_dir=runs_dir, command=typed, started=started, warned=warned)
    _report(out, run, f" --runs-dir {shlex.quote(str(runs_dir))}" if runs_dir else "")


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
        [(name, f"{value:.4f}", _expected(run, name)) for name, value in run.metrics.items()],
    )
    missed = [found.metric for found in run.expectations if not found.met]
    if run.expectations:
        out.say("\nIt falls short of what the recipe expects." if missed else "\nIt reaches what the recipe expects.")
    out.say(f"\nThe run is in {run.folder.path}. Next:")
    out.say(f"  dlkit predict latest INPUT...{where}\n  dlkit tensorboard{where}")
    out.result(
        {
            "run": str(run.folder.path.resolve()),
            "metrics": dict(run.metrics),
            "expectations": [asdict(found) for found in run.expectations],
        }
    )


def _expected(run: Run, metric: str) -> str:
    bounds = [found for found in run.expectations if found.metric == metric]
    return ", ".join(f"{found.bound}: {'met' if found.met else 'not met'}" for found in bounds)
