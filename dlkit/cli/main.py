"""The entry point: runs a command line, tells its errors, gives its exit status.

0 done; 1 the work failed; 2 a recipe or usage error; 3 `verify` fell short, or `reproduce` differs; 130 or 143
interrupted; 141 nobody read the output to its end.
"""

from __future__ import annotations

import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

import typer

from dlkit.cli.app import run
from dlkit.cli.failures import DONE, UNREAD, failure_of, let_go
from dlkit.cli.output import Output


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
        let_go(error)
        return status
    return DONE


def _tell(error: BaseException, out: Output) -> int:
    """Tells an error to people and, as JSON, to scripts; gives the exit status."""
    failure = failure_of(error)
    out.tell_diagnostics(failure.text)
    out.result({"error": failure.values})
    return failure.status


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
