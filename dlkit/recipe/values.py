"""Holds plain values against the types and ranges of the catalogue."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlkit.recipe.catalogue import Argument
from dlkit.recipe.diagnostics import Findings, Span, did_you_mean, listing
from dlkit.recipe.nodes import Mapping, Node, Scalar, Sequence, is_typed, is_unknown, kind_name, number_text, plain
from dlkit.recipe.slots import COMPONENT_KINDS, alternatives
from dlkit.recipe.yaml_source import scalar_value

DTYPES = (
    *("float16", "float32", "float64", "bfloat16"),
    *("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"),
    *("bool", "string", "mixed_float16", "mixed_bfloat16"),
)
_TAKES = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "text",
    "null": "null",
    "any": "any value",
    "dtype": "a dtype",
    "path": "a path",
    "duration": "a number of steps, `{epochs: n}` or `{share: x}`",
    "shape": "a list of whole numbers",
}
_LISTED = {"int": "whole numbers", "float": "numbers", "str": "texts", "bool": "truth values"}
_FROM_PYTHON = {"None": "null", "nan": ".nan", "inf": ".inf"}
_FROM_YAML_1_1 = {"yes": "true", "on": "true", "no": "false", "off": "false"}
_LARGEST_INTEGER = 2**63 - 1
_LARGEST_FLOAT = 1e308


@dataclass(frozen=True, slots=True)
class ValueChecker:
    """Checks plain values; mistakes are noted."""

    findings: Findings

    def check(self, node: Node, argument: Argument, owner: str = "") -> Any:
        """The value of a node.

        Args:
            owner: What the argument belongs to, for messages.
        """
        whose = f"`{argument.name}` of {owner}" if owner else f"`{argument.name}`"
        if not any(matches(node, part) for part in alternatives(argument.type)):
            self._wrong_type(node, argument, whose)
            return plain(node)
        if is_unknown(node):
            return plain(node)
        if isinstance(node, Scalar) and isinstance(node.value, str):
            return self._text(node.value, node.span, argument, whose)
        self._length(node, argument, whose)
        self._range(node, argument, whose)
        if argument.choices:
            self._choices(node, argument, whose)
        # Keras refuses `learning_rate: 1` where it wants a float.
        return _as_floats(plain(node)) if _wants_float(argument) else plain(node)

    def _wrong_type(self, node: Node, argument: Argument, whose: str) -> None:
        value = node.value if isinstance(node, Scalar) else None
        if isinstance(value, float) and not math.isfinite(value):
            self.findings.error("out-of-range", f"{whose} takes finite numbers only, not {kind_name(node)}", node.span)
            return
        message = f"{whose} takes {taken_by(argument)}, not {kind_name(node)}"
        types = [part.partition("[")[0] for part in alternatives(argument.type)]
        self.findings.error("wrong-type", message, node.span, type_cure(node, types))

    def _text(self, value: str, span: Span, argument: Argument, whose: str) -> str:
        parts = alternatives(argument.type)
        known = argument.choices
        if known is None and "dtype" in parts and "str" not in parts:
            known = DTYPES
        if known is not None and value not in known:
            cure = did_you_mean(value, known, f"it takes {listing(known, 20)}")
            self.findings.error("unknown-value", f"{whose} cannot be `{value}`", span, cure)
        return resolved_path(value, span) if "path" in parts else value

    def _length(self, node: Node, argument: Argument, whose: str) -> None:
        if not isinstance(node, Sequence) or not argument.length:
            return
        low, high = argument.length
        if not low <= len(node.items) <= high:
            count = str(low) if low == high else f"{low} to {high}"
            message = f"{whose} is a list of {count}, not of {len(node.items)}"
            self.findings.error("wrong-length", message, node.span)

    def _choices(self, node: Node, argument: Argument, whose: str) -> None:
        """The texts in a list or a mapping are among those that may be chosen."""
        match node:
            case Sequence():
                for item in node.items:
                    self._choices(item, argument, whose)
            case Mapping():
                for entry in node:
                    self._choices(entry.node, argument, whose)
            case Scalar(value=str() as value, known=True):
                self._text(value, node.span, argument, whose)

    def _range(self, node: Node, argument: Argument, whose: str) -> None:
        match node:
            case Sequence():
                for item in node.items:
                    self._range(item, argument, whose)
            case Scalar(value=int() | float() as value, known=True) if not isinstance(value, bool):
                bounds = _bounds(argument)
                broken = next((word for word, bound, holds in bounds if not holds(value, bound)), None)
                if broken:
                    allowed = " and ".join(f"{word} {number_text(bound)}" for word, bound, _ in bounds)
                    message = f"{whose} is {number_text(value)}, but must be {allowed}"
                    self.findings.error("out-of-range", message, node.span)


def is_meant_as_number(value: Any) -> bool:
    """Whether a text looks as if it were to be a number."""
    return isinstance(value, str) and re.match(r"[-+.]?\d", value) is not None


def type_cure(node: Node, types: Collection[str]) -> str:
    """What to do about a value of the wrong type.

    Args:
        types: Those it may have, in the catalogue's words.
    """
    value = node.value if isinstance(node, Scalar) and node.known else None
    if value is None:
        return "begin each item with `- `" if isinstance(node, Mapping) and "list" in types else ""
    if isinstance(value, str):
        return _text_cure(value, types)
    if "str" in types and isinstance(node, Scalar) and node.plain:
        return "put it in quotes"
    return "write it as a list: `[...]`" if "list" in types else ""


def _text_cure(value: str, types: Collection[str]) -> str:
    if value in _FROM_PYTHON:
        return f"write `{_FROM_PYTHON[value]}`"
    if "bool" in types and value.lower() in _FROM_YAML_1_1:
        return f"write `{_FROM_YAML_1_1[value.lower()]}`"
    if not isinstance(scalar_value(value), str):
        return "take the quotes away"
    if "list" in types and value.startswith("("):
        return f"a list stands in brackets: `[{value.strip('()')}]`"
    if {"int", "float"} & {*types} and is_meant_as_number(value):
        percent = re.fullmatch(r"(\d+(?:\.\d+)?) ?%", value)
        if percent:
            return f"write {float(percent[1]) / 100:g}"
        return "a number has a decimal point, and nothing else between its digits"
    if "map" in types and re.match(r"\w+:\S", value):
        return "write a blank after the colon"
    return "write it as a list: `[...]`" if "list" in types else ""


def _bounds(argument: Argument) -> list[tuple[str, float, Any]]:
    """The bounds of an argument: its word, the number, and whether a value keeps it."""
    bounds = (
        ("at least", argument.min, lambda value, bound: value >= bound),
        ("above", argument.above, lambda value, bound: value > bound),
        ("at most", argument.max, lambda value, bound: value <= bound),
        ("below", argument.below, lambda value, bound: value < bound),
    )
    return [(word, bound, holds) for word, bound, holds in bounds if bound is not None]


def resolved_path(written: str, span: Span) -> str:
    """A path as it is to be opened: from the file that wrote it, then from DLKIT_DATA_DIR; else as it is."""
    beside = Path(span.source.path).parent if span.source.path else Path.cwd()
    roots = [beside, *([Path(os.environ["DLKIT_DATA_DIR"])] if os.environ.get("DLKIT_DATA_DIR") else [])]
    try:
        path = Path(written).expanduser()
        return str(next((root / path for root in roots if (root / path).exists()), path))
    except (OSError, ValueError, RuntimeError):  # no name that a file can have, or no such home
        return written


def taken_by(argument: Argument) -> str:
    """What an argument takes, for messages: `a whole number or a list of whole numbers`."""
    if argument.choices:
        return f"one of {listing(map(str, argument.choices))}"
    words = [_taken(part) for part in alternatives(argument.type) if part != "null"]
    return " or ".join(dict.fromkeys(words))


def _taken(part: str) -> str:
    if part.startswith("list["):
        return f"a list of {_LISTED.get(part[5:-1], 'values')}"
    if part.startswith("map["):
        return f"a mapping of names to {_LISTED.get(part[4:-1], 'values')}"
    return _TAKES.get(part) or with_article(part)


def with_article(word: str) -> str:
    """A noun with its article: `an optimizer`."""
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"


def matches(node: Node, part: str) -> bool:
    """Whether a node has a type of the catalogue; one whose type is not known has any."""
    if not is_typed(node) or part == "any":
        return True
    if part.startswith("list["):
        inner = alternatives(part[5:-1])
        return isinstance(node, Sequence) and all(any(matches(item, p) for p in inner) for item in node.items)
    if part.startswith("map["):
        return isinstance(node, Mapping) and all(matches(entry.node, part[4:-1]) for entry in node)
    if part == "shape":
        return matches(node, "list[int|null]")
    if part == "duration":
        return matches(node, "int") or _is_duration(node)
    return isinstance(node, Scalar) and _is(node.value, part)


def _is(value: Any, part: str) -> bool:
    """Whether the value of a scalar has a type of the catalogue; kinds of components are no types of values."""
    if part in COMPONENT_KINDS:
        return False
    match value:
        case None:
            return part == "null"
        case bool():
            return part == "bool"
        case str():
            return part in ("str", "dtype", "path")
        case int():
            return part in ("int", "float") and abs(value) <= _LARGEST_INTEGER
    return part == "float" and math.isfinite(value) and abs(value) <= _LARGEST_FLOAT


def _is_duration(node: Node) -> bool:
    entry = node.only() if isinstance(node, Mapping) else None
    if entry is None or not isinstance(entry.node, Scalar):
        return False
    if is_unknown(entry.node):
        return entry.key in ("epochs", "share")
    value = entry.node.value
    if not isinstance(value, int | float) or isinstance(value, bool) or not _is(value, "float"):
        return False
    return (entry.key == "epochs" and value > 0) or (entry.key == "share" and 0 < value <= 1)


def _wants_float(argument: Argument) -> bool:
    words = re.findall(r"\w+", argument.type)
    return "float" in words and "int" not in words


def _as_floats(value: Any) -> Any:
    if isinstance(value, list):
        return [_as_floats(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
