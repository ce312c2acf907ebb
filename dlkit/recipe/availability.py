"""What recipes may say already and dlkit does not do yet: refused when run, with its place, never ignored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dlkit.recipe.diagnostics import Diagnostic, RecipeError
from dlkit.recipe.graph import Component
from dlkit.recipe.load import Recipe
from dlkit.recipe.nodes import inside, plain

# Key of a section -> the values of it that are available; None: none but the default.
_LATER: dict[str, tuple[Any, ...]] = {
    "training.optimizers": (None,),
}


def refuse_unavailable(recipe: Recipe) -> None:
    """Raises what the recipe asks for and dlkit does not do yet.

    Raises:
        RecipeError: Every such key, in one go.
    """
    found = [
        Diagnostic("not-available", f"{what} is not available yet", recipe.span_of(path))
        for path, what in _unavailable(recipe)
    ]
    if found:
        raise RecipeError(found)


def _unavailable(recipe: Recipe) -> Iterator[tuple[str, str]]:
    declaration = recipe.components.declaration("source", recipe.config.data.source.name)
    if declaration and declaration.origin == "planned":
        yield "data.source", f"the source `{recipe.config.data.source.name}`"
    if isinstance(recipe.model, Component):
        yield "model", f"the pattern `{recipe.model.name}`"
    for path, available in _LATER.items():
        value = plain(inside(recipe.resolved, *path.split(".")))
        if value is not None and value not in available:
            yield path, f"`{path}: {value}`" if isinstance(value, str) and available != (None,) else f"`{path}`"
