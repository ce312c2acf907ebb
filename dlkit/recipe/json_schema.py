"""One JSON Schema (draft 07) of the recipe language, for editors: dlkit's own keys and the catalogue joined.

It accepts a little more than `validate` does: what a fragment leaves to others may be missing, a name in snake_case may be
a block, and any value may be a reference.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable
from typing import Any

from dlkit.recipe.catalogue import Argument, ComponentSpec
from dlkit.recipe.components import Components
from dlkit.recipe.keys import Fragment, Functional
from dlkit.recipe.other_recipes import RUN_ARGUMENTS
from dlkit.recipe.slots import (
    COMPONENT_KINDS,
    LAYER,
    LAYER_WORDS,
    MODEL,
    NETWORK,
    SLOT_REFERENCE,
    ComponentSlot,
    ListOf,
    MapOf,
    Section,
    Slot,
    alternatives,
    fields,
)
from dlkit.recipe.values import DTYPES

_REFERENCE = {"$ref": "#/definitions/reference"}
_BLOCK = r"^[a-z_][a-z0-9_]*$"
_RUN = r"^(recipe|run):\S+$"
_PLAIN: dict[str, dict[str, Any]] = {
    "int": {"type": "integer"},
    "float": {"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^[-+]?[0-9.]+ */ *[0-9.]+$"}]},
    "bool": {"type": "boolean"},
    "str": {"type": "string"},
    "path": {"type": "string"},
    "null": {"type": "null"},
    "any": {},
    "dtype": {"enum": list(DTYPES)},
    "shape": {"type": "array", "items": {"type": ["integer", "null"]}},
    "duration": {
        "anyOf": [
            {"type": "integer", "minimum": 0},
            {
                "type": "object",
                "properties": {"epochs": {"type": "number"}},
                "required": ["epochs"],
                "additionalProperties": False,
            },
            {
                "type": "object",
                "properties": {"share": {"type": "number"}},
                "required": ["share"],
                "additionalProperties": False,
            },
        ]
    },
}


def schema() -> dict[str, Any]:
    """The JSON Schema of recipes and fragments."""
    return _Maker(Components()).schema()


class _Maker:
    def __init__(self, components: Components) -> None:
        self.components = components
        self.definitions: dict[str, Any] = {
            "reference": {
                "type": "string",
                "pattern": r"^\$",
                "description": "A reference to another value: `$data.classes`.",
            }
        }
        self.arguments: dict[str, str] = {}

    def schema(self) -> dict[str, Any]:
        root = _linked(Fragment.model_json_schema(by_alias=True, ref_template="#/definitions/{model}"))
        for name, definition in root.pop("$defs", {}).items():
            self.definitions[name] = definition
        for definition in (root, *list(self.definitions.values())):
            _loosen(definition)
        for slot in _slots(Section(Fragment)):
            self._define(slot)
        for kind in (*COMPONENT_KINDS[:-1], "network"):
            self._define(NETWORK if kind == "network" else ComponentSlot((kind,)))
        root["definitions"] = dict(sorted(self.definitions.items()))
        return {"$schema": "http://json-schema.org/draft-07/schema#", **root, "title": "dlkit recipe"}

    def _define(self, slot: ComponentSlot) -> None:
        """The definition of what may stand in a slot."""
        name = "_or_".join(slot.kinds)
        if name in self.definitions:
            return
        self.definitions[name] = {}  # known before its arguments lead back to it
        known = {
            word: spec
            for kind in slot.kinds
            if kind != "block"
            for word in self.components.names(kind)
            if (spec := self.components.find(kind, word))
        }
        properties = {word: self._component(spec) for word, spec in known.items()}
        if slot == LAYER:
            properties["reuse"] = {
                "type": "object",
                "description": "Calls a layer again, with the same weights.",
                "properties": {
                    "layer": {"type": "string"},
                    "from": self._type(LAYER_WORDS["from"]),
                    "name": {"type": "string"},
                },
                "required": ["layer"],
                "additionalProperties": False,
            }
            properties["sequential"] = {"type": "array", "items": _ref(slot), "description": "A chain of layers."}
        inside: dict[str, Any] = {
            "type": "object",
            "properties": properties,
            "additionalProperties": False,
            "minProperties": 1,
        }
        bare = [word for word, spec in known.items() if not any(a.required for a in spec.arguments.values())]
        # Beside `properties`, `maxProperties` would keep yaml-language-server from completing an empty mapping.
        alternatives: list[Any] = [{"allOf": [inside, {"maxProperties": 1}]}]
        if bare:
            alternatives.insert(0, {"enum": bare, "type": "string"})
        if slot == LAYER:
            run = ComponentSpec("run", "run", "The saved model of another run as a layer.", RUN_ARGUMENTS)
            inside["patternProperties"] = {_BLOCK: {}, _RUN: self._component(run)}
            alternatives.append({"type": "string", "pattern": f"{_BLOCK}|{_RUN}"})
        self.definitions[name] = {"anyOf": [*alternatives, _REFERENCE]}

    def _component(self, spec: ComponentSpec) -> dict[str, Any]:
        """A reference to the definition of a component's arguments, which all its slots share."""
        name = f"{spec.kind}.{spec.alias_of or spec.name}"
        if name not in self.definitions:
            self.definitions[name] = {}
            self.definitions[name] = self._body(spec)
        return {"$ref": f"#/definitions/{name}"}

    def _body(self, spec: ComponentSpec) -> dict[str, Any]:
        if spec.kind == "network" and spec.name == "sequential":
            return {"type": "array", "items": _ref(LAYER), "description": spec.summary}
        if spec.kind == "network":
            inside = _linked(Functional.model_json_schema(by_alias=True))
            return {key: inside[key] for key in ("type", "properties", "required", "additionalProperties")} | {
                "description": spec.summary
            }
        arguments = {**spec.arguments, **(LAYER_WORDS if spec.kind in (*LAYER.kinds, "run") else {})}
        properties = {name: self._argument(argument) for name, argument in arguments.items()}
        body: dict[str, Any] = {
            "title": spec.name,
            "type": ["object", "null"],
            "properties": properties,
            "additionalProperties": False,
        }
        if spec.summary:
            body["description"] = spec.summary
        required = [name for name, argument in spec.arguments.items() if argument.required]
        return {**body, "required": required} if required else body

    def _argument(self, argument: Argument) -> dict[str, Any]:
        """A reference to the definition of an argument; equal ones share one."""
        made = self._type(argument)
        default = (
            "" if argument.required or argument.default is None else f" Default: `{json.dumps(argument.default)}`."
        )
        described = f"{argument.summary.rstrip('.')}.{default}" if argument.summary else default.strip()
        if described:
            made = {**made, "description": described}
        text = json.dumps(made, sort_keys=True)
        if text not in self.arguments:
            number = sum(
                name.rpartition(".")[0] == argument.name or name == argument.name for name in self.arguments.values()
            )
            self.arguments[text] = f"{argument.name}.{number + 1}"
            self.definitions[f"argument.{self.arguments[text]}"] = made
        return {"$ref": f"#/definitions/argument.{self.arguments[text]}"}

    def _type(self, argument: Argument) -> dict[str, Any]:
        made = [self._part(part, argument) for part in alternatives(argument.type)]
        if {} in made:
            return {}
        if not (len(made) == 1 and made[0] == {"type": "string"}):
            made.append(_REFERENCE)
        return made[0] if len(made) == 1 else {"anyOf": made}

    def _part(self, part: str, argument: Argument) -> dict[str, Any]:
        if part == "activation":
            return {"enum": list(self.components.names("activation"))}
        if part in COMPONENT_KINDS:
            return _ref(NETWORK if part == "network" else ComponentSlot((part,)))
        if part.startswith("list["):
            inner = [self._part(inside, argument) for inside in alternatives(part[5:-1])]
            return {"type": "array", "items": {} if {} in inner else {"anyOf": [*inner, _REFERENCE]}}
        if part.startswith("map["):
            return {"type": "object"}
        made = copy.deepcopy(_PLAIN[part])
        if part in ("int", "float"):
            limits = {
                "minimum": argument.min,
                "maximum": argument.max,
                "exclusiveMinimum": argument.above,
                "exclusiveMaximum": argument.below,
            }
            number = made if part == "int" else made["anyOf"][0]
            number |= {word: bound for word, bound in limits.items() if bound is not None}
        if part == "str" and argument.choices:
            made = {"enum": list(argument.choices)}
        return made


