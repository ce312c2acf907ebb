"""The gallery: what each recipe that ships reaches and expects, and a picture of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from dlkit.cli.trained import number_text
from dlkit.recipe.digest import digest
from dlkit.recipe.keys import Expected
from dlkit.recipe.library import results_file
from dlkit.recipe.load import Recipe
from dlkit.runs.results import Result, read_results
from scripts.docs_pages.markdown import block, heading, prose

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images" / "gallery"
CAPTIONS = IMAGES / "captions.json"
_SIGNS = {"at_least": "≥", "at_most": "≤", "equals": "="}
_INTRODUCTION = """# Gallery

Every recipe that ships, what it was measured to reach on the test split, and what it must reach under `expect`; [what recipes
reach](recipes.md) tells how that is measured. In brackets: the bounds within which the value lies with a confidence of 95 %. The
time is that of data, training and evaluation.
"""


def page(recipes: Mapping[str, Recipe]) -> str:
    """The whole page.

    Args:
        recipes: Those that ship, by name.
    """
    results = read_results(results_file())
    parts = [_INTRODUCTION]
    group = ""
    for name, recipe in recipes.items():
        if (named := name.partition("/")[0]) != group:
            group = named
            parts.append(heading(2, f"`{group}`", f"{group}-recipes"))
        parts.append(_recipe(recipe, results.get(name)))
    return "\n".join(parts)


def anchor_of(name: str) -> str:
    """Where a recipe stands on the page."""
    return name.replace("/", "-")


def picture_of(name: str) -> Path:
    """The file of a recipe's picture."""
    return IMAGES / f"{name.replace('/', '_')}.webp"


@cache
def captions() -> dict[str, dict[str, str]]:
    """What the picture of each recipe shows: of which `run`, `whole` or `quick`, and which `figure` of its report."""
    return json.loads(CAPTIONS.read_text(encoding="utf-8")) if CAPTIONS.is_file() else {}


def _recipe(recipe: Recipe, result: Result | None) -> str:
    config = recipe.config
    expected = "; ".join(_expected(name, bounds) for name, bounds in (config.expect or {}).items())
    facts = [
        ("Reached", _reached(recipe, result)),
        ("Expected", expected),
        ("Reference", prose(config.reference or "")),
    ]
    if result is not None and not result.skipped:
        facts.append(("Time", f"{result.duration} on {result.machine_text}"))
    lines = [f"**{word}:** {told}" for word, told in facts if told]
    return "\n".join(
        [
            heading(3, f"`{recipe.name}`", anchor_of(recipe.name)),
            f"{prose(config.summary or '')}.\n",
            _picture(recipe.name),
            "<br>\n".join(lines) + "\n",
            block("sh", f"dlkit train {recipe.name}"),
        ]
    )


def _picture(name: str) -> str:
    """The picture with its caption; nothing where there is none yet."""
    if not picture_of(name).is_file():
        return ""
    of, figure = captions()[name].values()
    caption = f"[`{figure}`](reference/figures.md#{figure}) of {'a' if of == 'whole' else 'the quick'} run"
    image = f"![{figure.replace('_', ' ')} of {name}](images/gallery/{picture_of(name).name}){{ loading=lazy }}"
    return f'<figure class="gallery" markdown>\n{image}\n<figcaption markdown>{caption}</figcaption>\n</figure>\n'


def _expected(name: str, bounds: Expected) -> str:
    told = [f"{sign} {value:g}" for key, sign in _SIGNS.items() if (value := getattr(bounds, key)) is not None]
    return " ".join([f"`{name}`", *told]) + (f" over `{bounds.over}`" if bounds.over else "")


def _reached(recipe: Recipe, result: Result | None) -> str:
    if result is None:
        return "not recorded"
    if result.skipped:
        return f"not measured: {prose(result.skipped)}"
    expect = {name: bounds.model_dump() for name, bounds in (recipe.config.expect or {}).items()}
    notes = [
        result.mean_text,
        "" if result.meets(expect) else "falls short",
        "" if result.digest == digest(recipe.root) else "measured before the recipe was changed",
    ]
    told = "; ".join(_value(result, name) for name in result.reached)
    return ", ".join(filter(None, [told, *notes]))


def _value(result: Result, name: str) -> str:
    interval = result.intervals.get(name)
    bounds = f" ({number_text(interval[0])} to {number_text(interval[1])})" if interval else ""
    deviation = result.deviations.get(name)
    spread = "" if deviation is None else f" ± {number_text(deviation)}"
    return f"`{name}` {number_text(result.metrics[name])}{spread}{bounds}"
