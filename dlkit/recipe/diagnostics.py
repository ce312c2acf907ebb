"""What is wrong with a recipe: a code, the place, what was found, and the cure.

A diagnostic prints like a good compiler's message:

    error[unknown-argument]: Adam has no argument `learning_rat`
      --> my.yaml:31:22
       |
    31 |   optimizer: {Adam: {learning_rat: 1e-3}}
       |                      ^^^^^^^^^^^^ did you mean `learning_rate`?
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

WIDEST_LINE = 200  # characters of a source line that are shown; a longer one is cut around the caret
LONGEST_MESSAGE = 600  # characters; what a recipe holds is quoted in messages, and may be of any length
LONGEST_WORD = 80  # characters of a word that another one is suggested for
MOST_ERRORS = 500  # a text with more of them is no recipe with mistakes

_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # as libyaml counts lines


@dataclass(frozen=True, eq=False)
class Source:
    """A text that recipes are read from: a file, or what `--set` was given."""

    name: str
    text: str
    path: str | None = None

    @cached_property
    def lines(self) -> list[str]:
        """The lines, without their breaks."""
        return _LINE_BREAK.split(self.text)

    def line(self, number: int) -> str:
        """The text of a line, counted from 1; empty past the end."""
        return self.lines[number - 1] if 1 <= number <= len(self.lines) else ""

    def within(self, line: int, column: int) -> tuple[int, int]:
        """The nearest place that the text has: parsers count a line more where they find its end."""
        if line > len(self.lines):
            return len(self.lines), len(self.lines[-1]) + 1
        return line, min(column, len(self.line(line)) + 1)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a source: lines and columns counted from 1, the end exclusive."""

    source: Source
    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{self.source.name}:{self.line}:{self.column}"


NOWHERE = Span(Source("recipe", ""), 1, 1, 1, 1)


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One thing that is wrong.

    Args:
        code: A stable word that can be looked up, in kebab-case.
        message: What was found.
        span: Where.
        cure: What to do about it, where that is known; printed behind the caret.
        severity: `error`, or `warning` for what runs all the same.
    """

    code: str
    message: str
    span: Span
    cure: str = ""
    severity: str = "error"

    def render(self) -> str:
        """The message as people read it, without a trailing line break."""
        line, blanks, carets = _marked(self.span)
        number = str(self.span.line)
        gutter = " " * len(number)
        head, *rest = self.cure.split("\n")
        lines = [
            f"{self.severity}[{self.code}]: {_shortened(self.message)}",
            f"{gutter}--> {self.span}",
            f"{gutter} |",
            f"{number} | {line}".rstrip(),
            f"{gutter} | {blanks}{carets} {head}".rstrip(),
            *(f"{gutter} = {more}" for more in rest),
        ]
        return "\n".join(_visible(text) for text in lines)

    def as_json(self) -> dict[str, Any]:
        """The same for editors and scripts."""
        span = self.span
        return {
            "code": self.code,
            "severity": self.severity,
            "message": _shortened(self.message),
            "cure": self.cure or None,
            "file": span.source.path or span.source.name,
            "line": span.line,
            "column": span.column,
            "end_line": span.end_line,
            "end_column": span.end_column,
        }


def _marked(span: Span) -> tuple[str, str, str]:
    """The source line, what blanks stand under it before the caret, and the carets."""
    line = span.source.line(span.line)
    start = min(span.column - 1, len(line))
    end = span.end_column - 1 if span.end_line == span.line else len(line)
    if len(line) > WIDEST_LINE:
        cut = max(0, min(start - 40, len(line) - WIDEST_LINE))
        line, start, end = line[cut : cut + WIDEST_LINE], start - cut, end - cut
    return line, " " * _width(line[:start]), "^" * max(1, _width(line[start:end]))


def _width(text: str) -> int:
    """The columns of a terminal that a text takes."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.combining(character) > 0 for character in text)


def _visible(text: str) -> str:
    """A recipe's control characters must not reach the terminal; a tab becomes one blank, so that carets stay in place."""
    return "".join(character if character.isprintable() else " " for character in text)


def _shortened(message: str) -> str:
    if len(message) <= LONGEST_MESSAGE:
        return message
    half = LONGEST_MESSAGE // 2
    return f"{message[:half]} … {message[-half:]}"


class RecipeError(Exception):
    """A recipe that cannot be used; `diagnostics` holds every reason."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n\n".join(found.render() for found in self.diagnostics))


# What a part of the recipe that could not be read may hold.
_MAY_BE_ELSEWHERE = {"missing-key", "unknown-path", "unknown-reference", "unknown-block", "unknown-monitor"}


@dataclass(slots=True)
class Findings:
    """Collects diagnostics, each once, in the order in which they are to be read.

    Args:
        incomplete: Whether a part of the recipe could not be read: that something is missing is then no news.
    """

    found: dict[tuple[str, str, Span], Diagnostic] = field(default_factory=dict)
    incomplete: bool = False

    def error(self, code: str, message: str, span: Span, cure: str = "") -> None:
        """Notes an error; the same one at the same place is noted once."""
        self.add(Diagnostic(code, message, span, cure))

    def warning(self, code: str, message: str, span: Span, cure: str = "") -> None:
        """Notes something that runs, but is probably not meant."""
        self.add(Diagnostic(code, message, span, cure, "warning"))

    def add(self, diagnostic: Diagnostic) -> None:
        """Notes a diagnostic made elsewhere.

        Raises:
            RecipeError: There are more than anyone reads.
        """
        if self.incomplete and diagnostic.code in _MAY_BE_ELSEWHERE:
            return
        self.found.setdefault((diagnostic.code, diagnostic.message, diagnostic.span), diagnostic)
        if len(self.found) > MOST_ERRORS:
            message = f"more than {MOST_ERRORS} mistakes: the rest is not looked at"
            raise RecipeError([*self.errors, Diagnostic("too-many-errors", message, diagnostic.span)])

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The errors, by file and line."""
        return self._sorted("error")

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """The warnings, by file and line."""
        return self._sorted("warning")

    def stop_at_errors(self) -> None:
        """Raises what was found, if any of it is an error.

        Raises:
            RecipeError: At least one error was noted.
        """
        if self.errors:
            raise RecipeError(self.errors)

    def _sorted(self, severity: str) -> tuple[Diagnostic, ...]:
        order = {id(d.span.source): n for n, d in reversed(list(enumerate(self.found.values())))}
        chosen = [d for d in self.found.values() if d.severity == severity]
        return tuple(sorted(chosen, key=lambda d: (order[id(d.span.source)], d.span.line, d.span.column)))


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """The cure for a misspelt word: the nearest known one, or else `otherwise`."""
    names = [name for name in known if name and name != word]
    if not names or len(word) > LONGEST_WORD:
        return otherwise
    folded = {_folded(name): name for name in reversed(names)}
    near = difflib.get_close_matches(_folded(word), folded, n=1, cutoff=0.65)
    return f"did you mean `{folded[near[0]]}`?" if near else otherwise


def _folded(word: str) -> str:
    """A word without what is most often wrong in it: capitals, underscores, hyphens."""
    return word.lower().replace("_", "").replace("-", "")


def listing(names: Iterable[str], most: int = 12) -> str:
    """Names for a message: sorted as given, in backticks, cut after `most`."""
    all_names = list(names)
    shown = ", ".join(f"`{name}`" for name in all_names[:most])
    return f"{shown} and {len(all_names) - most} more" if len(all_names) > most else shown
