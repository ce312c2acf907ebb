"""What may stand at a position of a recipe.

Every position has a slot: a section of dlkit's own keys, a component of certain kinds, the arguments of a component, a
list, a mapping of names, or a plain value. Merging, paths, checking and the JSON Schema all walk a recipe with its slots,
so each rule of the language is known in one place: dlkit's own keys in `keys`, everything else here.
"""

from __future__ import annotations

import types
import typing
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import BaseModel

from dlkit.recipe.catalogue import Argument, ComponentSpec

SLOT_REFERENCE = "x-dlkit-slot"


class Slot:
    """What may stand at a position."""

    __slots__ = ()

    def __get_pydantic_json_schema__(self, core_schema: Any, handler: Any) -> dict[str, Any]:
        """How pydantic describes the position in a JSON Schema."""
        return {}


@dataclass(frozen=True, slots=True)
class Leaf(Slot):
    """A plain value, of the type that `argument` tells; pydantic knows that of dlkit's own keys."""

    argument: Argument | None = None


@dataclass(frozen=True, slots=True)
class Section(Slot):
    """A mapping of dlkit's own keys, as a pydantic model has them."""

    model: type[BaseModel]


@dataclass(frozen=True, slots=True)
class ComponentSlot(Slot):
    """A component of one of some kinds; `argument` tells what else may stand there, as a number where a schedule may."""

    kinds: tuple[str, ...]
    argument: Argument | None = None

    def __get_pydantic_json_schema__(self, core_schema: Any, handler: Any) -> dict[str, Any]:
        # Not `$ref` yet: pydantic would look for it among its own models (see `json_schema`).
        return {SLOT_REFERENCE: "_or_".join(self.kinds)}


@dataclass(frozen=True, slots=True)
class Arguments(Slot):
    """The arguments of a known component; those of a layer in a network have dlkit's own words beside them."""

    spec: ComponentSpec
    in_network: bool = False


@dataclass(frozen=True, slots=True)
class ListOf(Slot):
    """A list of one kind of thing."""

    item: Slot

    def __get_pydantic_json_schema__(self, core_schema: Any, handler: Any) -> dict[str, Any]:
        return {"type": "array", "items": self.item.__get_pydantic_json_schema__(core_schema, handler)}


@dataclass(frozen=True, slots=True)
class MapOf(Slot):
    """A mapping from free names to one kind of thing."""

    value: Slot

    def __get_pydantic_json_schema__(self, core_schema: Any, handler: Any) -> dict[str, Any]:
        return {
            "type": "object",
            "additionalProperties": self.value.__get_pydantic_json_schema__(core_schema, handler),
        }


ANY = Leaf()
NETWORKS = ("sequential", "functional")  # the two networks that are written out
LAYER = ComponentSlot(("layer", "block", "architecture", "application"))
LAYERS = ListOf(LAYER)
MODEL = ComponentSlot(("network", "architecture", "pattern"))
NETWORK = ComponentSlot(("network", "architecture"))

# dlkit's own words in a layer entry; all but `name` stay with dlkit.
LAYER_WORDS: dict[str, Argument] = {
    "name": Argument("name", "str", summary="The layer's name, unique in its network."),
    "from": Argument(
        "from", "str|list[str]|map[any]", summary="What the layer is called on, where it is not the layer before it."
    ),
    "repeat": Argument(
        "repeat",
        "int",
        min=0,
        max=10_000,
        summary="How often the entry is chained, with weights of its own; 0 leaves it out.",
    ),
}


@dataclass(frozen=True, slots=True)
class Field:
    """One of dlkit's own keys."""

    slot: Slot
    default: Any


@cache
def fields(model: type[BaseModel]) -> dict[str, Field]:
    """The keys of a section, by the names they are written with."""
    hints = typing.get_type_hints(model, include_extras=True)
    made = {}
    for name, info in model.model_fields.items():
        default = info.get_default(call_default_factory=True)
        if isinstance(default, BaseModel):
            default = default.model_dump(exclude_unset=True)
        made[info.alias or name] = Field(_slot(hints[name]), None if info.is_required() else default)
    return made


def _slot(hint: Any) -> Slot:
    """The slot that an annotation tells."""
    if typing.get_origin(hint) is typing.Annotated:
        told = next((part for part in hint.__metadata__ if isinstance(part, Slot)), None)
        return told or _slot(hint.__origin__)
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return Section(hint)
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        slots = [_slot(part) for part in typing.get_args(hint)]
        return next((slot for slot in slots if not isinstance(slot, Leaf)), ANY)
    if typing.get_origin(hint) is list:
        return ListOf(_slot(typing.get_args(hint)[0]))
    if typing.get_origin(hint) is dict:
        return MapOf(_slot(typing.get_args(hint)[1]))
    return ANY


COMPONENT_KINDS = (
    "activation",
    "initializer",
    "regularizer",
    "constraint",
    "layer",
    "loss",
    "metric",
    "optimizer",
    "schedule",
    "network",
)


@cache
def alternatives(types: str) -> tuple[str, ...]:
    """The types that `Argument.type` joins: `int|list[int|null]` is `int` and `list[int|null]`."""
    parts, depth = [""], 0
    for character in types:
        depth += (character == "[") - (character == "]")
        if character == "|" and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return tuple(parts)


def argument_slot(argument: Argument) -> Slot:
    """The slot of an argument of a component."""
    kinds = tuple(part for part in alternatives(argument.type) if part in COMPONENT_KINDS)
    if kinds == ("network",):
        return NETWORK
    if kinds:
        return ComponentSlot(kinds, argument)
    for part in alternatives(argument.type):
        if part.startswith("list[") and part[5:-1] in COMPONENT_KINDS:
            return ListOf(ComponentSlot((part[5:-1],), Argument(argument.name, part[5:-1])))
    return Leaf(argument)
