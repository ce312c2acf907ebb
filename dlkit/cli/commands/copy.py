"""dlkit copy: a recipe to make one's own."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from dlkit.cli.app import command
from dlkit.cli.options import Recipe
from dlkit.cli.output import Output
from dlkit.errors import DlkitError

_SCHEMA = "schema.json"
_SCHEMA_LINE = re.compile(r"^# yaml-language-server: \$schema=.*\n?", re.MULTILINE)


@command("Recipes", "dlkit copy digits/cnn mine.yaml", "dlkit copy fashion_mnist/cnn recipes/")
def copy(
    out: Output,
    recipe: Recipe,
    destination: Annotated[
        Path,
        typer.Argument(
            metavar="DEST", help="The .yaml file to write, or a folder to write it into.", show_default=False
        ),
    ],
) -> None:
    """Copies a recipe file, to make it one's own.

    Comments are copied, too. A schema.json is written beside the copy, by which editors complete and check it.
    """
    from dlkit.runs.atomic import write_json, write_text, writing

    source = _find(recipe)
    target = destination if destination.suffix in (".yaml", ".yml") else destination / source.name
    schema = target.parent / _SCHEMA
    if target.exists():
        raise DlkitError(f"{target} is there already.", "Choose another name, or take it away first.", "file-exists")
    content = _schema_to_write(schema)
    text = _SCHEMA_LINE.sub("", source.read_text(encoding="utf-8"), count=1)
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    write_json(schema, content)
    write_text(target, f"# yaml-language-server: $schema={_SCHEMA}\n{text}")
    out.say(f"Copied {recipe} to {target}. Change it, then:\n  dlkit train {shlex.quote(str(target))}")
    out.result({"recipe": str(target), "schema": str(schema)})


def _find(recipe: str) -> Path:
    from dlkit.recipe.library import find_recipe
    from dlkit.recipe.load import load

    path = find_recipe(recipe)
    if path is None or not path.is_file():
        load(recipe)  # which tells that there is none, and what may be meant
    assert path is not None
    return path


def _schema_to_write(path: Path) -> dict[str, Any]:
    """The schema of this version; a file of that name that is none of dlkit's is not to be lost.

    Raises:
        DlkitError: There is such a file (`file-exists`).
    """
    from dlkit.recipe.json_schema import schema

    made = schema()
    if path.exists():
        try:
            there = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            there = None
        if not isinstance(there, dict) or there.get("title") != made["title"]:
            raise DlkitError(
                f"{path} is there already and is no schema of dlkit's, which would take its place.",
                "Choose another folder.",
                "file-exists",
            )
    return made
