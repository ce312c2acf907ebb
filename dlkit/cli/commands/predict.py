"""dlkit predict: says what a run's model makes of new examples."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from dlkit.cli.app import command
from dlkit.cli.options import AllowPlugins, Run, RunsDir, Which
from dlkit.cli.output import Output

if TYPE_CHECKING:
    from dlkit.workflows.predict import Predicted, Prediction

_RUNNERS_UP = 2

Inputs = Annotated[
    list[str],
    typer.Argument(
        metavar="INPUT",
        help="Pictures, folders of pictures, CSV files with a header, .npy arrays.",
        show_default=False,
    ),
]


@command(
    "Runs", "dlkit predict latest photo.png", "dlkit predict digits/cnn scans/ --json", "dlkit predict latest rows.csv"
)
def predict(
    out: Output,
    run: Run,
    inputs: Inputs,
    which: Which = "best",
    runs_dir: RunsDir = None,
    allow_plugins: AllowPlugins = False,
) -> None:
    """Predicts for new examples.

    Of classes it tells the most likely one with its probability, and the runners-up.
    """
    from dlkit.cli.start import start_tensorflow
    from dlkit.runs.find import find_run, runs_root

    folder = find_run(run, runs_root(runs_dir))
    out.say(f"{which} model of {folder.path}")
    start_tensorflow()
    from dlkit.workflows.predict import predict as predict_with

    predicted = predict_with(folder, inputs, which=which, allow_plugins=allow_plugins)
    _show(out, predicted)
    out.result({"predictions": [asdict(row) for row in predicted]})


def _show(out: Output, predicted: list[Predicted]) -> None:
    """A column for each target; of a single target, also its probability and the runners-up."""
    if not predicted:
        return
    targets = list(predicted[0].targets)
    if len(targets) > 1 or predicted[0].targets[targets[0]].probabilities is None:
        columns = ["input", *targets]
        rows = [[row.row, *(_told(prediction) for prediction in row.targets.values())] for row in predicted]
    else:
        columns = ["input", targets[0], "probability", "next"]
        rows = [[row.row, *_with_runners_up(row.targets[targets[0]])] for row in predicted]
    out.table(dict.fromkeys(columns, "left"), rows)


def _told(prediction: Prediction) -> str:
    value = prediction.value
    if prediction.probabilities is not None:
        return f"{value} ({next(iter(prediction.probabilities.values())):.3f})"
    return ", ".join(f"{number:.6g}" for number in (value if isinstance(value, list) else [value]))


def _with_runners_up(prediction: Prediction) -> tuple[str, str, str]:
    first, *others = (prediction.probabilities or {}).items()
    return first[0], f"{first[1]:.3f}", ", ".join(f"{name} {share:.3f}" for name, share in others[:_RUNNERS_UP])
