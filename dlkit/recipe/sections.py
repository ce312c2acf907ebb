"""dlkit's own keys, checked by pydantic, its errors told at their places."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence as Items
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ValidationError

from dlkit.recipe import keys
from dlkit.recipe.diagnostics import Findings, Span, did_you_mean, listing
from dlkit.recipe.nodes import Mapping, Node, Sequence, is_typed, is_unknown, kind_name, number_text, plain
from dlkit.recipe.slots import ListOf, MapOf, Section, Slot, fields
from dlkit.recipe.values import type_cure

# pydantic's word for an error of type -> the type wanted, in words and as the catalogue has it.
_TAKES = {
    "int_type": ("a whole number", "int"),
    "int_from_float": ("a whole number", "int"),
    "float_type": ("a number", "float"),
    "finite_number": ("a finite number", "float"),
    "bool_type": ("true or false", "bool"),
    "string_type": ("text", "str"),
    "list_type": ("a list", "list"),
    "dict_type": ("a mapping", "map"),
    "model_type": ("a mapping", "map"),
    "model_attributes_type": ("a mapping", "map"),
    "none_required": ("nothing", "null"),
}
_OF_TYPE = {*_TAKES, "literal_error"}
_BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("above", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("below", "lt"),
}
_CURES = {
    "name": "write `name: my/recipe`",
    "data": "write `data: {source: digits}`",
    "data.source": "write `source: digits`, or another that `dlkit schema` lists",
    "model": "write `model: {sequential: [...]}`",
    "training": "write `training: {epochs: 10}`",
    "tune.algorithm": "write `algorithm: {random: {trials: 30}}`",
}


@dataclass(slots=True)
class Place:
    """Where an error of pydantic's stands: as far as its location leads into the recipe.

    Args:
        section: The section whose key it is.
        names: The path to it.
    """

    node: Node
    slot: Slot | None
    section: type[BaseModel]
    key_span: Span | None = None
    names: list[str] = field(default_factory=list)

    @property
    def path(self) -> str:
        """The dotted path of the place; what stands in the place of `expect` is told as that."""
        return ".".join(self.names[1:] if self.names[:2] == ["quick", "expect"] else self.names)


def check_sections(values: Any, root: Mapping, findings: Findings) -> keys.Recipe | None:
    """The sections of a recipe as pydantic models, or None where they have mistakes, which are noted.

    Args:
        values: The recipe's values, components already read.
        root: The nodes that the values come from.
    """
    try:
        return keys.Recipe.model_validate(values)
    except ValidationError as error:
        by_place: dict[tuple[int, str], list[tuple[Any, Place]]] = defaultdict(list)
        for problem in error.errors(include_url=False, include_context=True):
            place = _place(root, problem["loc"])
            by_place[id(place.node), place.path].append((problem, place))
        with_unknown = {
            place.path.rpartition(".")[0] for (problem, place) in _all(by_place) if _is_unknown_key(problem)
        }
        for problems in by_place.values():
            _tell(problems, with_unknown, findings)
        return None


def _all(by_place: dict[tuple[int, str], list[tuple[Any, Place]]]) -> list[tuple[Any, Place]]:
    return [found for problems in by_place.values() for found in problems]


def _is_unknown_key(problem: Any) -> bool:
    return bool(problem["type"] == "extra_forbidden")


def _place(root: Node, location: Items[int | str]) -> Place:
    place = Place(root, keys.ROOT, keys.Recipe)
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
            case Section(model=model):
                place.section = model
                place.slot = fields(model)[str(word)].slot if str(word) in fields(model) else None
            case ListOf(item=inner) | MapOf(value=inner):
                place.slot = inner
            case _:
                place.slot = None
    return place


def _tell(problems: list[tuple[Any, Place]], with_unknown: set[str], findings: Findings) -> None:
    """Notes what one place is told, which for a union is one problem a member."""
    first, place = problems[0]
    is_section = isinstance(place.node, Mapping) and isinstance(place.slot, Section)
    if is_section and place.names:  # of a union, its section is meant: what is wrong inside it is told there
        problems = [(problem, at) for problem, at in problems if problem["type"] in ("missing", "one_of")]
        if not problems:
            return
        first = problems[0][0]
    if _is_unknown_key(first):
        _unknown_key(place, findings)
    elif first["type"] == "missing":
        if place.path not in with_unknown:  # where a key is misspelt, the missing one is meant
            for problem, _ in problems:
                _missing(problem["loc"][-1], place, findings)
    elif not is_unknown(place.node) or (is_typed(place.node) and all(p["type"] in _OF_TYPE for p, _ in problems)):
        _wrong(problems, place, findings)


def _unknown_key(place: Place, findings: Findings) -> None:
    above, _, key = place.path.rpartition(".")
    span = place.key_span or place.node.span
    known = list(fields(place.section))
    if key.endswith("+") and key[:-1] in known:
        findings.error("unknown-key", f"`{key}` cannot be appended to", span, "only lists can, as `callbacks+:`")
        return
    where = f"`{above}`" if above else "a recipe"
    cure = _misplaced(key) or did_you_mean(key, known, f"it has {listing(known, 25)}")
    findings.error("unknown-key", f"{where} has no key `{key}`", span, cure)


def _misplaced(key: str) -> str:
    """Where a key belongs that stands in the wrong section."""
    if key in ("learning_rate", "lr"):
        return "it is the optimizer's: `optimizer: {Adam: {learning_rate: 1e-3}}`"
    for name, section in fields(keys.Recipe).items():
        if isinstance(section.slot, Section) and key in fields(section.slot.model):
            return f"it belongs under `{name}`"
    return "it belongs at the top, outside all sections" if key in fields(keys.Recipe) else ""


def _missing(key: Any, place: Place, findings: Findings) -> None:
    path = f"{place.path}.{key}" if place.names else str(key)
    start = Span(place.node.span.source, 1, 1, 1, 2)
    span = place.key_span or (place.node.span if place.names else start)
    findings.error("missing-key", f"`{path}` is missing", span, _CURES.get(path, ""))


def _wrong(problems: list[tuple[Any, Place]], place: Place, findings: Findings) -> None:
    """Notes a value that cannot stand where it does."""
    kinds = {problem["type"] for problem, _ in problems}
    first = problems[0][0]
    span, value = place.node.span, plain(place.node)
    choices = [choice for problem, _ in problems for choice in _choices(problem)]
    bounds = [_bound(problem) for problem, _ in problems if problem["type"] in _BOUNDS]
    taken = [_TAKES[problem["type"]] for problem, _ in problems if problem["type"] in _TAKES]
    types = list(dict.fromkeys(words for words, _ in taken))
    if "one_of" in kinds:
        findings.error("wrong-value", f"`{place.path}`: {first['msg']}", span)
    elif "string_pattern_mismatch" in kinds:
        findings.error("wrong-name", f"`{place.path}` cannot be {kind_name(place.node)}", span, _pattern(place))
    elif bounds and isinstance(value, int | float) and not isinstance(value, bool):
        message = f"`{place.path}` is {number_text(value)}, but must be {' and '.join(dict.fromkeys(bounds))}"
        findings.error("out-of-range", message, span)
    elif choices and isinstance(value, str):
        more = f"it takes {listing(choices)}" + (f", or {' or '.join(types)}" if types else "")
        message = f"`{place.path}` cannot be `{value}`"
        cure = type_cure(place.node, [word for _, word in taken]) or did_you_mean(value, choices, more)
        findings.error("unknown-value", message, span, cure)
    elif types or choices:
        wanted = " or ".join([*types, *(f"`{choice}`" for choice in choices)])
        message = f"`{place.path}` takes {wanted}, not {kind_name(place.node)}"
        cure = type_cure(place.node, [word for _, word in taken])
        if not cure and place.path == "data" and isinstance(value, str):
            cure = f"write `data: {{source: {value}}}`"
        findings.error("wrong-type", message, span, cure)
    else:
        message = first["msg"]
        findings.error("wrong-value", f"`{place.path}`: {message[0].lower()}{message[1:]}", span)


def _pattern(place: Place) -> str:
    if place.path == "name":
        return "a name is small letters, digits and `_`, with `/` between words"
    return "a name is letters, digits and `_`, and begins with a letter"


def _bound(problem: Any) -> str:
    word, key = _BOUNDS[problem["type"]]
    return f"{word} {number_text(problem['ctx'][key])}"


def _choices(problem: Any) -> list[str]:
    if problem["type"] != "literal_error":
        return []
    return [part.strip().strip("'") for part in problem["ctx"]["expected"].replace(" or ", ", ").split(",")]
