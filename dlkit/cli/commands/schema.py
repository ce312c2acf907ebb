"""dlkit schema: the JSON Schema of recipes."""

from __future__ import annotations

from dlkit.cli.app import command
from dlkit.cli.output import Output


@command("Recipes", "dlkit schema > schema.json")
def schema(out: Output) -> None:
    """Prints the JSON Schema of recipes, for editors."""
    from dlkit.recipe import json_schema

    out.document(json_schema.to_text(json_schema.schema()))
