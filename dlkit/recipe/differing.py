"""Where recipes differ, value by value, by the paths that a recipe is written and overridden by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ABSENT = ...  # in the place of a value that a recipe does not have


@dataclass(frozen=True, slots=True)
class Difference:
    """A value that is not the same in all recipes.

    Args:
        path: Where it stands.
        values: In each recipe, `ABSENT` where it has none.
    """

    path: str
    values: tuple[Any, ...]


def differences(recipes: Sequence[Any], path: str = "") -> Iterator[Difference]:
    """Where values differ: the smallest parts that tell it, in the order of the recipes.

    The order of a mapping's keys does not count. Items of a list are held against each other by their names or those of
    their components, so that a layer that is put in is one difference; those that occur more than once are numbered, as
    `Dense#2`. A component that has another one in its place differs as a whole.

    Args:
        recipes: The plain values of each.
        path: Where they stand.
    """
    if all(each == recipes[0] for each in recipes):
        return
    parts = None if any(each is ABSENT for each in recipes) else _parts(recipes)
    if parts is None:
        yield Difference(path, tuple(recipes))
        return
    for key, values in parts.items():
        yield from differences(values, f"{path}.{key}" if path else key)
    if all(isinstance(each, list) for each in recipes):
        yield from _order(recipes, path)


def value_text(value: Any) -> str:
    """A value on one line, as YAML has it; – for none."""
    if value is ABSENT:
        return "–"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {value_text(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(value_text, value)) + "]"
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _parts(values: Sequence[Any]) -> dict[str, list[Any]] | None:
    """The values of each part; None where there are no parts that go together."""
    if all(isinstance(each, str | Mapping) for each in values):
        mappings = [{each: {}} if isinstance(each, str) else each for each in values]
        if any(len(each) != 1 for each in mappings):
            return _joined(values) if all(isinstance(each, Mapping) for each in values) else None
        return _joined(mappings) if len({next(iter(each)) for each in mappings}) == 1 else None
    if all(isinstance(each, list) for each in values):
        return _items(values)
    return None


def _joined(mappings: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    keys = dict.fromkeys(str(key) for each in mappings for key in each)
    return {key: [each.get(key, ABSENT) for each in mappings] for key in keys}


def _items(lists: Sequence[list[Any]]) -> dict[str, list[Any]] | None:
    """The items of lists by their labels; those of one component in all lists without its name, which the label has."""
    labels = _labels(lists)
    if labels is None:
        return None
    joined = _joined([dict(zip(own, items, strict=True)) for own, items in zip(labels, lists, strict=True)])
    return {label: _arguments(items) for label, items in joined.items()}


def _arguments(items: list[Any]) -> list[Any]:
    names = {_component(item) for item in items if item is not ABSENT}
    if ABSENT in items or None in names or len(names) > 1:
        return items
    return [{} if isinstance(item, str) else next(iter(item.values())) for item in items]


def _labels(lists: Sequence[list[Any]]) -> list[list[str]] | None:
    """What each item of each list is called, alike in all of them; None where an item has no name."""
    named = [[_label(item) for item in each] for each in lists]
    most: Counter[str | None] = Counter()
    for each in named:
        most |= Counter(each)
    if None in most:
        return None
    labels: list[list[str]] = []
    for each in named:
        seen: Counter[str | None] = Counter()
        labels.append([])
        for name in each:
            seen[name] += 1
            labels[-1].append(f"{name}#{seen[name]}" if most[name] > 1 else str(name))
    return labels


def _label(item: Any) -> str | None:
    """The name of an item, or that of its component."""
    arguments = next(iter(item.values())) if isinstance(item, Mapping) and len(item) == 1 else item
    if isinstance(arguments, Mapping) and isinstance(arguments.get("name"), str):
        return str(arguments["name"])
    return _component(item)


def _component(item: Any) -> str | None:
    if isinstance(item, str):
        return item
    return str(next(iter(item))) if isinstance(item, Mapping) and len(item) == 1 else None


def _order(lists: Sequence[list[Any]], path: str) -> Iterator[Difference]:
    """That the items which all lists have stand in another order."""
    labels = _labels(lists) or []
    common = [[label for label in each if all(label in other for other in labels)] for each in labels]
    if any(each != common[0] for each in common):
        yield Difference(f"{path} (order)", tuple(common))
