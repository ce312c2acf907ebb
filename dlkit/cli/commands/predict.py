"""dlkit predict: says what a run's model makes of new examples, or how it goes on with a text."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dlkit.cli.app import command
from dlkit.cli.options import AllowPlugins, Run, RunsDir, Which
from dlkit.cli.output import Output

if TYPE_CHECKING:
    from dlkit.workflows.predict import Predicted, Prediction

_RUNNERS_UP = 2

Inputs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="INPUT",
        help="Pictures, folders of pictures, CSV files with a header, .npy arrays.",
        show_default=False,
    ),
]


Prompt = Annotated[
    str | None, typer.Option("--prompt", metavar="TEXT", help="A text that a language model goes on with.")
]
Tokens = Annotated[
    int | None, typer.Option("--tokens", metavar="N", min=1, help="With --prompt: how many tokens it writes; else 500.")
]
Temperature = Annotated[
    float | None,
    typer.Option(
        "--temperature", metavar="T", min=0.0, help="With --prompt: above 1 more by chance, 0 not at all; else 0.8."
    ),
]
TopK = Annotated[
    int | None,
    typer.Option("--top-k", metavar="K", min=1, help="With --prompt: choose among the K most likely tokens only."),
]
Seed = Annotated[
    int | None,
    typer.Option("--seed", metavar="N", min=0, help="With --prompt: another text than the recipe's seed gives."),
]
Beams = Annotated[
    int | None,
    typer.Option(
        "--beams",
        metavar="N",
        min=1,
        help="Of a sequence that is written token by token, as a caption: how many beginnings are kept; else 3.",
    ),
]


@command(
    "Runs",
    "dlkit predict latest photo.png",
    "dlkit predict digits/cnn scans/ --json",
    "dlkit predict latest rows.csv",
    "dlkit predict runs/digits/cnn/20261121-170722-abb7/exports/onnx photo.png",
    "dlkit predict captions/show_and_tell picture.png --beams 5",
    "dlkit predict shakespeare/gpt --prompt 'ROMEO:' --tokens 300 --top-k 20",
)
def predict(
    out: Output,
    run: Run,
    inputs: Inputs = None,
    prompt: Prompt = None,
    tokens: Tokens = None,
    temperature: Temperature = None,
    top_k: TopK = None,
    seed: Seed = None,
    beams: Beams = None,
    which: Which = "best",
    runs_dir: RunsDir = None,
    allow_plugins: AllowPlugins = False,
) -> None:
    """Predicts for new examples, or goes on with a text.

    Of classes it tells the most likely one with its probability, and the runners-up; of a text in a picture what it reads;
    of a sequence that is written token by token, as a caption, the most likely one that is found; of a map the nearest unit.
    """
    if (prompt is None) == (not inputs):
        raise typer.BadParameter("give files to predict for, or a text to go on with: `--prompt TEXT`")
    how: dict[str, Any] = {"length": tokens, "temperature": temperature, "top_k": top_k, "seed": seed}
    given = {name: value for name, value in how.items() if value is not None}
    if prompt is None and given:
        raise typer.BadParameter("--tokens, --temperature, --top-k and --seed belong to `--prompt TEXT`")
    if prompt is not None and beams is not None:
        raise typer.BadParameter("--beams belongs to files to predict for")
    from dlkit.cli.start import start_tensorflow
    from dlkit.runs.exports import Manifest, find_export
    from dlkit.runs.find import find_run, runs_root
    from dlkit.runs.folder import RunFolder

    if exported := find_export(run):
        manifest, folder = Manifest.read(exported), RunFolder(exported)
        if which == "last" and manifest.model != which:
            raise typer.BadParameter(f"{exported} holds the {manifest.model} model; --model belongs to a run")
        which = manifest.model
        out.say(f"{manifest.format} export in {exported}")
    else:
        folder = find_run(run, runs_root(runs_dir))
        out.say(f"{which} model of {folder.path}")
    start_tensorflow()
    if prompt is not None:
        from dlkit.workflows.generate import generate

        written = generate(folder, prompt, **given, which=which, allow_plugins=allow_plugins)
        out.document(prompt + written)
        return
    from dlkit.workflows.predict import predict as predict_with

    predicted = predict_with(folder, inputs or [], beams=beams, which=which, allow_plugins=allow_plugins)
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
        if not any(row[-1] for row in rows):  # as of sequences
            columns, rows = columns[:-1], [row[:-1] for row in rows]
    out.table(dict.fromkeys(columns, "left"), rows)


def _told(prediction: Prediction) -> str:
    value = prediction.value
    if prediction.probabilities is not None:
        return f"{value} ({next(iter(prediction.probabilities.values())):.3f})"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_number(each)}" for name, each in value.items() if each is not None)
    return ", ".join(map(_number, value if isinstance(value, list) else [value]))


def _number(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _with_runners_up(prediction: Prediction) -> tuple[str, str, str]:
    first, *others = (prediction.probabilities or {}).items()
    return first[0], f"{first[1]:.3f}", ", ".join(f"{name} {share:.3f}" for name, share in others[:_RUNNERS_UP])
