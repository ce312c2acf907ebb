"""dlkit some_name: what for?"""

from __future__ import annotations

from dlkit.cli.app import command
from dlkit.cli.options import AllowPlugins, Recipe, Settings
from dlkit.cli.output import Output


@command("Recipes", "dlkit some_name digits/cnn")
def some_name(out: Output, recipe: Recipe, settings: Settings = None, allow_plugins: AllowPlugins = False) -> None:
    """What does it do, in one line?"""
    from dlkit.recipe.load import load

    loaded = load(recipe, settings or (), allow_plugins=allow_plugins)
    out.say(f"{loaded.name}: {loaded.config.summary}")
    out.result({"recipe": loaded.name})
