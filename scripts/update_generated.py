"""Writes what is generated from components and recipes: recipes/schema.json, and the tables of docs/.

    python scripts/update_generated.py

Tests hold all of it up to date. The catalogue of Keras's components has a script of its own, update_catalogue.py.
"""

from __future__ import annotations

import update_guides
import update_recipe_table

from dlkit.recipe.json_schema import schema, to_text
from dlkit.recipe.library import shipped


def main() -> None:
    """Writes the files anew."""
    (shipped("recipes") / "schema.json").write_text(to_text(schema()), encoding="utf-8")
    update_guides.main()
    update_recipe_table.main()


if __name__ == "__main__":
    main()
