"""Starting several processes for a command that trains."""

from __future__ import annotations

from typing import NoReturn

import typer

from dlkit.cli.output import Output


def launch_workers(out: Output, workers: int, *more: str) -> NoReturn:
    """Answers the command line with several processes, which answer it together.

    Args:
        out: Knows the command line.
        workers: Number of processes.
        *more: Words that are added for them.

    Raises:
        typer.Exit: With the exit status of the chief.
        DlkitError: A worker was lost.
    """
    from dlkit.workflows.workers import train_with_workers

    words = list(out.words)
    for number, word in enumerate(words):
        if word == "--workers":
            del words[number : number + 2]
            break
        if word.startswith("--workers="):
            del words[number]
            break
    raise typer.Exit(train_with_workers([*words, *more], workers, out.say))
