"""YAML 1.2 into nodes: safe, bounded, every value with its place, every problem with its cure.

libyaml parses; what its events mean is decided here, because PyYAML's own constructors follow YAML 1.1 (`on` a truth
value, `1e-3` text), merge duplicate keys in silence and know no bounds. Scalars follow the core schema of YAML 1.2.2,
section 10.3.2, with one addition: a plain fraction such as `1/255` is a number.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from dlkit.recipe.diagnostics import Diagnostic, RecipeError, Source, Span
from dlkit.recipe.nodes import Entry, Mapping, Node, Scalar, Sequence, copy

LARGEST_FILE = 1 << 20  # bytes
DEEPEST = 60  # lists and mappings inside one another
MOST_NODES = 100_000  # after aliases are followed
LONGEST_NUMBER = 400  # characters; Python refuses to read an integer of more than 4,300

_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_FRACTION = re.compile(r"([-+]?[0-9]+(?:\.[0-9]+)?)\s*/\s*([0-9]+(?:\.[0-9]+)?)")
_CONSTANTS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_SAFE_TAGS = {f"tag:yaml.org,2002:{name}": name for name in ("str", "int", "float", "bool", "null", "seq", "map")}


def read_file(path: Path) -> Node:
    """Reads one YAML file.

    Raises:
        RecipeError: The file cannot be read, is no UTF-8, or is not the YAML of recipes.
    """
    name = _shown(path)
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise _refusal(
            Source(name, "", str(path)), "unreadable", f"`{name}` cannot be read: {error.strerror or error}"
        ) from None
    if len(data) > LARGEST_FILE:
        raise _refusal(
            Source(name, "", str(path)),
            "too-large",
            f"`{name}` is larger than {LARGEST_FILE >> 20} MiB, the most a recipe may be",
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        source = Source(name, data.decode("utf-8", "replace"), str(path))
        raise _refusal(
            source, "not-utf8", f"byte {error.start} is no UTF-8", line, cure="save the file as UTF-8"
        ) from None
    return read_text(Source(name, text, str(path)))


def read_text(source: Source) -> Node:
    """Reads one YAML document.

    Raises:
        RecipeError: The text is not the YAML of recipes; every problem that can be told at once is told.
    """
    return _Reader(source).read()


def _shown(path: Path) -> str:
    """The path as a person would write it from here."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def _refusal(source: Source, code: str, message: str, line: int = 1, column: int = 1, cure: str = "") -> RecipeError:
    return RecipeError([Diagnostic(code, message, Span(source, line, column, line, column + 1), cure)])


