"""The Typer application: how commands are declared, found and shown in the help.

    @command("Recipes", "dlkit list", "dlkit list cnn")
    def list_recipes(out: Output, word: str = "") -> None: ...

A command is called as its module is. Every command takes `--json` and `--debug`.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

import dlkit
from dlkit.cli import commands
from dlkit.cli.output import Output

PANELS = ("Recipes", "Training", "Runs")
# What Typer adds to the name and the help of a parameter, which nobody needs to read.
TYPE = re.compile(r" <[^>]*>$")
EXTRA = re.compile(r"  \[(required|\d+<=x<=\d+)\]$")
# Both are looked for by `main`, too, for a command line may be wrong before it is parsed.
Json = Annotated[bool, typer.Option("--json", help="End standard output with one JSON object, and print no other.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


class Command(TyperCommand):
    """A command whose help speaks of words rather than of Python's types, and ends in examples as they are to be typed."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return [re.sub("[{}]", "", piece) for piece in super().collect_usage_pieces(ctx)]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        for title, kind in (("Arguments", "argument"), ("Options", "option")):
            parameters = [parameter for parameter in self.get_params(ctx) if parameter.param_type_name == kind]
            records = [record for parameter in parameters if (record := parameter.get_help_record(ctx))]
            if records:
                with formatter.section(title):
                    formatter.write_dl([(TYPE.sub("", name), EXTRA.sub("", told)) for name, told in records])

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Examples"):
            for example in (self.epilog or "").splitlines():
                formatter.write(f"{'':{formatter.current_indent}}{example}\n")


class Commands(TyperGroup):
    """The commands, shown by what they are about."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        for panel in PANELS:
            shown = [name for name, found in sorted(self.commands.items()) if _panel(found) == panel]
            rows = [(name, self.commands[name].get_short_help_str(formatter.width)) for name in shown]
            if rows:
                with formatter.section(panel):
                    formatter.write_dl(rows)


def _panel(found: Any) -> str | None:
    return found.rich_help_panel if isinstance(found, Command) else None


app = typer.Typer(
    cls=Commands,
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def command(panel: str, *examples: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Declares a command; the function is given an `Output` and then what its other parameters say.

    Args:
        panel: One of `PANELS`.
        examples: Lines that can be pasted into a shell; the help ends in them.
    """

    def declare(work: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(work, eval_str=True)
        own = list(signature.parameters.values())[1:]
        common = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=annotation)
            for name, annotation in (("json", Json), ("debug", Debug))
        ]
        context = inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)

        @functools.wraps(work)
        def run(context: typer.Context, **given: Any) -> None:
            with redirect_stdout(sys.stderr):  # where what libraries print belongs: a download, a warning
                work(context.obj, **{parameter.name: given[parameter.name] for parameter in own})

        run.__signature__ = signature.replace(parameters=[context, *own, *common])  # type: ignore[attr-defined]
        name = work.__module__.rpartition(".")[2]
        app.command(name, cls=Command, epilog="\n".join(examples), rich_help_panel=panel)(run)
        return work

    return declare


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"dlkit {dlkit.__version__}")
        raise typer.Exit


@app.callback()
def _dlkit(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """One YAML file in, a trained, tested and reproducible Keras model out.

    `dlkit COMMAND --help` tells what a command takes, with examples.
    """


def run(out: Output) -> None:
    """Runs the command line that `out` answers.

    Raises:
        typer.TyperException: It is none that dlkit understands.
        typer.Exit: The help or the version was asked for.
    """
    for module in pkgutil.iter_modules(commands.__path__, f"{commands.__name__}."):
        importlib.import_module(module.name)
    # Not `app(...)`, which answers interruptions itself and forgets what they say.
    group = typer.main.get_command(app)
    with group.make_context("dlkit", [*out.words] or ["--help"], obj=out) as context:
        group.invoke(context)
