"""The cells of a table's column, and what they are taken for: numbers, dates, categories or text."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

# What usually stands for a missing value.
MISSING = ("", "?", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "<NA>")
MOST_CATEGORIES = 1_000
_WITH_COMMA = re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?")  # as 1.234,5
_NEARLY_ALL = 0.9  # of the values: the others are mistakes, and are told


@dataclass(frozen=True, eq=False)
class Cells:
    """A column as its distinct values and, for each row, which of them it has.

    Args:
        values: Texts (objects), numbers (float64) or dates (datetime64[s]).
        codes: The index of each row's value, -1 where it is missing.
        is_typed: Whether the file itself says what the values are.
        decimal: What stands before the decimals of a number, a point or a comma.
    """

    values: np.ndarray
    codes: np.ndarray
    is_typed: bool = False
    decimal: str = "."

    @cached_property
    def numbers(self) -> np.ndarray:
        """The values as float64; NaN for those that are no numbers."""
        import numpy as np

        if self.values.dtype.kind == "f":
            return self.values
        return np.array([_number(text, self.decimal) for text in self._texts], np.float64)

    @cached_property
    def dates(self) -> np.ndarray:
        """The values as local times of type datetime64[s]; NaT for those that are no dates."""
        from dlkit.data.reading.dates import read_dates

        return self.values if self.values.dtype.kind == "M" else read_dates(self._texts)[0]

    @cached_property
    def texts(self) -> np.ndarray:
        """The values as objects of str: whole numbers without a point, dates in the form of ISO 8601."""
        import numpy as np

        if self.values.dtype.kind == "O":
            return self.values
        whole = self.values.dtype.kind == "f" and all(value.is_integer() for value in self.values.tolist())
        return np.array([str(int(value)) if whole else str(value) for value in self.values], object)

    @property
    def _texts(self) -> Sequence[str]:
        return self.texts.tolist()

    @property
    def counts(self) -> np.ndarray:
        """The number of rows that have each value."""
        import numpy as np

        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.values))

    def spread(self, values: np.ndarray, missing: Any) -> np.ndarray:
        """What stands for each row's value, in the type of `values`; `missing` where there is none."""
        import numpy as np

        return np.concatenate([values, np.array([missing], values.dtype)])[self.codes]

    def rows_of(self, chosen: np.ndarray) -> np.ndarray:
        """The rows whose value is among the chosen ones, by a truth value for each of them."""
        import numpy as np

        return np.flatnonzero(self.spread(chosen, False))

    @property
    def decimal_comma(self) -> int | None:
        """The first value with a comma, where all would be numbers if a comma stood before decimals, as it does not."""
        if self.decimal == "," or self.values.dtype.kind != "O" or not all(map(_WITH_COMMA.fullmatch, self.values)):
            return None
        return next((index for index, text in enumerate(self.values) if "," in text), None)

    @property
    def missing_rows(self) -> np.ndarray:
        """The rows without a value."""
        import numpy as np

        return np.flatnonzero(self.codes < 0)

    def look(self) -> str:
        """What the column is: `numeric`, `date`, `categorical` or `text`.

        Numbers or dates where more than nine in ten values are such (the others are then mistakes); else categories
        where there are at most 1,000 and at most half as many as values; else text. A file that has types is believed.
        """
        import numpy as np

        if self.values.dtype.kind != "O":
            return "numeric" if self.values.dtype.kind == "f" else "date"
        counts = self.counts
        total = counts.sum()
        if not self.is_typed:
            if counts[~np.isnan(self.numbers)].sum() > _NEARLY_ALL * total:
                return "numeric"
            if counts[~np.isnat(self.dates)].sum() > _NEARLY_ALL * total:
                return "date"
        return "categorical" if len(counts) <= min(MOST_CATEGORIES, total / 2) else "text"


def text_cells(column: pa.ChunkedArray, missing: Collection[str], is_typed: bool = False, decimal: str = ".") -> Cells:
    """A column of strings, without blanks around them; null and the words in `missing` stand for no value."""
    import numpy as np
    import pyarrow as pa

    encoded = column.cast(pa.large_string()).combine_chunks().dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    numbers: dict[str, int] = {}
    renumbered = [
        -1 if (text := raw.strip()) in missing else numbers.setdefault(text, len(numbers))
        for raw in encoded.dictionary.to_pylist()
    ]
    return Cells(np.array(list(numbers), object), np.array([*renumbered, -1], np.int64)[codes], is_typed, decimal)


def typed_cells(column: np.ndarray) -> Cells:
    """A column of numbers or dates; NaN and NaT stand for no value."""
    import numpy as np

    codes = np.full(len(column), -1)
    known = ~np.isnan(column)
    values, codes[known] = np.unique(column[known], return_inverse=True)
    return Cells(values, codes, is_typed=True)


def with_point(number: str, decimal: str) -> str:
    """A number as Python writes it; "" where it has a point and `decimal`, which stands before its decimals, is none."""
    if decimal == ".":
        return number
    return "" if "." in number else number.replace(decimal, ".")


def _number(text: str, decimal: str) -> float:
    try:
        return float("nan") if "_" in text else float(with_point(text, decimal))
    except ValueError:
        return float("nan")
