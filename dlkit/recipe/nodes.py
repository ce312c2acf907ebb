"""A recipe as it was written: values that know their place.

Merging and references work on nodes, so that every value can be reported, and shown, at the place it came from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from dlkit.recipe.diagnostics import NOWHERE, Span

ScalarValue = str | int | float | bool | None


@dataclass(slots=True)
class Scalar:
    """One value: text, a number, a truth value or null.

    Args:
        plain: Whether it was written without quotes.
        fact: The fact of the data that this value stands for, as `data.classes`; `value` then is what is known of it.
        reference: What it was written as, where a reference was replaced by its value.
    """

    value: ScalarValue
    span: Span = NOWHERE
    plain: bool = True
    fact: str | None = None
    reference: str | None = None


@dataclass(slots=True)
class Sequence:
    """A list."""

    items: list[Node] = field(default_factory=list)
    span: Span = NOWHERE


@dataclass(slots=True)
class Entry:
    """A key of a mapping and what stands under it."""

    key: str
    key_span: Span
    node: Node


@dataclass(slots=True)
class Mapping:
    """Keys and values, in the order they were written. Every key is text."""

    entries: dict[str, Entry] = field(default_factory=dict)
    span: Span = NOWHERE

    def __contains__(self, key: str) -> bool:
        return key in self.entries

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries.values())

    def __len__(self) -> int:
        return len(self.entries)

    def get(self, key: str) -> Node | None:
        """The node under a key, or None."""
        entry = self.entries.get(key)
        return entry.node if entry else None

    def put(self, key: str, node: Node, key_span: Span | None = None) -> None:
        """Sets a key, in its place if it is there already."""
        self.entries[key] = Entry(key, key_span or node.span, node)

    def only(self) -> Entry | None:
        """The one entry of a mapping of one entry, or None."""
        return next(iter(self.entries.values())) if len(self.entries) == 1 else None


Node = Scalar | Sequence | Mapping


def copy(node: Node) -> Node:
    """A copy that can be changed without changing the original."""
    match node:
        case Scalar():
            return replace(node)
        case Sequence():
            return Sequence([copy(item) for item in node.items], node.span)
        case Mapping():
            return Mapping({e.key: Entry(e.key, e.key_span, copy(e.node)) for e in node}, node.span)


def plain(node: Node | None) -> Any:
    """The values alone, as Python's own types."""
    match node:
        case None:
            return None
        case Scalar():
            return node.value
        case Sequence():
            return [plain(item) for item in node.items]
        case Mapping():
            return {entry.key: plain(entry.node) for entry in node}


def from_plain(value: Any, span: Span = NOWHERE) -> Node:
    """Nodes for plain values, all of them at one place.

    Raises:
        TypeError: A value that no recipe can hold.
    """
    if isinstance(value, Scalar | Sequence | Mapping):
        return value
    if value is None or isinstance(value, str | int | float | bool):
        return Scalar(value, span, plain=not isinstance(value, str))
    if isinstance(value, list | tuple):
        return Sequence([from_plain(item, span) for item in value], span)
    if isinstance(value, dict):
        made = Mapping(span=span)
        for key, item in value.items():
            made.put(str(key), from_plain(item, span), span)
        return made
    raise TypeError(f"A recipe holds text, numbers, truth values, null, lists and mappings. Received: {value!r}")


def scalars(node: Node) -> Iterator[Scalar]:
    """Every scalar in a node, keys left out."""
    match node:
        case Scalar():
            yield node
        case Sequence():
            for item in node.items:
                yield from scalars(item)
        case Mapping():
            for entry in node:
                yield from scalars(entry.node)


def kind_name(node: Node) -> str:
    """What a node is, for messages: `the text "abc"`, `the number 3`, `a list`."""
    match node:
        case Sequence():
            return "a list"
        case Mapping():
            return "a mapping"
        case Scalar(value=None):
            return "nothing (null)"
        case Scalar(value=bool() as value):
            return f"`{str(value).lower()}`"
        case Scalar(value=str() as value):
            return f'the text "{value if len(value) <= 40 else value[:37] + "..."}"'
        case Scalar(value=value):
            text = str(value)
            return f"the number {text if len(text) <= 40 else text[:37] + '...'}"
