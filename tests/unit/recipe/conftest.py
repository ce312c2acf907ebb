"""What the tests of the recipe language share: recipes of which a test writes only what it is about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dlkit.recipe.diagnostics import RecipeError
from dlkit.recipe.load import Recipe, load, parse

VALID = {
    "name": "name: a/b",
    "data": "data: {source: digits}",
    "model": "model: {sequential: [Flatten, {Dense: {units: 10}}]}",
    "training": "training: {epochs: 1}",
}

Told = list[tuple[str, int, str]]  # code, line, what the carets stand under


def completed(text: str) -> str:
    """A recipe with valid sections below it for those that it does not have."""
    written = {line.partition(":")[0] for line in text.split("\n")}
    return "\n".join([text.strip("\n"), *(line for key, line in VALID.items() if key not in written)]) + "\n"


@pytest.fixture
def read() -> Callable[..., Recipe]:
    """Reads a text as a recipe, its missing sections filled in; settings follow."""

    def reader(text: str = "", *settings: str, **options: Any) -> Recipe:
        if "path" in options:
            path = options.pop("path")
            path.write_text(completed(text), encoding="utf-8")
            return load(path, settings, **options)
        return parse(completed(text), settings)

    return reader


@pytest.fixture
def told(read: Callable[..., Recipe]) -> Callable[..., Told]:
    """What a recipe is told, by line."""

    def teller(text: str, *settings: str, **options: Any) -> Told:
        with pytest.raises(RecipeError) as raised:
            read(text, *settings, **options)
        return [(found.code, found.span.line, _token(found.span)) for found in raised.value.diagnostics]

    return teller


def _token(span: Any) -> str:
    line = span.source.line(span.line)
    return line[span.column - 1 : span.end_column - 1 if span.end_line == span.line else len(line)]
