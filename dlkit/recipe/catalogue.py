"""The catalogue of Keras's components: their names, arguments, types and ranges, without importing Keras.

`catalogue.json` is written by ``scripts/update_catalogue.py`` from the installed Keras and from the hand-kept
`catalogue_overrides.yaml`. The types an argument can have are described at `Argument.type`.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

KINDS = (
    "layer",
    "optimizer",
    "loss",
    "metric",
    "callback",
    "schedule",
    "initializer",
    "regularizer",
    "constraint",
    "activation",
    "application",
)


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a component.

    Args:
        name: As in Keras.
        type: Alternatives joined by `|`: `int`, `float` (takes integers too), `bool`, `str`, `null`, `any`, `dtype`,
            `duration` (a number of steps, or a mapping with `epochs` or `share`), `shape` (a list of integers or
            null), `list[T]`, `map[T]`, and kinds of components (`initializer`, `layer`, ...).
        required: Whether a recipe must give it.
        default: The value used where it is not given; meaningless where it is required.
        min: Smallest number allowed, also for each number of a list. So are `max`, `above` and `below`, of which the
            last two are not allowed themselves.
        choices: The strings allowed, where the type has `str`.
        length: Smallest and largest length of a list (the outer one, where lists are nested).
        summary: One line for editors and messages.
    """

    name: str
    type: str
    required: bool = False
    default: Any = None
    min: float | None = None
    max: float | None = None
    above: float | None = None
    below: float | None = None
    choices: tuple[str, ...] | None = None
    length: tuple[int, int] | None = None
    summary: str = ""


@dataclass(frozen=True, slots=True)
class ComponentSpec:
    """What is known of one component.

    Args:
        kind: One of `KINDS`.
        name: The name it was asked for; Keras knows some components under several.
        summary: One line for editors and messages.
        arguments: By name, in the order of the constructor.
        call: The names of the tensors that a layer is called with, in order.
        takes_list: Whether the first of `call` is a list of tensors.
        refused: Why a recipe may not use it, and what to write instead; None where it may.
        flags: The names of the on/off arguments of a layer's call, as `use_causal_mask`.
        alias_of: The name under which Keras documents it, where `name` is another one.
    """

    kind: str
    name: str
    summary: str
    arguments: Mapping[str, Argument] = field(default_factory=dict)
    call: tuple[str, ...] = ()
    takes_list: bool = False
    refused: str | None = None
    flags: tuple[str, ...] = ()
    alias_of: str | None = None


class Catalogue:
    """Finds components by kind and name; descriptions are made when they are asked for.

    Args:
        document: The parsed `catalogue.json`: `arguments` holds every distinct argument once, under its name or under
            `name.2`, `name.3`, ...; `components` refers to them by these keys.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.keras_version: str = document["keras_version"]
        self._arguments: Mapping[str, dict[str, Any]] = document["arguments"]
        self._components: Mapping[str, Mapping[str, dict[str, Any]]] = document["components"]
        self._specs: dict[tuple[str, str], ComponentSpec] = {}

    def find(self, kind: str, name: str) -> ComponentSpec | None:
        """The component of that kind and name, refused ones too; None where Keras has none."""
        entry = self._components.get(kind, {}).get(name)
        if entry is None:
            return None
        if (kind, name) not in self._specs:
            self._specs[kind, name] = self._describe(kind, name, entry)
        return self._specs[kind, name]

    def names(self, kind: str) -> tuple[str, ...]:
        """The names that a recipe may use for a component of that kind, other spellings of the same one included."""
        members = self._components.get(kind, {})
        return tuple(name for name in members if not self._resolved(kind, name).get("refused"))

    def kinds_of(self, name: str) -> tuple[str, ...]:
        """The kinds that have a component of that name."""
        return tuple(kind for kind, members in self._components.items() if name in members)

    def _resolved(self, kind: str, name: str) -> dict[str, Any]:
        entry = self._components[kind][name]
        return self._components[kind][entry["alias_of"]] if "alias_of" in entry else entry

    def _describe(self, kind: str, name: str, entry: Mapping[str, Any]) -> ComponentSpec:
        values = dict(self._resolved(kind, name))
        arguments = [self._argument(key) for key in values.pop("arguments", ())]
        call, flags = (tuple(values.pop(key, ())) for key in ("call", "flags"))
        return ComponentSpec(
            kind=kind,
            name=name,
            arguments={argument.name: argument for argument in arguments},
            alias_of=entry.get("alias_of"),
            call=call,
            flags=flags,
            **values,
        )

    def _argument(self, key: str) -> Argument:
        values = dict(self._arguments[key])
        for name in ("choices", "length"):
            if name in values:
                values[name] = tuple(values[name])
        return Argument(name=key.partition(".")[0], **values)


@functools.cache
def catalogue() -> Catalogue:
    """The catalogue that ships with dlkit; read once a process."""
    return Catalogue(json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8")))
