"""Where weights may come from: a `.keras` file, a run, or a recipe that there is."""

from __future__ import annotations

from dlkit.recipe.diagnostics import Findings, did_you_mean
from dlkit.recipe.library import find_recipe, is_file, shipped_recipes
from dlkit.recipe.nodes import Mapping, Node, inside, items_of, text_of

_RUN, _RECIPE = "run:", "recipe:"


def check_initial_weights(root: Mapping, findings: Findings) -> None:
    """Notes initial weights that can come from nowhere."""
    training = inside(root, "training")
    for holder in (training, *items_of(inside(training, "stages"))):
        given = inside(holder, "initial_weights")
        _check(inside(given, "from") if isinstance(given, Mapping) else given, findings)


def _check(node: Node | None, findings: Findings) -> None:
    written = text_of(node) if node is not None else None
    if node is None or written is None:
        return
    if written.startswith(_RECIPE):
        name = written.removeprefix(_RECIPE)
        path = find_recipe(name)
        if path is None or not is_file(path):
            cure = did_you_mean(name, [known for known, _ in shipped_recipes()], "`dlkit list` shows them")
            findings.error("recipe-not-found", f"there is no recipe `{name}`", node.span, cure)
    elif written == _RUN or (not written.startswith(_RUN) and not written.endswith(".keras")):
        cure = "write a `.keras` file, `run:PATH` or `recipe:NAME`"
        findings.error("wrong-value", f"`{written}` holds no weights", node.span, cure)
