"""The page on the command line, from the help that Typer has of each command."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import typer

from dlkit.cli import commands
from dlkit.cli.app import EXTRA, PANELS, TYPE, app
from scripts.docs_pages.markdown import block, heading, prose, table

_INTRODUCTION = """# Commands

RECIPE is a file or the name of a recipe that ships; RUN is a run folder, a unique part of its name, or `latest`. Every command takes
`--json`, which ends the output with one JSON object, and `--debug`, which shows the traceback of an error.

| exit status | |
| --- | --- |
| 0 | done |
| 1 | the work failed: a loss that is not a number, a missing file, an export that differs |
| 2 | a mistake in the recipe or on the command line |
| 3 | `verify` fell short of `expect`, or `reproduce` differs |
| 130, 143 | interrupted; the last line says how to go on |
"""
_OF_ALL = ("json", "debug", "help")


def page() -> str:
    """The whole page."""
    known = all_commands()
    parts = [_INTRODUCTION]
    for panel in PANELS:
        parts.append(heading(2, panel, panel.lower()))
        parts += [_command(name, found) for name, found in known.items() if found.rich_help_panel == panel]
    return "\n".join(parts)


def all_commands() -> dict[str, Any]:
    """Every command by its name."""
    for module in pkgutil.iter_modules(commands.__path__, f"{commands.__name__}."):
        importlib.import_module(module.name)
    return dict(sorted(typer.main.get_command(app).commands.items()))  # type: ignore[attr-defined]


def _command(name: str, command: Any) -> str:
    context = command.make_context(f"dlkit {name}", [], resilient_parsing=True)
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    told = "\n".join(prose(" ".join(part.split())) + "\n" for part in (command.help or "").split("\n\n"))
    own = [each for each in command.params if each.name not in _OF_ALL]
    records = [record for each in own if (record := each.get_help_record(context))]
    rows = [(f"`{TYPE.sub('', name)}`", prose(EXTRA.sub("", told))) for name, told in records]
    return "\n".join(
        [
            heading(3, f"`dlkit {name}`", name),
            told,
            block("text", usage),
            table(["argument or option", ""], rows) if rows else "",
            "Examples:\n",
            block("sh", command.epilog or ""),
        ]
    )
