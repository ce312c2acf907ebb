"""dlkit show: a recipe with everything it extends."""

from __future__ import annotations

from typing import Annotated

import typer

from dlkit.cli.app import command
from dlkit.cli.options import AllowPlugins, Quick, Recipe, Settings
from dlkit.cli.output import Output


@command(
    "Recipes",
    "dlkit show digits/cnn",
    "dlkit show digits/cnn --origin",
    "dlkit show digits/cnn --set training.epochs=5 > mine.yaml",
)
def show(
    out: Output,
    recipe: Recipe,
    origin: Annotated[bool, typer.Option("--origin", help="Tell the file and line of each value.")] = False,
    quick: Quick = False,
    settings: Settings = None,
    allow_plugins: AllowPlugins = False,
) -> None:
    """Prints a recipe with all that it extends.

    What is printed is one file, which can be trained as it is.
    """
    from dlkit.recipe.load import load

    loaded = load(recipe, settings or (), quick=quick, allow_plugins=allow_plugins)
    if origin:
        from dlkit.recipe.origin import with_origins

        out.document(with_origins(loaded))
    else:
        from dlkit.recipe.dump import to_yaml

        out.document(to_yaml(loaded.dump()))
