"""The page on the recipe language: every key of the pydantic models, with type, default, description and example."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from dlkit.recipe.dump import to_yaml
from dlkit.recipe.keys import Fragment, Functional, Recipe
from dlkit.recipe.slots import LAYER_WORDS, SLOT_REFERENCE, ListOf, MapOf, Section, Slot, fields
from dlkit.recipe.training_keys import Stage, Training
from dlkit.recipe.values import taken_by
from scripts.docs_pages.kinds import link_to_kind
from scripts.docs_pages.markdown import block, code, heading, prose, table

# What stands for a name of the user's in a path, and how an example writes it.
_NAMES = {
    "blocks": ("NAME", "conv_block"),
    "expect": ("METRIC", "test_accuracy"),
    "quick.expect": ("METRIC", "test_accuracy"),
    "tune.space": ("PATH", "training.optimizer.learning_rate"),
}
# The path that a search is told of, by the key that tells its values.
_SEARCHED = {
    "int": "data.batch_size",
    "step": "data.batch_size",
    "choice": "model.sequential.hidden.activation",
    "bool": "model.sequential.hidden.use_bias",
}
# What must stand beside a key, which else says nothing.
_BESIDE: dict[tuple[str, str], dict[str, Any]] = {
    ("Fold", "fold"): {"of": 5},
    ("Fold", "of"): {"fold": 2},
    ("Block", "arguments"): {"layers": [{"Conv2D": {"filters": "$filters", "kernel_size": "$kernel_size"}}, "ReLU"]},
    ("Block", "layers"): {"arguments": {"filters": "$required"}},
    ("Block", "inputs"): {"layers": [{"Add": {"from": ["x", "memory"]}}]},
    ("Functional", "outputs"): {"inputs": ["table"], "layers": [{"Dense": {"units": 1, "name": "price"}}]},
    ("Functional", "inputs"): {"layers": [{"Concatenate": {"from": ["image", "table"]}}]},
    ("Functional", "layers"): {"inputs": ["image", "table"]},
    ("Range", "step"): {"int": [32, 256]},
    ("Range", "sampling"): {"float": [1e-4, 1e-2]},
    ("InitialWeights", "layers"): {"from": "recipe:digits/cnn"},
    ("Expected", "over"): {"at_least": 0.04},
    ("Export", "finetune_epochs"): {"prune": 0.5},
}
_LIMITS = {"minimum": "from", "maximum": "to", "exclusiveMinimum": "above", "exclusiveMaximum": "below"}
_SHORT = 6  # keys that are named one by one
_LARGEST = 2**31 - 1  # the bound of every whole number, which tells nothing
_WORDS = {"integer": "whole number", "number": "number", "boolean": "true or false", "string": "text", "null": "null"}
_PLURALS = {
    "text": "texts",
    "number": "numbers",
    "whole number": "whole numbers",
    "whole number from 0": "whole numbers from 0",
    "any value": "values",
}
_INTRODUCTION = """# The recipe language

Every key of a recipe, as `dlkit validate` knows it. A component, which is written as its name or as its name with its arguments,
is linked to the page of its kind. A value may also be a reference, as `$data.classes`.
"""


@dataclass(frozen=True, slots=True)
class Key:
    """One of dlkit's own keys.

    Args:
        path: As `training.stages.freeze`; what stands for names is in capitals.
        section: The model that has it.
        name: As it is written.
        info: What pydantic knows of it.
    """

    path: str
    section: type[BaseModel]
    name: str
    info: FieldInfo

    @property
    def examples(self) -> list[Any]:
        """Values that it may have."""
        found = self.info if self.section is not Recipe else Fragment.model_fields[self.name]
        return list(found.examples or [])


def page() -> str:
    """The whole page."""
    keys = list(all_keys())
    top = [key for key in keys if "." not in key.path]
    sections = [key for key in top if any(inner.path.startswith(f"{key.path}.") for inner in keys)]
    parts = [_INTRODUCTION, heading(2, "The top", "top"), *(_told(key, 3) for key in top)]
    for key in sections:
        inside = [inner for inner in keys if inner.path.startswith(f"{key.path}.")]
        parts += [heading(2, f"`{key.path}`", f"keys-of-{key.path}"), f"{prose(_description(key))}\n"]
        parts += [_model(inside)] if key.path == "model" else [_told(inner, 3) for inner in inside]
    return "\n".join(parts)


def all_keys() -> Iterator[Key]:
    """Every key of a recipe, those of sections inside sections too."""
    yield from _of_section(Recipe, "")


def example_of(key: Key, value: Any) -> str:
    """The part of a recipe that gives a key a value, as YAML."""
    beside = _BESIDE.get((key.section.__name__, key.name), {})
    above = key.path.split(".")[:-1]
    values = {**beside, key.name: value}
    lines = _entries({name: values[name] for name in fields(key.section) if name in values})
    for depth in range(len(above), 0, -1):
        path = ".".join(above[:depth])
        names = _NAMES.get(".".join(above[: depth - 1]))
        if path == "training.stages":
            lines = ["- " + lines[0], *(f"  {line}" for line in lines[1:])]
        word = above[depth - 1]
        if names and names[0] == word:
            word = _SEARCHED.get(key.name, names[1]) if word == "PATH" else names[1]
        lines = [f"{word}:", *(f"  {line}" for line in lines)]
    return "\n".join(lines)


def _entries(values: dict[str, Any]) -> list[str]:
    """The lines of a mapping, an entry a line, or a block of lines where it is nested."""
    found: list[str] = []
    for name, value in values.items():
        is_nested = isinstance(value, dict | list)
        found += to_yaml({name: value}).splitlines() if is_nested else [f"{name}: {code(value).strip('`')}"]
    return found


def _of_section(model: type[BaseModel], prefix: str) -> Iterator[Key]:
    slots = fields(model)
    own = {info.alias or name: info for name, info in model.model_fields.items()}
    if model is Stage:
        own = {name: info for name, info in own.items() if name not in Training.model_fields}
    for name, info in own.items():
        path = f"{prefix}{name}"
        yield Key(path, model, name, info)
        if path == "model":
            yield from _of_section(Functional, "model.functional.")
        inner = _section_in(slots[name].slot)
        if inner is not None:
            named = f"{_NAMES[path][0]}." if path in _NAMES else ""
            yield from _of_section(inner, f"{path}.{named}")


def _section_in(slot: Slot) -> type[BaseModel] | None:
    match slot:
        case Section(model=model):
            return model
        case ListOf(item=inner) | MapOf(value=inner):
            return _section_in(inner)
    return None


def _model(inside: list[Key]) -> str:
    """What is said of networks: the keys of `functional`, and dlkit's own words in the entry of a layer."""
    rows = [(f"`{word}`", taken_by(argument), prose(argument.summary)) for word, argument in LAYER_WORDS.items()]
    rows.append(("`reuse`", "a mapping", "In the place of a layer: calls the layer `layer` again, on `from`."))
    return "\n".join(
        [
            "A network is `sequential`, a list of layers; `functional`, below; or an [architecture](architectures.md). "
            "A [pattern](patterns.md) holds one network or several.\n",
            *(_told(key, 3) for key in inside),
            heading(3, "Words of a layer", "words-of-a-layer"),
            "Beside the arguments of its class, the entry of a layer has these.\n",
            table(["word", "takes", ""], rows),
        ]
    )


