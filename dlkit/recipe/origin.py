"""Shows where each value of a recipe came from: YAML with the file and line behind every value.

training:
  epochs: 5                 # --set
  optimizer:
    Adam:                   # recipes/digits/cnn.yaml:27
      learning_rate: 0.001  # configs/training/classification.yaml:7
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from dlkit.recipe.diagnostics import Span
from dlkit.recipe.dump import _Dumper, as_written
from dlkit.recipe.library import shipped
from dlkit.recipe.load import Recipe
from dlkit.recipe.nodes import Mapping, Node, Scalar, Sequence

_INDENT = "  "
_WIDEST = 70  # characters before the comments, save on lines that are longer themselves

Line = tuple[str, str]  # the YAML and its origin


def with_origins(recipe: Recipe) -> str:
    """YAML of a composed recipe, one value a line; it reads back as the recipe."""
    ordered = Mapping({key: recipe.resolved.entries[key] for key in recipe.dump()})
    lines = list(_mapping(ordered, ""))
    width = max((len(text) for text, origin in lines if origin and len(text) <= _WIDEST), default=0)
    return "".join(f"{text:<{width}}  # {origin}\n" if origin else f"{text}\n" for text, origin in lines)


def _mapping(node: Mapping, indent: str) -> Iterator[Line]:
    for entry in node:
        # A component is a mapping of one entry: its name is a value as well, and has an origin of its own.
        is_name = len(node) == 1
        yield from _value(f"{indent}{_key(entry.key)}:", entry.node, indent, _told(entry.key_span) if is_name else "")


def _value(head: str, node: Node, indent: str, origin: str) -> Iterator[Line]:
    """A value behind `key:` or `-`: on the same line where it fits there, below it otherwise."""
    if _is_short(node):
        yield f"{head} {_text(as_written(node))}", _told(_place(node))
        return
    yield head, origin
    if isinstance(node, Mapping):
        yield from _mapping(node, indent + _INDENT)
    elif isinstance(node, Sequence):
        for item in node.items:
            yield from _item(item, indent + _INDENT)


def _item(node: Node, indent: str) -> Iterator[Line]:
    if isinstance(node, Mapping) and len(node):
        (first, origin), *rest = _mapping(node, indent + _INDENT)
        yield f"{indent}- {first.removeprefix(indent + _INDENT)}", origin
        yield from rest
    else:
        yield from _value(f"{indent}-", node, indent, "")


def _is_short(node: Node) -> bool:
    """Whether a value stands on one line: a scalar, what is empty, and a list of scalars from one place."""
    match node:
        case Scalar():
            return True
        case Mapping():
            return len(node) == 0
        case Sequence(items=items):
            text = _text(as_written(node)) if all(isinstance(item, Scalar) for item in items) else "\n"
            return len(text) <= _WIDEST and "\n" not in text and len({_told(item.span) for item in items}) <= 1


def _place(node: Node) -> Span:
    return node.items[0].span if isinstance(node, Sequence) and node.items else node.span


def _text(value: Any) -> str:
    """A value as YAML on one line."""
    if isinstance(value, list | dict):
        return _dump(value, flow=True)
    style = '"' if isinstance(value, str) and len(value.splitlines()) > 1 else None
    return _dump({0: value}, flow=False, style=style).partition(": ")[2]


def _key(key: str) -> str:
    return _dump({key: 0}, flow=False).removesuffix(": 0")


def _dump(value: Any, flow: bool, style: str | None = None) -> str:
    return yaml.dump(
        value, Dumper=_Dumper, width=math.inf, allow_unicode=True, default_flow_style=flow, default_style=style
    ).strip()


def _told(span: Span) -> str:
    """`configs/training/classification.yaml:7` of what ships, a path from here of the user's own, `--set`."""
    source = span.source
    if source.path is None:
        return source.name
    path = Path(source.path).resolve()
    for folder in ("recipes", "configs"):
        root = shipped(folder).resolve()
        if path.is_relative_to(root):
            return f"{folder}/{path.relative_to(root).as_posix()}:{span.line}"
    return f"{source.name}:{span.line}"
