"""Whether two recipes are the same, and where they differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dlkit.recipe.diagnostics import Source
from dlkit.recipe.dump import to_yaml
from dlkit.recipe.load import Recipe
from dlkit.recipe.nodes import plain
from dlkit.recipe.yaml_source import read_text
from dlkit.workflows.recipe_file import recipe_values

# What has no part in what the steps of a training compute.
FREE = (
    *("summary", "reference", "expect", "quick", "tune", "export", "evaluation"),
    *("training.checkpoint", "training.stop_after", "training.profile"),
)


def leaves_of(recipe: Recipe | str) -> dict[str, Any]:
    """Every value of a recipe, or of the text of one, by its path."""
    text = recipe if isinstance(recipe, str) else to_yaml(recipe_values(recipe))
    return dict(_leaves(plain(read_text(Source("", text)))))


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """The paths of the values that differ and bear on the training."""
    names = sorted({**before, **now})
    return [name for name in names if before.get(name, ...) != now.get(name, ...) and not _is_free(name)]


def _leaves(values: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(values, Mapping) and values:
        for key, value in values.items():
            yield from _leaves(value, f"{path}.{key}" if path else str(key))
    elif isinstance(values, list) and values:
        for number, value in enumerate(values):
            yield from _leaves(value, f"{path}.{number}")
    else:
        yield path, values


def _is_free(name: str) -> bool:
    return any(name == free or name.startswith(f"{free}.") for free in FREE)
