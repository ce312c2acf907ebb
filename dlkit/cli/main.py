"""The entry point: runs a command line, tells its errors, gives its exit status.

0 done; 1 the work failed; 2 a recipe or usage error; 130 or 143 interrupted; 141 nobody read the output to its end.
"""

from __future__ import annotations

import gc
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, NoReturn

import typer

from dlkit.cli.app import run
from dlkit.cli.output import Output
from dlkit.errors import DlkitError
from dlkit.recipe.diagnostics import RecipeError

DONE, FAILED, MISUSED, INTERRUPTED, UNREAD = 0, 1, 2, 130, 141


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs `dlkit`.

    Args:
        arguments: The words after `dlkit`; those of this process where it is None.

    Raises:
        SystemExit: Always, with the exit status.
    """
    raise SystemExit(status_of(list(sys.argv[1:] if arguments is None else arguments)))


def status_of(words: list[str]) -> int:
    """Runs a command line and gives its exit status; what went wrong is told, never raised."""
    _replace_what_cannot_be_encoded()
    options = words[: words.index("--")] if "--" in words else words
    out = Output(json="--json" in options, words=words)
    try:
        return _run(out, debug="--debug" in options)
    except BrokenPipeError:
        out.close()
        return UNREAD


def _run(out: Output, debug: bool) -> int:
    try:
        with _terminated_is_interrupted():
            run(out)
    except typer.Exit as ended:
        return ended.exit_code
    except BrokenPipeError:
        raise
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  the one place that answers for all errors
        if debug:
            _show_traceback(error)
        status = _tell(error, out)
        _let_go(error)
        return status
    return DONE


def _let_go(error: BaseException) -> None:
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


def _tell(error: BaseException, out: Output) -> int:
    """Tells an error to people and, as JSON, to scripts; gives the exit status."""
    match error:
        case RecipeError(diagnostics=diagnostics):
            errors = sum(found.severity == "error" for found in diagnostics)
            count = f"{errors} error{'s' if errors != 1 else ''}"
            out.tell_diagnostics("\n\n".join([found.render() for found in diagnostics] + [count]))
            told: dict[str, Any] = {"code": "recipe", "message": count}
            told["diagnostics"] = [found.as_json() for found in diagnostics]
            status = MISUSED
        case DlkitError(message=message, cure=cure, code=code):
            out.tell_diagnostics(f"error[{code}]: {message}" + (f"\n{cure}" if cure else ""))
            told, status = {"code": code, "message": message, "cure": cure}, FAILED
        case typer.TyperException():
            message = error.format_message().replace("Value error, ", "")
            cure = f"`{_command_path(error)} --help` tells what it takes."
            out.tell_diagnostics(f"error[usage]: {message}\n{cure}")
            told, status = {"code": "usage", "message": message, "cure": cure}, MISUSED
        case KeyboardInterrupt():
            message = "\n".join(["interrupted", *getattr(error, "__notes__", ())])
            out.say(message)
            told, status = {"code": "interrupted", "message": message}, getattr(error, "exit_status", INTERRUPTED)
        case _:
            message = f"internal error: {type(error).__name__}: {error}".partition("\n")[0]
            cure = "This is a mistake in dlkit: run again with --debug and report it."
            out.tell_diagnostics(f"{message}\n{cure}")
            told, status = {"code": "internal", "message": message, "cure": cure}, FAILED
    out.result({"error": {key: value for key, value in told.items() if value is not None}})
    return status


def _command_path(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    return context.command_path if context else "dlkit"


def _show_traceback(error: BaseException) -> None:
    traceback.print_exception(error)


def _replace_what_cannot_be_encoded() -> None:
    """A terminal that knows ASCII only gets question marks for the rest."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")


@contextmanager
def _terminated_is_interrupted() -> Iterator[None]:
    """SIGTERM ends a command as Ctrl-C does: what is open is closed, and the last line is said."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(number: int, frame: FrameType | None) -> None:
    from dlkit.training.interruption import Interrupted

    raise Interrupted(signal.Signals(number))
