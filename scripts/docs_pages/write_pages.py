"""Writes the pages that the site has from the code itself; mkdocs-gen-files runs it while the site is built."""

from __future__ import annotations

import sys
from pathlib import Path

import mkdocs_gen_files

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from scripts.docs_pages import commands, components, gallery, keras, recipe_keys, uses

PAGES = {
    "gallery": gallery.page(uses.recipes()),
    "reference/recipe": recipe_keys.page(),
    "reference/commands": commands.page(),
    "reference/keras": keras.page(),
    **{f"reference/{name}": text for name, text in components.pages().items()},
}

for name, text in PAGES.items():
    with mkdocs_gen_files.open(f"{name}.md", "w", encoding="utf-8") as file:
        file.write(text)
