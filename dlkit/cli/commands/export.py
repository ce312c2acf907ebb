"""dlkit export: writes a run's model as a file for other programs."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from dlkit.cli.app import command
from dlkit.cli.options import AllowPlugins, Run, RunsDir, Which
from dlkit.cli.output import Output
from dlkit.errors import DlkitError

if TYPE_CHECKING:
    from dlkit.workflows.export import Exported

Format = Annotated[
    str | None,
    typer.Option("--format", metavar="FORMAT", help="savedmodel, onnx or litert; else as the recipe's `export` says."),
]
Quantize = Annotated[
    str | None,
    typer.Option(
        "--quantize", metavar="float16|int8", help="Write smaller numbers, with ranges from training examples."
    ),
]
Prune = Annotated[
    float | None,
    typer.Option(
        "--prune", metavar="S", min=0.0, max=0.99, help="Set the smallest weights to zero, a share of S of all."
    ),
]
FinetuneEpochs = Annotated[
    int | None,
    typer.Option("--finetune-epochs", metavar="N", min=0, help="With --prune: train on for N epochs; else 0."),
]
Tolerance = Annotated[
    float | None,
    typer.Option(
        "--tolerance",
        metavar="T",
        min=0.0,
        help="What the file may lose: of the outputs, 1e-4 of the largest one; quantized or pruned, 0.02 of the metric.",
    ),
]
Examples = Annotated[
    int | None,
    typer.Option(
        "--examples", metavar="N", min=1, help="Compare on the first N examples of the test split; else on all."
    ),
]


@command(
    "Runs",
    "dlkit export latest --format onnx",
    "dlkit export fashion_mnist/cnn --format litert --quantize int8",
    "dlkit export latest --format onnx --prune 0.8 --finetune-epochs 3",
    "dlkit export imdb/transformer --format savedmodel --model last",
)
def export(
    out: Output,
    run: Run,
    format: Format = None,
    quantize: Quantize = None,
    prune: Prune = None,
    finetune_epochs: FinetuneEpochs = None,
    tolerance: Tolerance = None,
    examples: Examples = None,
    which: Which = "best",
    runs_dir: RunsDir = None,
    allow_plugins: AllowPlugins = False,
) -> None:
    """Writes a run's model as a file that runs without dlkit.

    The file is kept in RUN/exports. Before that it is run on the test split by its own runtime, and its outputs and metrics
    are compared with the model's; one that differs by more than the tolerance is not kept.
    """
    from dlkit.export.settings import settings_of
    from dlkit.recipe.load import load
    from dlkit.runs.find import find_run, runs_root

    folder = find_run(run, runs_root(runs_dir))
    recipe = load(folder.recipe, allow_plugins=allow_plugins, others=False)
    given = {
        "format": format,
        "quantize": quantize,
        "prune": prune,
        "finetune_epochs": finetune_epochs,
        "tolerance": tolerance,
    }
    try:
        settings = settings_of(recipe.config.export, given)
    except DlkitError as error:
        raise typer.BadParameter(f"{error.message} {error.cure}") from error
    out.say(f"{which} model of {folder.path}")
    from dlkit.cli.start import start_tensorflow

    start_tensorflow()
    from dlkit.workflows.export import export as export_run

    exported = export_run(folder, settings, which=which, examples=examples, allow_plugins=allow_plugins, told=out.say)
    _show(out, exported)
    out.result({"export": str(exported.folder.resolve()), **asdict(exported.manifest)})


def _show(out: Output, exported: Exported) -> None:
    from dlkit.evaluation.number_text import number_text

    found = exported.manifest
    rows = [
        ("largest difference", "", f"{found.largest_difference:.3g} of {found.scale:.3g}"),
        *((name, number_text(each["before"]), number_text(each["after"])) for name, each in found.metrics.items()),
        ("size", _bytes(found.bytes_before), _bytes(found.bytes)),
        *(("time a sample", *(_seconds(found.seconds_per_sample[when]) for when in ("before", "after"))),),
    ]
    out.table({"": "left", "model": "right", exported.folder.name: "right"}, rows)
    out.say(f"\n{exported.deployment}\nThe file is {exported.file}. Next:\n  dlkit predict {exported.folder} INPUT...")


def _bytes(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.1f} kB"


def _seconds(seconds: float) -> str:
    return f"{seconds * 1e3:.3g} ms"
