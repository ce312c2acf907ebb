"""dlkit list: the recipes that can be trained by name."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Annotated, Any

import typer

from dlkit.cli.app import command
from dlkit.cli.output import Output

_SIGNS = {"at_least": "≥", "at_most": "≤", "equals": "="}


@command("Recipes", "dlkit list", "dlkit list fashion", "dlkit list --json")
def list_recipes(
    out: Output,
    word: Annotated[str, typer.Argument(metavar="WORD", help="Only recipes with this in their name or summary.")] = "",
) -> None:
    """Lists the recipes, with what they reach and how long they take.

    These are the recipes that ship, and those in ./recipes.
    """
    everything = [_head(name, path) for name, path in sorted(_files().items())]
    wanted = word.lower()
    found = [head for head in everything if wanted in f"{head['name']} {head['summary']}".lower()]
    rows = [(head["name"], head["summary"], _told(head["expect"]), head["measured"]) for head in found]
    out.table({"recipe": "left", "summary": "left", "reaches": "left", "measured": "left"}, rows)
    if not found:
        out.say(f"No recipe has `{word}` in its name or summary." if everything else "There are no recipes.")
    out.result({"recipes": found})


def _files() -> dict[str, Path]:
    """Every recipe by the name that finds it: one in ./recipes hides one of the same name that ships."""
    from dlkit.recipe.library import shipped, shipped_recipes

    files = dict(shipped_recipes())
    own = Path("recipes")
    if own.is_dir() and own.resolve() != shipped("recipes").resolve():
        files |= {path.relative_to(own).with_suffix("").as_posix(): path for path in own.rglob("*.yaml")}
    return files


def _head(name: str, path: Path) -> dict[str, Any]:
    """What the head of a recipe file says, without putting the recipe together."""
    from dlkit.recipe.diagnostics import RecipeError
    from dlkit.recipe.nodes import plain
    from dlkit.recipe.yaml_source import read_file

    try:
        recipe = plain(read_file(path))
    except RecipeError:
        recipe = None
    if not isinstance(recipe, dict):
        recipe = {"summary": f"(has mistakes: dlkit validate {path})"}
    expect = recipe.get("expect")
    summary = str(recipe.get("summary") or "")
    measured = _measured(path)
    return {
        "name": name,
        "summary": summary,
        "expect": expect if isinstance(expect, dict) else {},
        "measured": measured,
    }


def _measured(path: Path) -> str:
    """The line of the file's head that says how long it takes and what it reached: `9 minutes on 2 CPU cores, ...`."""
    with path.open(encoding="utf-8", errors="replace") as file:
        head = itertools.takewhile(lambda line: line.startswith("#"), file)
        return next((line.partition(" (")[0].strip("# .\n") for line in head if "CPU core" in line), "")


def _told(expect: dict[str, Any]) -> str:
    """`test_accuracy ≥ 0.93`."""
    return ", ".join(
        f"{metric} {_SIGNS.get(bound, bound)} {value}"
        for metric, bounds in expect.items()
        if isinstance(bounds, dict)
        for bound, value in bounds.items()
    )
