"""dlkit eject: a recipe as one script of plain Keras."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dlkit.cli.app import command
from dlkit.cli.options import AllowPlugins, Quick, Recipe, RunsDir, Settings
from dlkit.cli.output import Output


@command(
    "Recipes",
    "dlkit eject digits/cnn > digits_cnn.py",
    "dlkit eject digits/cnn --set training.epochs=5 --output digits_cnn.py",
)
def eject(
    out: Output,
    recipe: Recipe,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the script to a file.")
    ] = None,
    quick: Quick = False,
    settings: Settings = None,
    runs_dir: RunsDir = None,
    allow_plugins: AllowPlugins = False,
) -> None:
    """Prints a recipe as one Python script of plain Keras.

    The script loads the same data, builds, trains and evaluates the model without dlkit; on the same machine it ends in
    the same weights, bit for bit. What a script cannot hold is refused.
    """
    from dlkit.cli.start import start_tensorflow
    from dlkit.recipe.load import load

    loaded = load(recipe, settings or (), quick=quick, allow_plugins=allow_plugins)
    if loaded.config.data.preprocess or any(layer.kind == "run" for layer in loaded.model.layers.values()):
        start_tensorflow()  # what is prepared has to be fitted, to know its shape; a saved model is another room's
    from dlkit.workflows.eject import eject as ejected

    script = ejected(loaded, runs_dir)
    if output is None:
        out.document(script)
        return
    from dlkit.runs.atomic import write_text

    write_text(output, script)
    out.say(f"Written: {output}")
    out.result({"file": str(output), "text": script})