def to_text(document: dict[str, Any]) -> str:
    """The schema as a file: a definition a line, so that changes can be read."""
    head = {key: value for key, value in document.items() if key != "definitions"}
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in document["definitions"].items())
    return f'{json.dumps(head, indent=1)[:-2]},\n "definitions": {{\n{lines}\n}}\n}}\n'


def _linked(value: Any) -> Any:
    """The schema with the slots in it as references to their definitions."""
    if isinstance(value, dict):
        made = {key: _linked(inside) for key, inside in value.items() if key != SLOT_REFERENCE}
        return made | ({"$ref": f"#/definitions/{value[SLOT_REFERENCE]}"} if SLOT_REFERENCE in value else {})
    return [_linked(inside) for inside in value] if isinstance(value, list) else value


def _ref(slot: ComponentSlot) -> dict[str, Any]:
    return {"$ref": f"#/definitions/{'_or_'.join(slot.kinds)}"}


def _slots(slot: Slot, seen: set[Any] | None = None) -> Iterable[ComponentSlot]:
    """Every slot for components in dlkit's own keys."""
    seen = set() if seen is None else seen
    match slot:
        case ComponentSlot():
            yield slot
        case ListOf(item=inner) | MapOf(value=inner):
            yield from _slots(inner, seen)
        case Section(model=model) if model not in seen:
            seen.add(model)
            for field in fields(model).values():
                yield from _slots(field.slot, seen)
    if slot == MODEL:
        yield from (LAYER, NETWORK)


def _loosen(definition: dict[str, Any]) -> None:
    """What is merged may be incomplete, lists may be appended to, and any value may be a reference."""
    properties = definition.get("properties", {})
    if definition.get("title") not in ("Block", "InitialWeights"):
        definition.pop("required", None)
    definition.pop("title", None)
    for name, inside in list(properties.items()):
        inside.pop("title", None)
        inside.pop("default", None) if inside.get("default", 0) is None else None
        kinds = [part.get("type") for part in inside.get("anyOf", [inside]) if not {"const", "enum"} & part.keys()]
        if "$ref" in inside:
            inside["anyOf"] = [{"$ref": inside.pop("$ref")}, _REFERENCE]
        elif "anyOf" in inside and "string" not in kinds:
            inside["anyOf"].append(_REFERENCE)
        elif kinds in (["integer"], ["number"], ["boolean"], ["array"]):
            keep = {key: inside.pop(key) for key in ("description", "default", "examples") if key in inside}
            properties[name] = {"anyOf": [inside, _REFERENCE], **keep}
        if "array" in kinds:
            properties[f"{name}+"] = {key: value for key, value in properties[name].items() if key != "default"}
