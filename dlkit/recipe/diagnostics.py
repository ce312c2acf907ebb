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
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

WIDEST_LINE = 200  # characters of a source line that are shown; a longer one is cut around the caret


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A text that recipes are read from: a file, or what `--set` was given."""

    name: str
    text: str
    path: str | None = None

    def line(self, number: int) -> str:
        """The text of a line, counted from 1; empty past the end."""
        lines = self.text.split("\n")
        return lines[number - 1].rstrip("\r") if 1 <= number <= len(lines) else ""


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
        span = self.span
        number = str(span.line)
        gutter = " " * len(number)
        line = span.source.line(span.line)
        start = min(span.column - 1, len(line))
        end = span.end_column - 1 if span.end_line == span.line else len(line)
        shift = 0
        if len(line) > WIDEST_LINE:
            shift = max(0, min(start - 40, len(line) - WIDEST_LINE))
            line = line[shift : shift + WIDEST_LINE]
        carets = "^" * max(1, min(end, shift + len(line)) - start)
        head, *rest = self.cure.split("\n")
        lines = [
            f"{self.severity}[{self.code}]: {self.message}",
            f"{gutter}--> {span}",
            f"{gutter} |",
            f"{number} | {line}",
            f"{gutter} | {' ' * (start - shift)}{carets} {head}".rstrip(),
            *(f"{gutter} = {more}" for more in rest),
        ]
        return "\n".join(_visible(text) for text in lines)

    def as_json(self) -> dict[str, Any]:
        """The same for editors and scripts."""
        span = self.span
        return {
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "cure": self.cure or None,
            "file": span.source.path or span.source.name,
            "line": span.line,
            "column": span.column,
            "end_line": span.end_line,
            "end_column": span.end_column,
        }


def _visible(text: str) -> str:
    """A recipe's control characters must not reach the terminal; a tab becomes one blank, so that carets stay in place."""
    return "".join(character if character.isprintable() else " " for character in text)


class RecipeError(Exception):
    """A recipe that cannot be used; `diagnostics` holds every reason."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n\n".join(found.render() for found in self.diagnostics))


@dataclass(slots=True)
class Findings:
    """Collects diagnostics, each once, in the order in which they are to be read."""

    found: dict[tuple[str, str, Span], Diagnostic] = field(default_factory=dict)

    def error(self, code: str, message: str, span: Span, cure: str = "") -> None:
        """Notes an error; the same one at the same place is noted once."""
        self.add(Diagnostic(code, message, span, cure))

    def warning(self, code: str, message: str, span: Span, cure: str = "") -> None:
        """Notes something that runs, but is probably not meant."""
        self.add(Diagnostic(code, message, span, cure, "warning"))

    def add(self, diagnostic: Diagnostic) -> None:
        """Notes a diagnostic made elsewhere."""
        self.found.setdefault((diagnostic.code, diagnostic.message, diagnostic.span), diagnostic)

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
    names = [name for name in known if name]
    folded = {name.lower().replace("_", ""): name for name in names}
    exact = folded.get(word.lower().replace("_", ""))
    near = [exact] if exact else difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if not near:
        lowered = {name.lower(): name for name in names}
        near = [lowered[found] for found in difflib.get_close_matches(word.lower(), lowered, n=1, cutoff=0.7)]
    return f"did you mean `{near[0]}`?" if near else otherwise


def listing(names: Iterable[str], most: int = 12) -> str:
    """Names for a message: sorted as given, in backticks, cut after `most`."""
    all_names = list(names)
    shown = ", ".join(f"`{name}`" for name in all_names[:most])
    return f"{shown} and {len(all_names) - most} more" if len(all_names) > most else shown
