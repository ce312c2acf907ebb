"""What is wrong with a text that is no YAML, in words that help: libyaml tells where it gave up, not what was meant."""

from __future__ import annotations

import re
from typing import Any

import yaml

from dlkit.recipe.diagnostics import Diagnostic, Source, Span

_UNQUOTED = re.compile(r"[\s{\[,:]\$\{[^}]*\}?")
_QUOTES = "put the text in quotes"

# A part of libyaml's complaint -> what was found (None: as libyaml says it), and the cure.
_KNOWN: tuple[tuple[str, str | None, str], ...] = (
    (
        "mapping values are not allowed",
        "a `key: value` cannot stand here",
        "arguments in a line want braces, as `Dense: {units: 10}`\n"
        "keys of one mapping stand in one column\n"
        "a text with `: ` in it wants quotes",
    ),
    ("could not find expected ':'", "`: ` is missing after a key", "a key and its value are written `key: value`"),
    ("did not find expected key", "this line fits none above it", "keys of one mapping stand in one column"),
    (
        "did not find expected '-' indicator",
        "this line fits none above it",
        "items of one list begin with `- ` in one column",
    ),
    (
        "block sequence entries are not allowed",
        "a list item cannot begin here",
        "`- ` begins an item on a line of its own",
    ),
    ("while scanning an alias", "`*` begins an alias, and no name follows", "a text that begins with `*` wants quotes"),
    (
        "while scanning an anchor",
        "`&` begins an anchor, and no name follows",
        "a text that begins with `&` wants quotes",
    ),
    ("while scanning a quoted scalar", "the quotes that begin here are not closed", "write the closing quote"),
    ("while parsing a flow mapping", None, ""),
    ("while parsing a flow sequence", None, ""),
    ("did not find expected node content", "a value is missing here", "a brace or bracket may not be closed"),
    ("that cannot start any token", None, _QUOTES),
    ("found unknown escape character", None, "write `\\\\` for a backslash, or use single quotes"),
)


def explained(error: yaml.YAMLError, source: Source) -> Diagnostic:
    """What libyaml's complaint means for a recipe."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line, column = source.within(mark.line + 1, mark.column + 1) if mark else (1, 1)
    return (
        _braces(source, line)
        or _tab(source, line)
        or _unclosed(error, source, line)
        or _as_libyaml_says(error, source, line, column)
    )


def _braces(source: Source, line: int) -> Diagnostic | None:
    for number in (line, line - 1):
        found = _UNQUOTED.search(source.line(number))
        if found:
            span = Span(source, number, found.start() + 2, number, found.end() + 1)
            message = "`${...}` stands here without quotes, and YAML reads its braces as a mapping"
            return Diagnostic("unquoted-braces", message, span, 'write it in quotes: "${...}"')
    return None


def _tab(source: Source, line: int) -> Diagnostic | None:
    for number in (line, line - 1, line + 1):
        text = source.line(number)
        indent = text[: len(text) - len(text.lstrip(" \t"))]
        if "\t" in indent and text.strip():
            column = indent.index("\t") + 1
            cure = "YAML is indented with blanks: write two blanks instead"
            return Diagnostic("tab", "a tab in the indentation", Span(source, number, column, number, column + 1), cure)
    return None


def _unclosed(error: Any, source: Source, line: int) -> Diagnostic | None:
    """A brace or bracket that a later line or the end of the text shows to be open."""
    context, opened = getattr(error, "context", None) or "", getattr(error, "context_mark", None)
    if not context.startswith(("while parsing a flow mapping", "while parsing a flow sequence")) or opened is None:
        return None
    opening, closing = ("{", "}") if "mapping" in context else ("[", "]")
    if opened.line + 1 == line:
        return None
    span = Span(source, opened.line + 1, opened.column + 1, opened.line + 1, opened.column + 2)
    return Diagnostic(
        "syntax", f"`{opening}` is not closed", span, f"write `{closing}` at its end, and commas in between"
    )


def _as_libyaml_says(error: Any, source: Source, line: int, column: int) -> Diagnostic:
    problem = getattr(error, "problem", None) or str(error).split("\n")[0]
    context = getattr(error, "context", None) or ""
    for part, found, cure in _KNOWN:
        if part in problem or part in context:
            message, told = found or f"this is no YAML: {problem}", cure
            break
    else:
        message, told = f"this is no YAML: {problem}" + (f" ({context})" if context else ""), ""
    opened = getattr(error, "context_mark", None)
    if context.startswith("while scanning") and opened is not None:
        line, column = opened.line + 1, opened.column + 1
    return Diagnostic("syntax", message, Span(source, line, column, line, column + 1), told)
