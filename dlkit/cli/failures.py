"""Exit statuses, and how an error is told to people and to scripts."""

from __future__ import annotations

import gc
import traceback
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import typer

from dlkit.errors import DlkitError
from dlkit.recipe.diagnostics import RecipeError

DONE, FAILED, MISUSED, SHORT, INTERRUPTED, UNREAD = 0, 1, 2, 3, 130, 141


@dataclass(frozen=True, slots=True)
class Failure:
    """An error, as it is told.

    Args:
        text: For people.
        values: For scripts: `code`, `message`, `cure`, and the `diagnostics` of a recipe.
        status: The exit status of a command that ends with it.
    """

    text: str
    values: dict[str, Any]
    status: int


def failure_of(error: BaseException) -> Failure:
    """How an error is told."""
    match error:
        case RecipeError(diagnostics=diagnostics):
            errors = sum(found.severity == "error" for found in diagnostics)
            count = f"{errors} error{'s' if errors != 1 else ''}"
            text = "\n\n".join([found.render() for found in diagnostics] + [count])
            told = {"code": "recipe", "message": count, "diagnostics": [found.as_json() for found in diagnostics]}
            return Failure(text, told, MISUSED)
        case DlkitError(message=message, cure=cure, code=code):
            text = f"error[{code}]: {message}" + (f"\n{cure}" if cure else "")
            return Failure(text, _told(code, message, cure), FAILED)
        case typer.TyperException():
            message = error.format_message().replace("Value error, ", "")
            cure = f"`{_command_path(error)} --help` tells what it takes."
            return Failure(f"error[usage]: {message}\n{cure}", _told("usage", message, cure), MISUSED)
        case KeyboardInterrupt():
            message = "\n".join(["interrupted", *getattr(error, "__notes__", ())])
            status = getattr(error, "exit_status", INTERRUPTED)
            return Failure(message, _told("interrupted", message), status)
    message = f"internal error: {type(error).__name__}: {error}".partition("\n")[0]
    cure = "This is a mistake in dlkit: run again with --debug and report it."
    return Failure(f"{message}\n{cure}", _told("internal", message, cure), FAILED)


def let_go(error: BaseException) -> None:
    """Frees what the frames of an error hold, while Python still runs.

    An iterator over data waits for its threads when it is freed, and these wait for Python: where it is freed only as
    the interpreter ends, both wait for ever. Keras takes its own frames out of tracebacks; they are behind the others.
    """
    found: BaseException | None = error
    while found is not None:
        for frame, _ in traceback.walk_tb(found.__traceback__):
            for each, _ in traceback.walk_stack(frame):
                with suppress(RuntimeError):  # a frame that still runs
                    each.clear()
        found = found.__context__
    gc.collect()


def _told(code: str, message: str, cure: str | None = None) -> dict[str, Any]:
    told = {"code": code, "message": message, "cure": cure}
    return {key: value for key, value in told.items() if value is not None}


def _command_path(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    return context.command_path if context else "dlkit"
