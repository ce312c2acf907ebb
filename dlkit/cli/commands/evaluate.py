"""dlkit evaluate: tests the model of a run again."""

from __future__ import annotations

from typing import Annotated

import typer

from dlkit.cli.app import command
from dlkit.cli.options import AllowPlugins, Run, RunsDir, Which
from dlkit.cli.output import Output
from dlkit.cli.trained import report_evaluation


@command(
    "Runs",
    "dlkit evaluate latest",
    "dlkit evaluate fashion_mnist/cnn --model last",
    "dlkit evaluate latest --data new.csv",
)
def evaluate(
    out: Output,
    run: Run,
    which: Which = "best",
    data: Annotated[
        str | None, typer.Option("--data", metavar="PATH", help="Measure on this data, read as the recipe's own is.")
    ] = None,
    runs_dir: RunsDir = None,
    allow_plugins: AllowPlugins = False,
) -> None:
    """Measures a run's model on the test split again, or on other data."""
    from dlkit.cli.start import start_tensorflow
    from dlkit.runs.find import find_run, runs_root

    folder = find_run(run, runs_root(runs_dir))
    out.say(f"{which} model of {folder.path}")
    start_tensorflow()
    from dlkit.workflows.evaluate import evaluate as evaluate_run

    found = evaluate_run(folder, which=which, data=data, allow_plugins=allow_plugins)
    report_evaluation(out, found)
    run_path = str(folder.path.resolve())
    out.result({"run": run_path, "metrics": dict(found.metrics), "intervals": dict(found.intervals)})
