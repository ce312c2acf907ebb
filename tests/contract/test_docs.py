"""The documentation says what is so: its recipes are valid, its tables are those of the declarations."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from dlkit.recipe.library import shipped_recipes
from dlkit.recipe.load import parse

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.DOTALL | re.MULTILINE)
WRITTEN = re.compile(r"^<!-- file: (\S+) -->\n```\w+\n(.*?)^```", re.DOTALL | re.MULTILINE)
FILES = [written for page in PAGES for written in WRITTEN.findall(page.read_text("utf-8"))]
RECIPES = [(page.name, block) for page in PAGES for block in BLOCK.findall(page.read_text("utf-8")) if "name:" in block]


@pytest.mark.parametrize(("page", "block"), RECIPES, ids=[f"{page}-{n}" for n, (page, _) in enumerate(RECIPES)])
def test_a_recipe_is_valid(page: str, block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in FILES:
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert parse(block, name=page).warnings == ()


def test_recipes_are_found() -> None:
    assert {page for page, _ in RECIPES} >= {"README.md", "data.md", "training.md"}


@pytest.mark.parametrize(
    ("page", "script", "rows"),
    [
        ("data.md", "update_guides.py", 31),
        ("models.md", "update_guides.py", 15),
        ("recipes.md", "update_recipe_table.py", len(list(shipped_recipes()))),
    ],
)
def test_the_tables_are_up_to_date(page: str, script: str, rows: int) -> None:
    updated = runpy.run_path(str(ROOT / "scripts" / script))["updated"]
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert updated(text) == text, f"run scripts/{script}"
    assert text.count("\n| `") >= rows
