"""YAML 1.2 into nodes: safe, bounded, every value with its place, every problem with its cure.

libyaml parses; what its events mean is decided here, because PyYAML's own constructors follow YAML 1.1 (`on` a truth
value, `1e-3` text), merge duplicate keys in silence and know no bounds. Scalars follow the core schema of YAML 1.2.2,
section 10.3.2, with one addition: a plain fraction such as `1/255` is a number.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dlkit.recipe.bounds import DEEPEST, LARGEST_FILE, LONGEST_NUMBER, MOST_VALUES
from dlkit.recipe.diagnostics import MOST_ERRORS, Diagnostic, RecipeError, Source, Span
from dlkit.recipe.nodes import Entry, Mapping, Node, Scalar, Sequence, copy
from dlkit.recipe.yaml_syntax import explained

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
_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
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
        reason = error.strerror or str(error)
        raise _refusal(
            Source(name, "", str(path)), "unreadable", f"`{name}` cannot be read: {reason.lower()}"
        ) from None
    if len(data) > LARGEST_FILE:
        message = f"`{name}` is larger than {LARGEST_FILE >> 20} MiB, the most a recipe may be"
        raise _refusal(Source(name, "", str(path)), "too-large", message)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        source = Source(name, data.decode("utf-8", "replace"), str(path))
        line = data[: error.start].count(b"\n") + 1
        column = len(data[: error.start].rpartition(b"\n")[2].decode("utf-8", "replace")) + 1
        message = f"this byte (0x{data[error.start]:02X}) is not UTF-8"
        raise _refusal(source, "not-utf8", message, line, column, "save the file as UTF-8") from None
    return read_text(Source(name, text, str(path)))


def read_text(source: Source, text: str | None = None) -> Node:
    """Reads one YAML document; an empty one is null.

    Args:
        source: What values and messages are told to stand in.
        text: What is read, where it is not all of the source: the same with blanks in the place of the rest.

    Raises:
        RecipeError: The text is not the YAML of recipes; every problem that can be told at once is told.
    """
    return _Reader(source).read(source.text if text is None else text)


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
        self.anchors: dict[str, _Anchored] = {}
        self.problems: list[Diagnostic] = []
        self.count = 0

    def read(self, text: str) -> Node:
        if len(text.encode("utf-8", "surrogatepass")) > LARGEST_FILE:
            message = f"the text is larger than {LARGEST_FILE >> 20} MiB, the most a recipe may be"
            raise _refusal(self.source, "too-large", message)
        self._refuse_characters(text)
        self.events: Iterator[Any] = iter(yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
        try:
            node = self._document()
        except yaml.YAMLError as error:
            raise RecipeError([*self.problems, explained(error, self.source)]) from None
        if self.problems:
            raise RecipeError(self.problems)
        return node

    def _refuse_characters(self, text: str) -> None:
        """What YAML forbids."""
        found = _FORBIDDEN.search(text)
        if found:
            before = Source("", text[: found.start()]).lines
            message = f"the character U+{ord(found[0]):04X} has no place in YAML"
            raise _refusal(self.source, "character", message, len(before), len(before[-1]) + 1, "take it out")

    def _document(self) -> Node:
        node: Node | None = None
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent) and node is not None:
                cure = "a recipe is one document: take `---` out"
                self._problem("several-documents", "a second document begins here", self._span(event), cure)
                raise RecipeError(self.problems)
            if isinstance(event, yaml.NodeEvent):
                node = self._node(event, 0)
        return Scalar(None, Span(self.source, 1, 1, 1, 2)) if node is None else node

    def _node(self, event: Any, depth: int) -> Node:
        self._bounded(event, 1, depth)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, depth)
        before = self.count
        tag = self._tag(event)
        node: Node
        if isinstance(event, yaml.ScalarEvent):
            node = self._scalar(event, tag)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._sequence(event, depth)
        else:
            node = self._mapping(event, depth)
        if tag and tag != _tag_of(node):
            self._problem("wrong-tag", f"this is no !!{tag}", node.span, "take the tag out")
        if event.anchor:
            self.anchors[event.anchor] = _Anchored(node, self.count - before, _depth(node))
        return node

    def _bounded(self, event: Any, nodes: int, depth: int) -> None:
        self.count += nodes
        if self.count > MOST_VALUES:
            message = f"the recipe holds more than {MOST_VALUES:,} values once its aliases are followed"
            raise RecipeError([*self.problems, Diagnostic("too-many-values", message, self._span(event))])
        if depth > DEEPEST:
            message = f"lists and mappings are nested more than {DEEPEST} deep"
            raise RecipeError([*self.problems, Diagnostic("too-deep", message, self._span(event))])

    def _alias(self, event: Any, depth: int) -> Node:
        anchored = self.anchors.get(event.anchor)
        if anchored is None:
            message = f"`*{event.anchor}` stands for nothing: no `&{event.anchor}` ends before it"
            self._problem("unknown-alias", message, self._span(event), "a text that begins with `*` wants quotes")
            return Scalar(None, self._span(event))
        self._bounded(event, anchored.size, depth + anchored.depth)
        return copy(anchored.node)

    def _tag(self, event: Any) -> str | None:
        if event.tag is None:
            return None
        if event.tag == "!":
            return "str"
        if event.tag not in _SAFE_TAGS:
            cure = "recipes hold plain values only: take the tag out"
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            self._problem("unsafe-tag", f"the tag `{tag}` is refused", self._span(event), cure)
            return None
        return _SAFE_TAGS[event.tag]

    def _sequence(self, event: Any, depth: int) -> Sequence:
        made = Sequence()
        while not isinstance(inner := next(self.events), yaml.SequenceEndEvent):
            made.items.append(self._node(inner, depth + 1))
        made.span = self._span_of(event, inner, made.items[0].span if made.items else None)
        return made

    def _mapping(self, event: Any, depth: int) -> Mapping:
        made = Mapping()
        while not isinstance(inner := next(self.events), yaml.MappingEndEvent):
            span = self._span(inner)
            key = self._key(inner, depth)
            node = self._node(next(self.events), depth + 1)
            if key is None:
                continue
            if key in made.entries:
                cure = f"the first is in line {made.entries[key].key_span.line}: keep one of them"
                self._problem("duplicate-key", f"`{key}` is written twice", span, cure)
            else:
                made.entries[key] = Entry(key, span, node)
        made.span = self._span_of(event, inner, next(iter(made)).key_span if len(made) else None)
        if event.flow_style:
            self._refuse_tuples(made)
        return made

    def _refuse_tuples(self, made: Mapping) -> None:
        """Python's `(3, 3)`, which YAML takes for a value `(3` and a key `3)`."""
        for opening, closing in itertools.pairwise(made):
            text = opening.node.value if isinstance(opening.node, Scalar) else None
            if isinstance(text, str) and text.startswith("(") and ")" not in text and closing.key.endswith(")"):
                cure = f"a list stands in brackets: `[{text[1:]}, {closing.key[:-1]}]`"
                self._problem("parentheses", "YAML has no parentheses", opening.node.span, cure)

    def _key(self, event: Any, depth: int) -> str | None:
        """A key as text; None for what cannot be one."""
        if not isinstance(event, yaml.ScalarEvent):
            node = self._node(event, depth + 1)
            self._problem("key-not-text", "a key is a single word or text", node.span)
            return None
        self._bounded(event, 1, depth)
        self._tag(event)
        if event.value == "<<" and not event.style:
            cure = "share values with `extends:` or `blocks:`"
            self._problem("merge-key", "the merge key `<<` is refused", self._span(event), cure)
            return None
        return event.value

    def _scalar(self, event: Any, tag: str | None) -> Scalar:
        """A scalar by the core schema; a tag other than `!!str` has a quoted one read as if it were plain."""
        is_text = tag == "str" or (bool(event.style) and tag is None)
        if is_text:
            return Scalar(event.value, self._span(event), plain=False)
        value = scalar_value(event.value)
        return Scalar(float(value) if tag == "float" and type(value) is int else value, self._span(event))

    def _span(self, event: Any, end: Any = None) -> Span:
        start, stop = event.start_mark, (end or event).end_mark
        line, column = self.source.within(start.line + 1, start.column + 1)
        return Span(self.source, line, column, *self.source.within(stop.line + 1, stop.column + 1))

    def _span_of(self, start: Any, end: Any, first: Span | None) -> Span:
        """Where a list or mapping stands; one in block style is shown by its first item or key."""
        whole = self._span(start, end)
        if start.flow_style or first is None:
            return whole
        return Span(self.source, whole.line, whole.column, first.end_line, first.end_column)

    def _problem(self, code: str, message: str, span: Span, cure: str = "") -> None:
        self.problems.append(Diagnostic(code, message, span, cure))
        if len(self.problems) > MOST_ERRORS:
            raise RecipeError(self.problems)


@dataclass(frozen=True, slots=True)
class _Anchored:
    """What an anchor stands for: how many values it holds, and how deep they are nested."""

    node: Node
    size: int
    depth: int


def _depth(node: Node) -> int:
    match node:
        case Scalar():
            return 0
        case Sequence():
            return 1 + max(map(_depth, node.items), default=0)
        case Mapping():
            return 1 + max((_depth(entry.node) for entry in node), default=0)


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


def _tag_of(node: Node) -> str:
    match node:
        case Sequence():
            return "seq"
        case Mapping():
            return "map"
        case Scalar(value=str()):
            return "str"
        case Scalar(value=None):
            return "null"
        case Scalar(value=bool()):
            return "bool"
        case Scalar(value=int()):
            return "int"
    return "float"