class _Reader:
    """Builds nodes from libyaml's events."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.anchors: dict[str, tuple[Node, int]] = {}
        self.problems: list[Diagnostic] = []
        self.count = 0

    def read(self) -> Node:
        self._refuse_characters()
        self.events = yaml.parse(self.source.text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        try:
            node = self._document()
        except yaml.YAMLError as error:
            raise RecipeError([*self.problems, self._syntax(error)]) from None
        if self.problems:
            raise RecipeError(self.problems)
        return node

    def _refuse_characters(self) -> None:
        """What YAML forbids, and tabs in the indentation, which its parser tells badly."""
        for number, line in enumerate(self.source.text.split("\n"), 1):
            indent = line[: len(line) - len(line.lstrip(" \t"))]
            if "\t" in indent and line.strip():
                column = indent.index("\t") + 1
                self._problem(
                    "tab",
                    "a tab in the indentation",
                    number,
                    column,
                    "YAML is indented with blanks: write two blanks instead",
                )
            found = re.search(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", line)
            if found:
                self._problem(
                    "character",
                    f"the character U+{ord(found[0]):04X} has no place in YAML",
                    number,
                    found.start() + 1,
                    "take it out",
                )
        if self.problems:
            raise RecipeError(self.problems)

    def _document(self) -> Node:
        node: Node | None = None
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent) and node is not None:
                span = self._span(event)
                message = "a second document begins here"
                raise RecipeError(
                    [
                        *self.problems,
                        Diagnostic("several-documents", message, span, "a recipe is one document: take `---` out"),
                    ]
                )
            if isinstance(event, yaml.NodeEvent):
                node = self._node(event, 0)
        if node is None:
            raise _refusal(
                self.source,
                "empty",
                "there is no recipe in this file",
                cure="`dlkit copy digits/cnn my.yaml` gives one to start from",
            )
        return node

    def _node(self, event: yaml.NodeEvent, depth: int) -> Node:
        self._counted(event, 1)
        if depth > DEEPEST:
            message = f"lists and mappings are nested more than {DEEPEST} deep"
            raise RecipeError([*self.problems, Diagnostic("too-deep", message, self._span(event))])
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        before = self.count
        tag = self._tag(event)
        node: Node
        if isinstance(event, yaml.ScalarEvent):
            node = self._scalar(event, tag)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._sequence(event, depth)
        else:
            node = self._mapping(event, depth)
        if event.anchor:
            self.anchors[event.anchor] = (node, self.count - before + 1)
        return node

    def _counted(self, event: yaml.Event, nodes: int) -> None:
        self.count += nodes
        if self.count > MOST_NODES:
            message = f"the recipe holds more than {MOST_NODES:,} values once its aliases are followed"
            raise RecipeError([Diagnostic("too-many-values", message, self._span(event))])

    def _alias(self, event: yaml.AliasEvent) -> Node:
        if event.anchor not in self.anchors:
            self.problems.append(
                Diagnostic(
                    "unknown-alias",
                    f"`*{event.anchor}` stands for nothing: no `&{event.anchor}` ends before it",
                    self._span(event),
                )
            )
            return Scalar(None, self._span(event))
        node, size = self.anchors[event.anchor]
        self._counted(event, size)
        return copy(node)

    def _tag(self, event: Any) -> str | None:
        if event.tag is None or event.tag == "!":
            return None if event.tag is None else "str"
        if event.tag not in _SAFE_TAGS:
            self.problems.append(
                Diagnostic(
                    "unsafe-tag",
                    f"the tag `{event.tag}` is refused",
                    self._span(event),
                    "recipes hold plain values only: take the tag out",
                )
            )
            return None
        return _SAFE_TAGS[event.tag]

    def _sequence(self, event: Any, depth: int) -> Sequence:
        made = Sequence()
        while not isinstance(inner := next(self.events), yaml.SequenceEndEvent):
            made.items.append(self._node(inner, depth + 1))
        made.span = self._span(event, inner)
        return made

    def _mapping(self, event: Any, depth: int) -> Mapping:
        made = Mapping()
        while not isinstance(inner := next(self.events), yaml.MappingEndEvent):
            span = self._span(inner)
            key = self._key(inner, depth)
            node = self._node(next(self.events), depth + 1)
            if key is None:
                continue
            if key == "<<":
                self.problems.append(
                    Diagnostic(
                        "merge-key", "the merge key `<<` is refused", span, "share values with `extends:` or `blocks:`"
                    )
                )
            elif key in made.entries:
                first = made.entries[key].key_span.line
                self.problems.append(
                    Diagnostic(
                        "duplicate-key",
                        f"`{key}` is written twice",
                        span,
                        f"the first is in line {first}: keep one of them",
                    )
                )
            else:
                made.entries[key] = Entry(key, span, node)
        made.span = self._span(event, inner)
        return made

    def _key(self, event: Any, depth: int) -> str | None:
        if isinstance(event, yaml.ScalarEvent):
            self._tag(event)
            return event.value
        node = self._node(event, depth + 1)
        self.problems.append(Diagnostic("key-not-text", "a key must be a single word or text", node.span))
        return None

    def _scalar(self, event: yaml.ScalarEvent, tag: str | None) -> Scalar:
        span = self._span(event)
        is_plain = event.style in (None, "") and tag != "str"
        if not is_plain:
            return Scalar(event.value, span, plain=False)
        value = scalar_value(event.value)
        if tag and tag not in ("seq", "map") and not _fits(value, tag):
            self.problems.append(Diagnostic("wrong-tag", f"`{event.value}` is no {tag}", span, "take the tag out"))
        return Scalar(value, span)

    def _span(self, event: Any, end: Any = None) -> Span:
        start, stop = event.start_mark, (end or event).end_mark
        if stop.line > start.line and stop.column == 0 and end is not None:
            # A block ends where the next line begins: show it as ending on its own first line.
            return Span(
                self.source, start.line + 1, start.column + 1, start.line + 1, len(self.source.line(start.line + 1)) + 1
            )
        return Span(self.source, start.line + 1, start.column + 1, stop.line + 1, stop.column + 1)

    def _problem(self, code: str, message: str, line: int, column: int, cure: str = "") -> None:
        self.problems.append(Diagnostic(code, message, Span(self.source, line, column, line, column + 1), cure))

    def _syntax(self, error: yaml.YAMLError) -> Diagnostic:
        """Libyaml's complaint, with the two causes that recipes meet told in their own words."""
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        for number in (line, line - 1):
            unquoted = re.search(r"[\s{\[,:]\$\{[^}]*\}", self.source.line(number))
            if unquoted:
                span = Span(self.source, number, unquoted.start() + 2, number, unquoted.end() + 1)
                return Diagnostic(
                    "unquoted-braces",
                    "`${...}` stands here without quotes, and YAML reads its braces as a mapping",
                    span,
                    'write it in quotes: "${...}"',
                )
        problem = getattr(error, "problem", None) or str(error).split("\n")[0]
        context = getattr(error, "context", None)
        message = f"this is no YAML: {problem}" + (f" ({context})" if context else "")
        cure = "a text with `: ` or ` #` in it wants quotes" if "mapping values are not allowed" in message else ""
        return Diagnostic("syntax", message, Span(self.source, line, column, line, column + 1), cure)


def scalar_value(text: str) -> Any:
    """What a plain scalar means: null, a truth value, a number, or the text itself."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if len(text) > LONGEST_NUMBER:
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if re.fullmatch(r"0o[0-7]+", text):
        return int(text[2:], 8)
    if re.fullmatch(r"0x[0-9a-fA-F]+", text):
        return int(text[2:], 16)
    fraction = _FRACTION.fullmatch(text)
    if fraction and float(fraction[2]) != 0:
        return float(fraction[1]) / float(fraction[2])
    return text


def _fits(value: Any, tag: str) -> bool:
    return {
        "int": isinstance(value, int) and not isinstance(value, bool),
        "float": isinstance(value, int | float) and not isinstance(value, bool),
        "bool": isinstance(value, bool),
        "null": value is None,
    }[tag]
