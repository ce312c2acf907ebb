"""What the shape and the type of an array tell of its meaning."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from dlkit.data.arrays import Values
from dlkit.data.columns import Column
from dlkit.data.reading.values import Found, as_is, floats, group_of, integers, texts_of
from dlkit.errors import DlkitError
from dlkit.recipe.diagnostics import listing
from dlkit.recipe.facts import Feature, Target

if TYPE_CHECKING:
    import numpy as np

FEATURE_KINDS = ("image", "vector", "number", "sequence", "text", "audio")
TARGET_KINDS = ("classes", "multi_label", "number", "sequence")
_CHANNELS = (1, 3)
_MOST_UNUSED = 1_000  # classes, beyond the number of examples

Shape = tuple[int, ...]


def read_feature(found: Found, kind: str | None) -> tuple[dict[str, Values], Feature]:
    """The arrays of a feature by split, as every source hands them over, and what is known of it.

    Args:
        found: Its arrays.
        kind: One of `FEATURE_KINDS`; None to tell it by shape and type:
            texts are text; 8-bit (height, width), or with 1 or 3 channels, an image; one number an example is a number,
            several a vector; several other integers, and whatever has more axes, a sequence.

    Raises:
        DlkitError: The values are of no such kind.
    """
    shape, group = _alike(found)
    kind = kind or _feature_kind(shape, group, found.first[1].dtype)
    made, feature = _FEATURES[kind](found, shape, group)
    return made.arrays, feature


def read_target(found: Found, kind: str | None, labels: Sequence[str] | None) -> tuple[dict[str, Values], Target]:
    """The arrays of a target by split, as every source hands them over, and what is known of it.

    Args:
        found: Its arrays.
        kind: One of `TARGET_KINDS`; None to tell it by shape and type: one integer or text an example is
            a class, 0 and 1 in a matrix of integers are multi-label, floats are numbers.
        labels: The names of the classes.

    Raises:
        DlkitError: The values are of no such kind.
    """
    shape, group = _alike(found)
    if shape == (1,) and not isinstance(found.first[1], Column):
        found, shape = found.mapped(lambda _, values: values[:, 0] if not isinstance(values, Column) else values), ()
    kind = kind or _target_kind(found, shape, group)
    made, target = _TARGETS[kind](found, shape, group, labels)
    return made.arrays, target


def _alike(found: Found) -> tuple[Shape, str]:
    """The shape of an example and the type of its values, which are those of every split."""
    place, first = found.first
    for split, values in found.arrays.items():
        if not values.shape:
            raise DlkitError(
                f"{found.places[split]} is a single value, not an array of examples", "save one an example"
            )
        if not len(values):
            raise DlkitError(f"{found.places[split]} holds no examples", "give one at least, or leave the array out")
        if group_of(values, found.places[split]) != group_of(first, place) or values.shape[1:] != first.shape[1:]:
            raise DlkitError(
                f"{found.places[split]} holds {_told(values)}, where {place} holds {_told(first)}",
                "give all splits one shape and type",
            )
    return first.shape[1:], group_of(first, place)


def _told(values: Values) -> str:
    return f"{values.dtype} of shape {values.shape[1:]}"


def _feature_kind(shape: Shape, group: str, dtype: np.dtype) -> str:
    if group == "text":
        return "text"
    if dtype == "uint8" and (len(shape) == 2 or (len(shape) == 3 and shape[-1] in _CHANNELS)):
        return "image"
    if len(shape) == 1 and (group != "integer" or dtype == "uint8"):
        return "vector"
    return "sequence" if shape else "number"


def _target_kind(found: Found, shape: Shape, group: str) -> str:
    if group == "float":
        return "number"
    if not shape:
        return "classes"
    if group == "text" or len(shape) > 1 or not all(_is_binary(values) for values in found.arrays.values()):
        raise DlkitError(
            f"{found.place} holds {_told(found.first[1])} an example: neither a class, nor 0 and 1 for each label, "
            "nor real values",
            f"say what it is: `kinds: {{{found.name}: number}}`, or `sequence`",
        )
    return "multi_label"


def _is_binary(values: Values) -> bool:
    import numpy as np

    array = np.asarray(values)
    return not array.size or (array.min() >= 0 and array.max() <= 1)


def _check_axes(found: Found, shape: Shape, allowed: Sequence[int], kind: str) -> None:
    if len(shape) not in allowed:
        raise DlkitError(
            f"{found.place} holds examples of shape {shape}, which are no {kind}", "give another kind, or shape it anew"
        )


# Features


def _image(found: Found, shape: Shape, group: str) -> tuple[Found, Feature]:
    import numpy as np

    _check_axes(found, shape, (2, 3), "image")
    if len(shape) == 3 and shape[-1] not in _CHANNELS:
        raise DlkitError(f"{found.place} holds pictures of {shape[-1]} channels", "give pictures of 1 or 3, last")

    def pixels(place: str, values: Values) -> Values:
        if isinstance(values, Column):
            return as_is(place, values, "uint8")
        if group != "integer" or values.min(initial=0) < 0 or values.max(initial=0) > 255:
            raise DlkitError(f"{place} holds {values.dtype}, where pixels are integers from 0 to 255", "scale them so")
        array = values.astype(np.uint8, copy=False)
        return array if array.ndim == 4 else array[..., None]

    made = found.mapped(pixels)
    return made, Feature("image", made.first[1].shape[1:], "uint8")


def _vector(found: Found, shape: Shape, group: str) -> tuple[Found, Feature]:
    _check_axes(found, shape, (1,), "vector")
    columns = tuple(str(number) for number in range(shape[0]))
    return floats(found, missing=True), Feature("vector", shape, columns=columns)


def _number(found: Found, shape: Shape, group: str) -> tuple[Found, Feature]:
    _check_axes(found, shape, (0,), "single number")
    return floats(found), Feature("number", ())


def _sequence(found: Found, shape: Shape, group: str) -> tuple[Found, Feature]:
    _check_axes(found, shape, range(1, 10), "sequence")
    if group != "integer" or len(shape) > 1:
        return floats(found), Feature("sequence", shape)
    made, highest = integers(found, "tokens")
    return made, Feature("sequence", shape, "int32", vocabulary_size=highest + 1)


def _text(found: Found, shape: Shape, group: str) -> tuple[Found, Feature]:
    _check_axes(found, shape, (0,), "text")
    return texts_of(found), Feature("text", (), "string")


def _audio(found: Found, shape: Shape, group: str) -> tuple[Found, Feature]:
    _check_axes(found, shape, (1,), "waveform")
    return floats(found), Feature("audio", shape)


_FEATURES: dict[str, Callable[[Found, Shape, str], tuple[Found, Feature]]] = {
    "image": _image,
    "vector": _vector,
    "number": _number,
    "sequence": _sequence,
    "text": _text,
    "audio": _audio,
}


# Targets


def _classes(found: Found, shape: Shape, group: str, labels: Sequence[str] | None) -> tuple[Found, Target]:
    import numpy as np

    _check_axes(found, shape, (0,), "class")
    if group == "text":
        found, labels = _numbered(texts_of(found), labels)
    found, highest = integers(found, "classes")
    examples = sum(len(values) for values in found.arrays.values())
    if labels is None and highest >= max(_MOST_UNUSED, examples):
        raise DlkitError(
            f"{found.place} has classes up to {highest:,}, and {examples:,} examples",
            f"number the classes from 0 without gaps, or say `kinds: {{{found.name}: number}}`",
        )
    names = _labels(found, labels, highest)
    if len(np.unique(np.concatenate([np.asarray(values) for values in found.arrays.values()]))) < 2:
        raise DlkitError(f"{found.place} holds one class only", "give examples of at least two classes")
    return found, Target("classes", (), classes=len(names), labels=names)


def _numbered(found: Found, labels: Sequence[str] | None) -> tuple[Found, Sequence[str]]:
    """Classes that are given by their names, as numbers; and the names, sorted where they were not given."""
    import numpy as np

    names = list(labels or sorted({text for values in found.arrays.values() for text in np.asarray(values)}))
    numbers = {name: number for number, name in enumerate(names)}

    def number(place: str, values: Values) -> Values:
        texts = np.asarray(values)
        strange = [text for text in dict.fromkeys(texts) if text not in numbers or not text]
        if strange:
            raise DlkitError(
                f"{place} has {'examples without a class' if strange == [''] else f'the classes {listing(strange)}'}"
                f"{f', which are none of {listing(names)}' if labels else ''}",
                "mend the values, or the `labels`",
            )
        return np.array([numbers[text] for text in texts], np.int32)

    return found.mapped(number), names


def _labels(found: Found, labels: Sequence[str] | None, highest: int) -> tuple[str, ...]:
    if labels is None:
        return tuple(str(number) for number in range(highest + 1))
    if highest >= len(labels):
        raise DlkitError(
            f"{found.place} has the class {highest}, and there are {len(labels)} labels, from 0 to {len(labels) - 1}",
            "give every class its label, in their order",
        )
    repeated = [label for label in dict.fromkeys(labels) if list(labels).count(label) > 1]
    if repeated:
        raise DlkitError(f"The labels {listing(repeated)} are given more than once", "give each class its own")
    return tuple(labels)


def _multi_label(found: Found, shape: Shape, group: str, labels: Sequence[str] | None) -> tuple[Found, Target]:
    _check_axes(found, shape, (1,), "row of labels")
    found, highest = integers(found, "labels")
    if highest > 1:
        raise DlkitError(f"{found.place} holds {highest}, where every label is 0 or 1", "mend the values")
    if labels is not None and len(labels) != shape[0]:
        raise DlkitError(f"{found.place} has {shape[0]} labels, and {len(labels)} are named", "name each")
    names = _labels(found, labels, shape[0] - 1)
    return found, Target("multi_label", shape, classes=len(names), labels=names)


def _numbers(found: Found, shape: Shape, group: str, labels: Sequence[str] | None) -> tuple[Found, Target]:
    return floats(found), Target("number", shape, "float32")


def _tokens(found: Found, shape: Shape, group: str, labels: Sequence[str] | None) -> tuple[Found, Target]:
    _check_axes(found, shape, (1,), "sequence")
    found, highest = integers(found, "tokens")
    names = _labels(found, labels or ("", *map(str, range(1, highest + 1))), highest)
    return found, Target("sequence", shape, classes=len(names), labels=names)


_TARGETS: dict[str, Callable[[Found, Shape, str, Sequence[str] | None], tuple[Found, Target]]] = {
    "classes": _classes,
    "multi_label": _multi_label,
    "number": _numbers,
    "sequence": _tokens,
}
