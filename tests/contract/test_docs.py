"""The documentation says what is so: its recipes are valid, and so is every example of a key."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from dlkit.recipe.diagnostics import Source
from dlkit.recipe.dump import to_yaml
from dlkit.recipe.json_schema import schema
from dlkit.recipe.keys import Fragment
from dlkit.recipe.load import parse
from dlkit.recipe.nodes import plain
from dlkit.recipe.yaml_source import read_text
from scripts.docs_pages.recipe_keys import all_keys, example_of
from tests.documents import PAGES, Block, blocks, name_of

# What a part of a recipe is put into; a part of `data` or `training` has its other keys from here.
BASE: dict[str, Any] = {
    "name": "guide/base",
    "data": {"source": "digits"},
    "model": {"sequential": ["Flatten", {"Dense": {"units": "$data.classes"}}]},
    "training": {"epochs": 1},
}
WRITTEN = [(name_of(page), block) for page in PAGES for block in blocks(page.read_text(encoding="utf-8"))]
RECIPES = [(page, block) for page, block in WRITTEN if block.language == "yaml" and "not a recipe" not in block.marks]


FILES = {(page, name): block.text for page, block in WRITTEN if (name := block.marks.get("file"))}


@pytest.mark.parametrize(("page", "block"), RECIPES, ids=[f"{page}-{n}" for n, (page, _) in enumerate(RECIPES)])
def test_a_recipe_is_valid(page: str, block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for (written_by, name), text in FILES.items():
        if written_by == page:
            (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    text = block.text
    if not re.search("^name:", text, re.MULTILINE):
        text = to_yaml(_whole(_plain(text)))
    assert parse(text, name=page).warnings == ()


def test_recipes_are_found() -> None:
    assert {page for page, _ in RECIPES} >= {"README.md", "docs/data.md", "docs/training.md", "docs/index.md"}


def _whole(part: dict[str, Any]) -> dict[str, Any]:
    """A part of a recipe in a whole one."""
    nested = {key: {**BASE[key], **value} for key, value in part.items() if key in ("data", "training")}
    return {**BASE, **part, **nested}


EXAMPLES = [(key, value) for key in all_keys() for value in key.examples]


def test_every_key_is_described_and_has_an_example() -> None:
    keys = list(all_keys())
    assert len(keys) > 90
    assert [key.path for key in keys if not (key.info.description and key.examples)] == []


def test_every_example_is_a_value_of_its_key() -> None:
    validator = pytest.importorskip("jsonschema").Draft7Validator(schema())
    wrong = []
    for key, value in EXAMPLES:
        values = _plain(example_of(key, value))
        wrong += [f"{key.path}: {error.message}" for error in validator.iter_errors(values)]
        wrong += [f"{key.path}: {told}" for told in _mistakes(values)]
    assert wrong == []


def _mistakes(values: dict[str, Any]) -> list[str]:
    """What pydantic says of a part of a recipe; what others are to give may be missing."""
    try:
        Fragment.model_validate(values)
    except ValidationError as error:
        return [told["msg"] for told in error.errors() if told["type"] != "missing"]
    return []


def _plain(text: str) -> Any:
    return plain(read_text(Source("example", text), text))