def _told(key: Key, level: int) -> str:
    lines = [heading(level, f"`{key.path}`", key.path), f"{prose(_description(key))}\n"]
    if key.section is Stage and key.name == "name":
        lines[1] += "\nBeside these, a stage may have any key of `training`, which holds for this stage alone.\n"
    facts = [f"**Type:** {_type(key)}", f"**Default:** {_default(key)}"]
    lines.append("<br>\n".join(facts) + "\n")
    lines += [block("yaml", example_of(key, value)) for value in key.examples]
    return "\n".join(lines)


def _description(key: Key) -> str:
    return key.info.description or ""


def _default(key: Key) -> str:
    if key.info.is_required():
        return "must be given"
    default = key.info.get_default(call_default_factory=True)
    if isinstance(default, BaseModel):
        default = default.model_dump(exclude_unset=True) or default.model_dump()
    return "none" if default in (None, {}, []) else code(default)


def _type(key: Key) -> str:
    whole = key.section.model_json_schema(by_alias=True)
    told = _words(whole["properties"][key.name], whole.get("$defs", {}))
    words = list(dict.fromkeys(word for word in told if word != "null"))
    return ("; or " if any(" or " in word for word in words) else " or ").join(words) or "null"


def _words(schema: dict[str, Any], known: dict[str, Any]) -> list[str]:
    """What a JSON Schema takes, in words; alternatives are several."""
    match schema:
        case {"$ref": reference}:
            inner = list(known[reference.rpartition("/")[2]]["properties"])
            told = ", ".join(f"`{name}`" for name in inner) if len(inner) <= _SHORT else "the keys below"
            return [f"a mapping of {told}"]
        case {"anyOf": parts}:
            return [word for part in parts for word in _words(part, known)]
        case {"allOf": [part]}:
            return _words(part, known)
        case {"const": value}:
            return [code(value)]
        case {"enum": values}:
            return [code(value) for value in values]
        case _ if SLOT_REFERENCE in schema:
            return [" or ".join(link_to_kind(kind) for kind in re.split("_or_", schema[SLOT_REFERENCE]))]
        case {"type": "array"}:
            return [_list(schema, known)]
        case {"type": "object"}:
            return [_mapping(schema, known)]
        case {"type": "string", "pattern": pattern}:
            return [f"text like `{pattern.strip('^$')}`"]
        case {"type": kind}:
            bounds = [f"{word} {schema[key]}" for key, word in _LIMITS.items() if schema.get(key, _LARGEST) != _LARGEST]
            return [" ".join([_WORDS[kind], *bounds])]
    return ["any value"]


def _list(schema: dict[str, Any], known: dict[str, Any]) -> str:
    inner = _words(schema.get("items", {}), known)
    least, most = schema.get("minItems"), schema.get("maxItems")
    count = f"{least} " if least and least == most else ""
    plural = _PLURALS.get(inner[0]) if len(inner) == 1 else None
    return f"a list of {count}{plural}" if plural else f"a list, each {' or '.join(inner)}"


def _mapping(schema: dict[str, Any], known: dict[str, Any]) -> str:
    inner = schema.get("additionalProperties")
    told = " or ".join(_words(inner, known)) if isinstance(inner, dict) else "any value"
    return f"a mapping of names, each to {told}"
