"""What layers are called: their written names, or numbered ones that are the same in every process."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from dlkit.recipe.calls import Scope, Use
from dlkit.recipe.diagnostics import Findings
from dlkit.recipe.graph import Component
from dlkit.recipe.nodes import Node, is_null, is_unknown, kind_name, text_of
from dlkit.recipe.registry import snake_case

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


def written_name(node: Node | None, findings: Findings) -> str | None:
    """The name that an entry writes, or None; a mistaken one is noted."""
    name = text_of(node)
    if node is None or is_unknown(node) or (name is not None and _NAME.fullmatch(name)):
        return name
    if name is None and not is_null(node):
        findings.error("wrong-type", f"the name of a layer belongs here, not {kind_name(node)}", node.span)
    elif name is not None:
        cure = "a name is letters, digits, `_` and `-`, and begins with a letter"
        findings.error("wrong-name", f"`{name}` is no name for a layer", node.span, cure)
    return None


def names_of(use: Use, base: str, scope: Scope, findings: Findings) -> Iterator[str]:
    """The name of each repeat of an entry; an automatic one is the first that is free, by Keras's rule.

    Args:
        base: What an automatic name is made of.
    """
    if use.name is not None:
        names = [use.name] if use.repeat == 1 else [f"{use.name}_{n}" for n in range(1, use.repeat + 1)]
        if not any(name in scope.names for name in names):
            yield from names
            return
        message = f"the layer name `{use.name}` is used twice"
        findings.error("name-used-twice", message, use.span, "names are unique in a network")
    base = snake_case(re.sub(r"\W+", "_", base))
    for _ in range(use.repeat):
        yield base if use.repeat == 1 and scope.is_free(base) else scope.numbered(base)


def with_names_inside(component: Component, full: str) -> Component:
    """A layer whose inner layers have names of their own too, the same in every process.

    Args:
        full: The layer's name.
    """
    taken: set[str] = set()

    def named(value: Any) -> Any:
        if isinstance(value, list):
            return [named(item) for item in value]
        if not isinstance(value, Component) or value.kind != "layer":
            return value
        base = f"{full}.{snake_case(value.name)}"
        names = itertools.chain([base], (f"{base}_{number}" for number in itertools.count(1)))
        name = next(name for name in names if name not in taken)
        taken.add(name)
        inner = value if "name" in value.arguments else replace(value, arguments={**value.arguments, "name": name})
        return with_names_inside(inner, name)

    return replace(component, arguments={key: named(value) for key, value in component.arguments.items()})
