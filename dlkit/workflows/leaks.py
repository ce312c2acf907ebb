"""Whether the examples that a model is judged by also stand in the training split."""

from __future__ import annotations

from dlkit.data.duplicates import count_leaks, is_cheap
from dlkit.recipe import library, registry
from dlkit.recipe.diagnostics import Diagnostic
from dlkit.recipe.load import Recipe
from dlkit.workflows.preparation import Prepared


def leaks(prepared: Prepared) -> list[Diagnostic]:
    """A warning, where examples that a model is judged by also stand in the training split.

    Pictures that are decoded as they are needed are not compared. Nor are the examples of a source that declares
    `repeats`: all of its splits are the same whole, as the table of a logic gate is.
    """
    recipe, splits = prepared.recipe, prepared.raw
    if repeats(recipe) or not is_cheap(splits):
        return []
    sizes = {name: len(arrays) for name, arrays in splits.named().items()}
    told = [
        f"{count:,} {name} example{'s' if count != 1 else ''} ({_share(count / sizes[name])})"
        for (first, name), count in reversed(count_leaks(splits).items())
        if first == "train"
    ]
    if not told:
        return []
    also = "also stand" if len(told) > 1 or not told[0].startswith("1 ") else "also stands"
    message = f"{' and '.join(told)} {also} in the training split"
    is_shipped = library.find_recipe(recipe.name) == recipe.path
    cure = f"`dlkit data {recipe.name if is_shipped else recipe.path}` tells more"
    return [Diagnostic("leak", message, recipe.span_of("data.source"), cure, "warning")]


def _share(share: float) -> str:
    return f"{share:.1%}" if share >= 0.001 else "less than 0.1%"


def repeats(recipe: Recipe) -> bool:
    """Whether the recipe's source says that its splits hold the same examples."""
    return bool(registry.find("source", recipe.config.data.source.name).declared.get("repeats"))
