"""dlkit's own keys, checked by pydantic, its errors told at their places."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence as Items
from typing import Annotated, Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from dlkit.recipe import keys
from dlkit.recipe.diagnostics import Findings, Span, did_you_mean, listing
from dlkit.recipe.nodes import Mapping, Node, Scalar, Sequence, kind_name, plain
from dlkit.recipe.references import is_unknown
from dlkit.recipe.slots import ListOf, MapOf, Section, Slot, fields

_TAKES = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "text",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "finite_number": "a finite number",
    "none_required": "nothing",
}


def check_sections(model: type[BaseModel], values: Any, root: Mapping, findings: Findings) -> Any:
    """The sections as pydantic models, or None where they have mistakes, which are noted.

    Args:
        model: `keys.Recipe`, or `keys.Fragment` for a part of one.
        values: The recipe's values, components already read.
        root: The nodes that the values come from.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        by_place: dict[tuple[int, str], list[tuple[Any, Place]]] = defaultdict(list)
        for problem in error.errors(include_url=False, include_context=True):
            place = _place(root, Section(model), problem["loc"])
            by_place[id(place.node), place.path].append((problem, place))
        for problems in by_place.values():
            _tell(problems, findings)
        return None


class Place:
    """Where an error of pydantic's stands: as far as its location leads into the recipe."""

    def __init__(self, node: Node, slot: Slot) -> None:
        self.node = node
        self.slot: Slot | None = slot
        self.key_span: Span | None = None
        self.names: list[str] = []

    @property
    def path(self) -> str:
        """The dotted path of the place."""
        return ".".join(self.names)


def _place(root: Node, slot: Slot, location: Items[int | str]) -> Place:
    place = Place(root, slot)
    for word in location:
        match place.node:
            case Mapping() as node if str(word) in node:
                entry = node.entries[str(word)]
                place.node, place.key_span = entry.node, entry.key_span
            case Sequence() as node if isinstance(word, int) and word < len(node.items):
                place.node, place.key_span = node.items[word], None
            case _:
                continue  # the name of a member of a union, or a key that is missing
        place.names.append(str(word))
        match place.slot:
            case Section(model=model) if str(word) in fields(model):
                place.slot = fields(model)[str(word)].slot
            case ListOf(item=inner) | MapOf(value=inner):
                place.slot = inner
            case _:
                place.slot = None
    return place


def _tell(problems: list[tuple[Any, Place]], findings: Findings) -> None:
    """Notes what one place is told, which for a union is one problem a member."""
    first, place = problems[0]
    kind = first["type"]
    if is_unknown(place.node) and kind != "extra_forbidden":
        return
    if kind == "extra_forbidden":
        _unknown_key(place, findings)
    elif kind == "missing":
        for problem, _ in problems:
            if problem["type"] == "missing":
                _missing(problem["loc"][-1], place, findings)
    elif kind == "string_pattern_mismatch":
        wanted = (
            "small letters, digits and `_`, with `/` between words"
            if first["loc"][-1] == "name"
            else "a name of letters, digits and `_`"
        )
        findings.error(
            "wrong-name", f"`{place.path}` cannot be {kind_name(place.node)}", place.node.span, f"it is {wanted}"
        )
    else:
        _value(problems, place, findings)


def _unknown_key(place: Place, findings: Findings) -> None:
    key = place.names[-1]
    above = ".".join(place.names[:-1])
    span = place.key_span or place.node.span
    known = list(fields(place_model(place)))
    if key.endswith("+"):
        findings.error("unknown-key", f"`{key}` cannot be appended to", span, "only lists can, as `callbacks+:`")
        return
    where = f"`{above}`" if above else "a recipe"
    findings.error(
        "unknown-key", f"{where} has no key `{key}`", span, did_you_mean(key, known, f"it has {listing(known, 25)}")
    )


def place_model(place: Place) -> type[BaseModel]:
    """The section whose key a place is."""
    slot: Slot | None = Section(keys.Recipe)
    for name in place.names[:-1]:
        match slot:
            case Section(model=model) if name in fields(model):
                slot = fields(model)[name].slot
            case ListOf(item=inner) | MapOf(value=inner):
                slot = inner
    return slot.model if isinstance(slot, Section) else keys.Recipe


def _missing(key: Any, place: Place, findings: Findings) -> None:
    path = ".".join([*place.names, str(key)])
    span = place.key_span or (Span(place.node.span.source, 1, 1, 1, 2) if not place.names else place.node.span)
    examples = {
        "name": "name: my/recipe",
        "data": "data: {source: digits}",
        "model": "model: {sequential: [...]}",
        "epochs": "epochs: 10",
    }
    cure = f"write `{examples[str(key)]}`" if key in examples else ""
    findings.error("missing-key", f"`{path}` is missing", span, cure)


def _value(problems: list[tuple[Any, Place]], place: Place, findings: Findings) -> None:
    choices = [
        choice
        for problem, _ in problems
        if problem["type"] == "literal_error"
        for choice in _choices(problem["ctx"]["expected"])
    ]
    ranges = [problem["msg"].removeprefix("Input should be ") for problem, _ in problems if problem["type"] in _RANGES]
    types = [_TAKES[problem["type"]] for problem, _ in problems if problem["type"] in _TAKES]
    value = plain(place.node)
    if ranges and not isinstance(value, str):
        findings.error("out-of-range", f"`{place.path}` is {_short(value)}, but must be {ranges[0]}", place.node.span)
    elif choices and isinstance(value, str):
        more = f"it takes {listing(choices)}" + (f", or {' or '.join(dict.fromkeys(types))}" if types else "")
        findings.error(
            "unknown-value", f"`{place.path}` cannot be `{value}`", place.node.span, did_you_mean(value, choices, more)
        )
    elif types or choices:
        wanted = [*dict.fromkeys(types), *(f"`{choice}`" for choice in choices)]
        quotes = "put it in quotes" if "text" in types and isinstance(place.node, Scalar) and value is not None else ""
        findings.error(
            "wrong-type",
            f"`{place.path}` takes {' or '.join(wanted)}, not {kind_name(place.node)}",
            place.node.span,
            quotes,
        )
    else:
        message = problems[0][0]["msg"]
        findings.error("wrong-value", f"`{place.path}`: {message[0].lower()}{message[1:]}", place.node.span)


_RANGES = ("greater_than_equal", "greater_than", "less_than_equal", "less_than", "finite_number")


def _choices(expected: str) -> list[str]:
    return [part.strip().strip("'") for part in expected.replace(" or ", ", ").split(",")]


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 30 else text[:27] + "..."


def check_leaf(path: str, node: Node) -> str | None:
    """Why a value cannot stand under one of dlkit's own keys, or None where it can."""
    slot: Slot = Section(keys.Recipe)
    *above, last = path.split(".")
    for word in above:
        field = fields(slot.model).get(word) if isinstance(slot, Section) else None
        if field is None:
            return None
        slot = field.slot
    if not isinstance(slot, Section) or is_unknown(node):
        return None
    info = next((info for name, info in slot.model.model_fields.items() if (info.alias or name) == last), None)
    if info is None:
        return None
    try:
        TypeAdapter(Annotated[info.annotation, *info.metadata]).validate_python(plain(node), strict=True)
    except ValidationError as error:
        message = error.errors(include_url=False)[0]["msg"]
        return f"{message[0].lower()}{message[1:]}"
    return None
