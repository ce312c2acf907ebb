"""Writes what is generated and kept: recipes/schema.json from the components, docs/mutations.md from scripts/mutations.yaml.

    python scripts/update_generated.py

Tests hold all of it up to date. The catalogue of Keras's components and the pictures of the gallery have scripts of their own;
what else the documentation tells of components and recipes is written as it is built.
"""

from __future__ import annotations

import mutations

from dlkit.recipe.json_schema import schema, to_text
from dlkit.recipe.library import shipped


def main() -> None:
    """Writes the files anew."""
    (shipped("recipes") / "schema.json").write_text(to_text(schema()), encoding="utf-8")
    mutations.main(["--write"])


if __name__ == "__main__":
    main()
