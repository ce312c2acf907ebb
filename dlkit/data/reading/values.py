"""The values of one feature or target, made into the type in which every source hands them over, or refused by place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from dlkit.data.arrays import Values
from dlkit.data.columns import Column
from dlkit.data.reading.problems import Problems
from dlkit.errors import DlkitError

if TYPE_CHECKING:
    import numpy as np

_TYPES = {"b": "bool", "i": "integer", "u": "integer", "f": "float", "U": "text", "S": "text", "T": "text", "O": "text"}
_NUMBERS = "save it as numbers or texts"


@dataclass(frozen=True)
class Found:
    """One feature or target as it was found.

    Args:
        arrays: Its arrays by split.
        places: What messages call them.
        name: Its name in the recipe.
    """

    arrays: dict[str, Values]
    places: dict[str, str]
    name: str

    @property
    def first(self) -> tuple[str, Values]:
        """The place and the array of its first split."""
        split = next(iter(self.arrays))
        return self.places[split], self.arrays[split]

    @property
    def place(self) -> str:
        """The place of its first split."""
        return self.first[0]

    def mapped(self, change: Callable[[str, Values], Values]) -> Found:
        """The same with every array changed, given its place and itself."""
        changed = {split: change(self.places[split], values) for split, values in self.arrays.items()}
        return Found(changed, self.places, self.name)


def group_of(values: Values, place: str) -> str:
    """The type of values in a word: `bool`, `integer`, `float` or `text`.

    Raises:
        DlkitError: They are of none of these.
    """
    group = _TYPES.get(values.dtype.kind)
    if group is None:
        raise DlkitError(f"{place} holds {values.dtype}, which nothing can be learned from", _NUMBERS)
    return group


def floats(found: Found, missing: bool = False) -> Found:
    """The values as float32.

    Args:
        found: The values.
        missing: Whether those that are not a number stand for missing ones; otherwise only finite ones are accepted.

    Raises:
        DlkitError: They are texts, or some are not finite in float32; the first of these is named.
    """
    import numpy as np

    def cast(place: str, values: Values) -> Values:
        if isinstance(values, Column):
            return as_is(place, values, "float32")
        if group_of(values, place) == "text":
            raise DlkitError(f"{place} holds texts, where numbers are expected", "save it as numbers")
        with np.errstate(over="ignore"):
            array = values.astype(np.float32, copy=False)
        wrong = np.isinf(array) if missing else ~np.isfinite(array)
        if wrong.any():
            where = tuple(int(index) for index in np.argwhere(wrong)[0])
            raise DlkitError(
                f"{place}{list(where)} is {values[where]}, which is no finite float32 "
                f"({int(wrong.sum()):,} values are not)",
                "take out these examples, or mend their values",
            )
        return array

    return found.mapped(cast)


def integers(found: Found, what: str) -> tuple[Found, int]:
    """The values as int32, and the largest.

    Args:
        found: The values.
        what: They are, for messages.

    Raises:
        DlkitError: Some are negative, or no whole numbers.
    """
    import numpy as np

    highest = 0

    def cast(place: str, values: Values) -> Values:
        nonlocal highest
        if isinstance(values, Column):
            raise DlkitError(f"{place} is a column, and {what} are an array in memory", "hand over np.asarray of it")
        strange = _first_odd(values)
        if strange is not None:
            raise DlkitError(f"{place} holds {strange}, where {what} are whole numbers from 0", "mend the values")
        lowest, largest = (int(values.min()), int(values.max())) if values.size else (0, 0)
        if lowest < 0 or largest >= 2**31 - 1:
            wrong = lowest if lowest < 0 else largest
            raise DlkitError(f"{place} holds {wrong}, where {what} are whole numbers from 0", f"number {what} from 0")
        highest = max(highest, largest)
        return values.astype(np.int32, copy=False)

    return found.mapped(cast), highest


def _first_odd(values: np.ndarray) -> str | None:
    """The first value that is no whole number, if there is one."""
    import numpy as np

    if values.dtype.kind in "biu":
        return None
    if values.dtype.kind != "f":
        return "texts"
    odd = values[~np.isfinite(values) | (values != np.round(values))]
    return str(odd[0]) if len(odd) else None


def texts_of(found: Found) -> Found:
    """The values as texts, in arrays of objects that are str.

    Raises:
        DlkitError: Some are not.
    """
    import numpy as np

    def cast(place: str, values: Values) -> Values:
        if isinstance(values, Column):
            return values
        if values.dtype.kind == "S":
            values = np.array(decoded(values.tolist(), (f"{place}[{row}]" for row in count())), object)
        made = values.astype(object)
        strange = next((row for row, text in enumerate(made.flat) if not isinstance(text, str)), None)
        if strange is not None:
            raise DlkitError(
                f"{place}[{strange}] is of type {type(made.flat[strange]).__name__}, in an array of objects", _NUMBERS
            )
        return made

    return found.mapped(cast)


def decoded(texts: Sequence[bytes], places: Iterable[str]) -> list[str]:
    """Texts in UTF-8.

    Raises:
        DlkitError: Some are not; they are named by their places.
    """
    problems = Problems()
    made = []
    for place, text in zip(places, texts, strict=False):
        try:
            made.append(text.decode())
        except UnicodeDecodeError:
            problems.add(f"{place} is no text in UTF-8", "save the texts in UTF-8")
    problems.raise_any()
    return made


def as_is(place: str, values: Column, dtype: str) -> Column:
    """A column, which is not changed, if it is of that type.

    Raises:
        DlkitError: It is not.
    """
    if values.dtype.name != dtype:
        raise DlkitError(f"{place} is a column of {values.dtype}, where {dtype} is expected", f"read it as {dtype}")
    return values
