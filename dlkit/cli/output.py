"""What commands say, and where: documents and tables on standard output, all else on standard error.

With `--json` one JSON object is all that goes to standard output.
"""

from __future__ import annotations

import math
import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TextIO

import typer

from dlkit.errors import DlkitError

if TYPE_CHECKING:
    from dlkit.recipe.diagnostics import Diagnostic

Justify = Literal["left", "right"]

_HEADLINE = re.compile(r"^(error|warning)(\[[^]]*\])?", re.MULTILINE)
_CARETS = re.compile(r"^( *\| +)(\^+.*)$", re.MULTILINE)
_WIDE_ENOUGH = 60  # columns of a terminal from which on names are never broken
_COLORS = {"error": "red", "warning": "yellow"}


class Output:
    """Where a command writes.

    Args:
        json: Whether the result is told as JSON, and nothing else on standard output.
        words: The command line that is answered, after `dlkit`.
    """

    def __init__(self, json: bool, words: Sequence[str] = ()) -> None:
        self.json = json
        self.words = tuple(words)
        self._stdout: TextIO = sys.stdout

    @property
    def width(self) -> float:
        """Columns that a table may take; without a terminal there is no end to them."""
        return shutil.get_terminal_size().columns if self._stdout.isatty() else math.inf

    def document(self, text: str) -> None:
        """Prints a text that may be written to a file; as JSON it stands under `text`."""
        if self.json:
            self.result({"text": text})
        else:
            self._write(text if text.endswith("\n") else text + "\n")

    def table(self, columns: Mapping[str, Justify], rows: Sequence[Sequence[str]]) -> None:
        """Prints rows: a table on a terminal, values separated by tabs elsewhere.

        Args:
            columns: Titles, and the side on which the values stand.
            rows: A text for every column.
        """
        if self.json or not rows:
            return
        cells = [[printable(cell) for cell in row] for row in rows]
        if self._stdout.isatty():
            self._write(_drawn(self._stdout, columns, cells))
        else:
            self._write("".join("\t".join(row) + "\n" for row in cells))

    def say(self, text: str = "") -> None:
        """Tells people something, on standard error."""
        print(printable(text), file=sys.stderr, flush=True)

    def tell_diagnostics(self, text: str) -> None:
        """Prints rendered errors and warnings on standard error, in color on a terminal."""
        text = printable(text)
        if takes_color(sys.stderr):
            text = _HEADLINE.sub(lambda found: typer.style(found[0], fg=_COLORS[found[1]], bold=True), text)
            text = _CARETS.sub(lambda found: found[1] + typer.style(found[2], fg="cyan"), text)
        print(text, file=sys.stderr, flush=True)

    def warn(self, doubt: Diagnostic) -> None:
        """Tells a doubt about a recipe, apart from what is said before and after."""
        self.tell_diagnostics(f"\n{doubt.render()}\n")

    def result(self, values: Mapping[str, Any]) -> None:
        """Ends standard output with the result, if it is told as JSON."""
        if self.json:
            from dlkit.runs.json_text import dumps

            self._write(dumps(values) + "\n")

    def close(self) -> None:
        """Drops what is held back, after nobody reads on: Python would try, and complain, once more as it ends."""
        with open(os.devnull, "w", encoding="utf-8") as nowhere:
            os.dup2(nowhere.fileno(), self._stdout.fileno())

    def _write(self, text: str) -> None:
        """Writes to standard output, at once.

        Raises:
            BrokenPipeError: Nobody reads on.
            DlkitError: It cannot be written, as on a full disk (`cannot-write`).
        """
        try:
            self._stdout.write(text)
            self._stdout.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            self.close()
            message = f"Standard output cannot be written: {error.strerror}"
            raise DlkitError(message, code="cannot-write") from error


def takes_color(stream: TextIO) -> bool:
    """Whether a stream is a terminal that shows colors (see https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def printable(text: str) -> str:
    """The text without control characters, which a recipe or a file name may hold and a terminal would obey."""
    return "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in text)


def _drawn(stream: TextIO, columns: Mapping[str, Justify], rows: Sequence[Sequence[str]]) -> str:
    """The table as it fits the terminal, in its colors."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(file=stream)
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for number, (title, justify) in enumerate(columns.items()):
        whole = number == 0 and console.width >= _WIDE_ENOUGH
        table.add_column(title, justify=justify, overflow="fold", no_wrap=whole)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    with console.capture() as drawn:
        console.print(table)
    return drawn.get()
