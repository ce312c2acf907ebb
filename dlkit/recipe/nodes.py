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
        plain: Whether the value itself was written, without quotes.
        known: Whether the value is known: a fact of the data may not be before the data is loaded, an argument of a block
            is not before the block is used, and a mistaken reference never is.
        typed: Whether at least its type is that of `value`.
        written: The reference that a dump holds in the place of the value.
    """

    value: ScalarValue
    span: Span = NOWHERE
    plain: bool = True
    known: bool = True
    typed: bool = True
    written: str | None = None


@dataclass(slots=True)
class Sequence:
    """A list; `written` is the reference that a dump holds in its place."""

    items: list[Node] = field(default_factory=list)
    span: Span = NOWHERE
    written: str | None = None


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

    def replaced(self, key: str, node: Node) -> Mapping:
        """The mapping with another value under a key that it has."""
        return Mapping({**self.entries, key: replace(self.entries[key], node=node)}, self.span)

    def without(self, *keys: str) -> Mapping:
        """The mapping with some keys left out."""
        return Mapping({entry.key: entry for entry in self if entry.key not in keys}, self.span)


Node = Scalar | Sequence | Mapping


def inside(node: Node | None, *keys: str) -> Node | None:
    """What stands under keys inside one another, or None where one of them is not written."""
    for key in keys:
        node = node.get(key) if isinstance(node, Mapping) else None
    return node


def items_of(node: Node | None) -> list[Node]:
    """The items of a list; none where no list is written."""
    return node.items if isinstance(node, Sequence) else []


def entries_of(node: Node | None) -> list[Entry]:
    """The entries of a mapping; none where no mapping is written."""
    return list(node) if isinstance(node, Mapping) else []


def is_null(node: Node | None) -> bool:
    """Whether nothing is written: no node at all, or null."""
    return node is None or (isinstance(node, Scalar) and node.value is None and node.known)


def is_unknown(node: Node | None) -> bool:
    """Whether a node stands for something that is not known yet: no value can be held against it."""
    return isinstance(node, Scalar) and not node.known


def is_typed(node: Node | None) -> bool:
    """Whether the type of a node is known."""
    return not isinstance(node, Scalar) or node.known or node.typed


def text_of(node: Node | None) -> str | None:
    """The text that a node holds, or None where it holds none, or one that is not known."""
    return node.value if isinstance(node, Scalar) and node.known and isinstance(node.value, str) else None


def copy(node: Node) -> Node:
    """A copy that can be changed without changing the original."""
    match node:
        case Scalar():
            return replace(node)
        case Sequence():
            return replace(node, items=[copy(item) for item in node.items])
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


def scalars(node: Node | None) -> Iterator[Scalar]:
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


def kind_name(node: Node | None) -> str:
    """What a node is, for messages: `the text "abc"`, `the number 3`, `a list`."""
    match node:
        case Sequence():
            return "a list"
        case Mapping():
            return "a mapping"
        case Scalar(known=False, written=str() as reference):
            return f"`{reference}`"
        case Scalar(value=bool() as value):
            return f"`{str(value).lower()}`"
        case Scalar(value=str() as value):
            return f'the text "{value if len(value) <= 40 else value[:37] + "..."}"'
        case Scalar(value=int() | float() as value):
            return f"the number {value if abs(value) < 1e15 else number_text(value)}"
    return "nothing (null)"


def number_text(value: float) -> str:
    """A number for messages, at most some 30 characters of it."""
    if abs(value) >= 1e30 and abs(value) != float("inf"):
        return "-1e30 or less" if value < 0 else "1e30 or more"
    return str(int(value)) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else str(value)
