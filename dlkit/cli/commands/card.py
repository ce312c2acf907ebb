"""dlkit card: a model card for what a run has made."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Option

from dlkit.cli.app import command
from dlkit.cli.options import AllowPlugins, Run, RunsDir
from dlkit.cli.output import Output

Destination = Annotated[
    Path | None, Option("--output", metavar="FILE", help="Write it to a file, as README.md, instead of printing it.")
]


@command(
    "Runs",
    "dlkit card latest",
    "dlkit card fashion_mnist/cnn > README.md",
    "dlkit card latest --output README.md",
)
def card(
    out: Output,
    run: Run,
    output: Destination = None,
    runs_dir: RunsDir = None,
    allow_plugins: AllowPlugins = False,
) -> None:
    """Prints a model card: the model, its data, results and limits.

    It tells how to use the model and each of its exports. It is Markdown below a front matter that Hugging Face's Hub
    reads. The license is yours to add.
    """
    from dlkit.runs.atomic import write_text
    from dlkit.runs.find import runs_root
    from dlkit.workflows.card import card as card_of
    from dlkit.workflows.finished import find_any

    text = card_of(find_any(run, runs_root(runs_dir)), allow_plugins=allow_plugins)
    if output is None:
        out.document(text)
        return
    write_text(output, text)
    out.say(f"The card is {output}")
    out.result({"text": text, "file": str(output.resolve())})
