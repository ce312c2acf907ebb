"""Writes the table of recipes in docs/recipes.md: what each reaches, as recipes/results.json holds it.

    python scripts/update_recipe_table.py

A test holds the table up to date. What stands outside the markers is written by hand.
"""

from __future__ import annotations

import re
from pathlib import Path

from dlkit.cli.trained import number_text
from dlkit.recipe.digest import digest
from dlkit.recipe.keys import Expected
from dlkit.recipe.library import results_file, shipped_recipes
from dlkit.recipe.load import Recipe, load
from dlkit.recipe.nodes import plain
from dlkit.recipe.yaml_source import read_file
from dlkit.runs.results import Result, read_results

GUIDE = Path(__file__).resolve().parents[1] / "docs" / "recipes.md"
MARKED = re.compile(r"(<!-- recipes begin -->\n).*?(<!-- recipes end -->)", re.DOTALL)
COLUMNS = ("recipe", "system", "data", "reference", "reached", "expected", "time", "machine")
DATA = "data/"  # the fragments that hold a data set


def main() -> None:
    """Writes the file anew."""
    GUIDE.write_text(updated(GUIDE.read_text(encoding="utf-8")), encoding="utf-8")


def updated(text: str) -> str:
    """The text with the table as recipes and results are now."""
    return MARKED.sub(lambda marked: f"{marked[1]}{_table()}{marked[2]}", text)


def _table() -> str:
    results = read_results(results_file())
    lines = [list(COLUMNS), ["---"] * len(COLUMNS)]
    lines += [_row(load(path), path, results.get(name)) for name, path in shipped_recipes()]
    return "".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |\n" for line in lines)


def _row(recipe: Recipe, path: Path, result: Result | None) -> list[str]:
    config = recipe.config
    expected = [_expected(name, bounds) for name, bounds in (config.expect or {}).items()]
    head = [f"`{recipe.name}`", config.summary or "", _data(recipe, path), config.reference or ""]
    if result is None:
        return [*head, "not recorded", "<br>".join(expected), "", ""]
    if result.skipped:
        return [*head, f"skipped: {result.skipped}", "<br>".join(expected), "", result.machine_text]
    reached = [_reached(result, name) for name in result.reached]
    reached += [result.mean_text] if result.mean_text else []
    expect = {name: bounds.model_dump() for name, bounds in (config.expect or {}).items()}
    reached += [] if result.meets(expect) else ["falls short"]
    reached += [] if result.digest == digest(recipe.root) else ["stale: the recipe has changed"]
    return [*head, "<br>".join(reached), "<br>".join(expected), result.duration, result.machine_text]


def _data(recipe: Recipe, path: Path) -> str:
    """The fragment that holds the data, else the source."""
    extended = plain(read_file(path)).get("extends") or []
    names = [extended] if isinstance(extended, str) else extended
    fragments = [name.removeprefix(DATA) for name in names if name.startswith(DATA)]
    return f"`{(fragments or [recipe.config.data.source.name])[0]}`"


def _expected(name: str, bounds: Expected) -> str:
    told = {"≥": bounds.at_least, "≤": bounds.at_most, "=": bounds.equals}
    over = f" over {bounds.over}" if bounds.over else ""
    return " ".join([name, *(f"{sign} {value:g}" for sign, value in told.items() if value is not None)]) + over


def _reached(result: Result, name: str) -> str:
    interval = result.intervals.get(name)
    bounds = f" ({number_text(interval[0])} to {number_text(interval[1])})" if interval else ""
    deviation = result.deviations.get(name)
    spread = "" if deviation is None else f" ± {number_text(deviation)}"
    return f"{name} {number_text(result.metrics[name])}{spread}{bounds}"


if __name__ == "__main__":
    main()
