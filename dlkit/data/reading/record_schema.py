"""What a recipe says of the entries of its records, and the check of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dlkit.errors import DlkitError
from dlkit.recipe.diagnostics import did_you_mean, listing

# What may be said of an entry, by its kind; `key` of each.
_FEATURES: dict[str, tuple[str, ...]] = {
    "image": ("size", "color"),
    "vector": ("columns",),
    "number": (),
    "text": (),
    "sequence": ("length",),
}
_TARGETS: dict[str, tuple[str, ...]] = {
    "classes": ("classes", "labels"),
    "multi_label": ("labels",),
    "number": (),
    "sequence": ("length", "labels"),
}
_COLORS = ("rgb", "grayscale")


@dataclass(frozen=True)
class Entry:
    """One feature or target.

    Args:
        name: In the recipe.
        place: Where the recipe says this, for messages.
        key: In the records.
        kind: As of a feature or target.
        size: The height and width to which pictures are resized.
        color: `rgb` or `grayscale`.
        columns: The names of the numbers of a vector.
        length: At which sequences are cut, and to which they are padded; None for that of the longest.
        labels: The names of the classes.
    """

    name: str
    place: str
    key: str
    kind: str
    size: Sequence[int] | None = None
    color: str = "rgb"
    columns: Sequence[str] | None = None
    length: int | None = None
    labels: Sequence[str] | None = None


def read_schema(role: str, written: Mapping[str, Any]) -> list[Entry]:
    """The entries that a recipe names under `features` or `targets`.

    Raises:
        DlkitError: What is said of one is not known or of the wrong type.
    """
    kinds = _FEATURES if role == "features" else _TARGETS
    return [_entry(name, f"data.source.tfrecord.{role}.{name}", said, kinds) for name, said in written.items()]


def _entry(name: str, place: str, said: Any, kinds: Mapping[str, tuple[str, ...]]) -> Entry:
    example = f"write `{name}: {{kind: {next(iter(kinds))}, key: ...}}`"
    if not isinstance(said, Mapping) or "kind" not in said:
        raise DlkitError(f"`{place}` tells no kind", f"{example}; kinds are {listing(kinds)}")
    kind = said["kind"]
    if kind not in kinds:
        raise DlkitError(
            f"`{place}.kind` cannot be `{kind}`",
            did_you_mean(str(kind), kinds, otherwise=f"it can be {listing(kinds)}"),
        )
    known = ("key", "kind", *kinds[kind])
    for word in said:
        if word not in known:
            cure = did_you_mean(str(word), known, otherwise=f"known are {listing(known)}")
            raise DlkitError(f"`{place}`: {kind} takes no `{word}`", cure)
    values = {word: value for word, value in said.items() if value is not None}
    for word, value in values.items():
        _check(f"{place}.{word}", word, value)
    classes = values.pop("classes", None)
    if classes is not None and "labels" in values and len(values["labels"]) != classes:
        raise DlkitError(
            f"`{place}` has {classes} classes and {len(values['labels'])} labels", "leave out `classes`, or name each"
        )
    if classes is not None and "labels" not in values:
        values["labels"] = [str(number) for number in range(classes)]
    return Entry(name, place, **{"key": name, **values})


def _check(place: str, word: str, value: Any) -> None:
    """The value of a word is of its type."""

    def is_list(of: type, least: int = 1) -> bool:
        return isinstance(value, list) and len(value) >= least and all(type(item) is of for item in value)

    fits, wanted = {
        "key": (isinstance(value, str) and value != "", "the name of an entry of the records"),
        "kind": (True, ""),
        "size": (is_list(int) and len(value) == 2 and min(value) > 0, "`[height, width]`"),
        "color": (value in _COLORS, f"one of {listing(_COLORS)}"),
        "columns": (is_list(str), "a list of names"),
        "length": (type(value) is int and value > 0, "a number from 1"),
        "classes": (type(value) is int and value > 1, "a number from 2"),
        "labels": (is_list(str, 2), "a list of names, two at least"),
    }[word]
    if not fits:
        raise DlkitError(f"`{place}` is {value}", f"write {wanted}")
