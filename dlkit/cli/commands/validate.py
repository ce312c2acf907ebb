"""dlkit validate: every mistake in recipes, at once."""

from __future__ import annotations

from typing import Annotated

import typer

from dlkit.cli.app import command
from dlkit.cli.options import AllowPlugins, Settings
from dlkit.cli.output import Output

Recipes = Annotated[
    list[str],
    typer.Argument(metavar="RECIPE", help="Recipe files, or names that `dlkit list` shows.", show_default=False),
]


@command(
    "Recipes",
    "dlkit validate mine.yaml",
    "dlkit validate recipes/*.yaml",
    "dlkit validate digits/cnn --set training.optimizer=SGD",
)
def validate(out: Output, recipes: Recipes, settings: Settings = None, allow_plugins: AllowPlugins = False) -> None:
    """Tells every mistake in recipes at once.

    Each comes with its line and its cure. No data is loaded, and no model is built.
    """
    from dlkit.recipe.diagnostics import Diagnostic, RecipeError
    from dlkit.recipe.load import load

    errors: list[Diagnostic] = []
    warnings: list[Diagnostic] = []
    for reference in recipes:
        try:
            recipe = load(reference, settings or (), allow_plugins=allow_plugins)
        except RecipeError as error:
            errors += error.diagnostics
            continue
        out.say(f"ok: {reference}" + (f" ({recipe.name})" if recipe.name != reference else ""))
        warnings += recipe.warnings
    if errors:
        raise RecipeError([*warnings, *errors])
    for warning in warnings:
        out.tell_diagnostics(f"\n{warning.render()}")
    out.result({"valid": True, "diagnostics": [warning.as_json() for warning in warnings]})
