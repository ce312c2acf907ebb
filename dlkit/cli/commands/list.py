"""dlkit list: the recipes that can be trained by name."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dlkit.cli.app import command
from dlkit.cli.output import Output
from dlkit.cli.trained import number_text

if TYPE_CHECKING:
    from dlkit.runs.results import Result

_STALE = "stale"
_SIGNS = {"at_least": "≥", "at_most": "≤", "equals": "="}


@command("Recipes", "dlkit list", "dlkit list fashion", "dlkit list --json")
def list_recipes(
    out: Output,
    word: Annotated[str, typer.Argument(metavar="WORD", help="Only recipes with this in their name or summary.")] = "",
) -> None:
    """Lists the recipes, with what they reach and how long they take.

    These are the recipes that ship, and those in ./recipes.
    """
    heads = [_head(name, path) for name, path in sorted(_files().items())]
    wanted = word.lower()
    found = [head for head in heads if wanted in f"{head['name']} {head['summary']}".lower()]
    results = _results()
    for head in found:
        head |= _measured(head.pop("path"), head["expect"], results.get(head["name"]))
    rows = [
        (head["name"], head["summary"], _told(head["expect"]), head["measured"] + head["stale"] * f" ({_STALE})")
        for head in found
    ]
    out.table({"recipe": "left", "summary": "left", "reaches": "left", "measured": "left"}, rows)
    stale = [head["name"] for head in found if head["stale"]]
    if stale:
        out.say(f"\n{_STALE}: measured before the recipe was changed; anew: dlkit verify {' '.join(stale)} --record")
    if not found:
        out.say(f"No recipe has `{word}` in its name or summary." if heads else "There are no recipes.")
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
    return {
        "name": name,
        "summary": str(recipe.get("summary") or ""),
        "expect": expect if isinstance(expect, dict) else {},
        "path": path,
    }


def _results() -> dict[str, Result]:
    """What the recipes that ship were measured to reach."""
    from dlkit.recipe.library import results_file
    from dlkit.runs.results import read_results

    return read_results(results_file())


def _measured(path: Path, expect: dict[str, Any], result: Result | None) -> dict[str, Any]:
    """How long a recipe takes and what it reached: as it was recorded, else as the head of its file says it."""
    from dlkit.recipe.digest import digest_of_file
    from dlkit.recipe.library import shipped

    if result is None or not path.is_relative_to(shipped("recipes")):
        return {"measured": _said_in_head(path), "stale": False}
    if result.skipped:
        return {"measured": f"skipped: {result.skipped}", "stale": False}
    reached = [f"{name.replace('_', ' ')} {number_text(value)}" for name, value in result.reached.items()]
    more = [result.mean_text, "" if result.meets(expect) else "falls short"]
    told = ", ".join([f"{result.duration} on {result.device}", *reached, *filter(None, more)])
    return {"measured": told, "stale": digest_of_file(path) != result.digest}


def _said_in_head(path: Path) -> str:
    """The line of the file's head that tells it: `9 minutes on 2 CPU cores, test accuracy 0.936`."""
    with path.open(encoding="utf-8", errors="replace") as file:
        head = itertools.takewhile(lambda line: line.startswith("#"), file)
        return next((line.partition(" (")[0].strip("# .\n") for line in head if "CPU core" in line), "")


def _told(expect: dict[str, Any]) -> str:
    """`test_accuracy ≥ 0.93`."""
    return ", ".join(
        f"{metric} {_SIGNS.get(bound, bound)} {value}" + (f" over {bounds['over']}" if bounds.get("over") else "")
        for metric, bounds in expect.items()
        if isinstance(bounds, dict)
        for bound, value in bounds.items()
        if bound != "over"
    )
