"""A network, ready to be built: every block opened, every repeat written out, every layer named.

The builder, `check`, `freeze` and the ejected script all read this one form; nothing of the recipe language is left in it.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dlkit.recipe.diagnostics import NOWHERE, Span


@dataclass(frozen=True, slots=True)
class Component:
    """A component with its arguments, themselves components where the recipe says so."""

    kind: str
    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Tensor:
    """An output of a call, or an input of the network: `call` is its name, `index` which of several outputs."""

    call: str
    index: int | None = None


Argument = Tensor | tuple[Tensor, ...] | bool


@dataclass(frozen=True, slots=True)
class Call:
    """A layer called on tensors.

    Args:
        name: What others call its output; that of the layer, unless the layer was called before.
        layer: The layer's name.
        first: The first call argument: a tensor, or a tuple where the layer takes a list.
        named: Further call arguments, by name.
    """

    name: str
    layer: str
    first: Argument | None
    named: Mapping[str, Argument] = field(default_factory=dict)


@dataclass(slots=True)
class Graph:
    """A network.

    Args:
        inputs: The features it takes, in order.
        layers: Its layers by name, in order.
        calls: In the order in which they are made.
        outputs: Its outputs by target; an output without a name is the only one.
        parts: The networks that a pattern was given and that this one holds: what each takes, and what it gives.
        complete: False where a part is only known once a plugin has run.
    """

    inputs: tuple[str, ...] = ()
    layers: dict[str, Component] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    outputs: dict[str, Tensor] = field(default_factory=dict)
    parts: dict[str, tuple[Tensor, Tensor]] = field(default_factory=dict)
    complete: bool = True

    @property
    def is_chain(self) -> bool:
        """Whether each layer takes the output of the one before it and nothing else: a `keras.Sequential`."""
        before = self.inputs[0] if len(self.inputs) == 1 else None
        for call in self.calls:
            if call.first != Tensor(before or "") or call.named or call.name != call.layer:
                return False
            before = call.name
        return before is not None and list(self.outputs.values()) == [Tensor(before)]

    def call(self, name: str) -> Call | None:
        """The call of that name."""
        return next((call for call in self.calls if call.name == name), None)

    def matching(self, globs: Iterable[str]) -> list[str]:
        """The names of the layers that at least one glob matches."""
        wanted = list(globs)
        return [name for name in self.layers if any(fnmatch.fnmatchcase(name, glob) for glob in wanted)]
