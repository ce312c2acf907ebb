"""What a source hands over: the examples by name, and the splits they come in.

NumPy is not imported here, so that a source can be imported without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias, Union

from dlkit.data.columns import Column, Joined
from dlkit.recipe.facts import DataFacts

if TYPE_CHECKING:
    import numpy as np

# An array in memory, or a column that is read batch by batch. Texts are arrays of dtype object that hold str.
Values: TypeAlias = Union["np.ndarray", Column]


@dataclass(frozen=True, eq=False)
class Arrays:
    """Examples: the first axis of every array counts them, and the same index is the same example everywhere.

    Args:
        features: Inputs by name, each of shape (examples, ...), as raw as the source has them.
        targets: Things to predict by name: classes as int32 of shape (examples,), real values as float32,
            multi-label targets as 0 and 1 in int32 of shape (examples, labels).

    Raises:
        ValueError: There is no feature, or the arrays differ in length.
    """

    features: dict[str, Values]
    targets: dict[str, Values]

    def __post_init__(self) -> None:
        lengths = {name: len(array) for name, array in (*self.features.items(), *self.targets.items())}
        if not self.features:
            raise ValueError(f"Examples need at least one feature. Received: targets {list(self.targets)}")
        if len(set(lengths.values())) > 1:
            raise ValueError(f"All arrays must hold the same number of examples. Received: {lengths}")

    def __len__(self) -> int:
        return len(next(iter(self.features.values())))

    def take(self, indices: np.ndarray) -> Arrays:
        """The examples at these indices, in their order; arrays are copied, columns stay unread."""
        return Arrays(
            {name: take(values, indices) for name, values in self.features.items()},
            {name: take(values, indices) for name, values in self.targets.items()},
        )

    def select(self, features: Iterable[str] | None = None, targets: Iterable[str] | None = None) -> Arrays:
        """The same examples with these features and targets only, in the order named; None keeps them all."""
        return Arrays(
            self.features if features is None else {name: self.features[name] for name in features},
            self.targets if targets is None else {name: self.targets[name] for name in targets},
        )


def take(values: Values, rows: np.ndarray) -> Values:
    """The values of these rows, in their order."""
    return values.take(rows) if isinstance(values, Column) else values[rows]


def joined(parts: Sequence[Arrays]) -> Arrays:
    """The examples of all parts, one after the other; columns stay unread.

    Raises:
        ValueError: The examples of a part have other shapes or types.
    """
    if len(parts) == 1:
        return parts[0]
    return Arrays(
        {name: _joined([part.features[name] for part in parts]) for name in parts[0].features},
        {name: _joined([part.targets[name] for part in parts]) for name in parts[0].targets},
    )


def _joined(parts: list[Values]) -> Values:
    import numpy as np

    if any(isinstance(part, Column) for part in parts):
        return Joined(parts)
    return np.concatenate(parts)


@dataclass(frozen=True, eq=False)
class Splits:
    """The examples to learn from, to choose by, and to test on; no example is in two of them.

    Args:
        train: The training examples; all there are, where the source has no splits of its own.
        validation: The validation examples, if any.
        test: The test examples, if any.
        facts: What the source knows of its features and targets only now that they are loaded, as the columns of a CSV
            file: it stands before what the source declares. Sizes in it do not count.
        ordered: Whether the examples follow each other in time: splits are then cut in their order, test examples last.
        gap: Examples left out between two splits that are cut so, since their windows overlap.
    """

    train: Arrays
    validation: Arrays | None = None
    test: Arrays | None = None
    facts: DataFacts | None = None
    ordered: bool = False
    gap: int = 0

    def named(self) -> dict[str, Arrays]:
        """The splits there are, by name: train, validation, test."""
        every = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: arrays for name, arrays in every.items() if arrays is not None}

    def replace(self, parts: Mapping[str, Arrays]) -> Splits:
        """The same splits, with these in place of those of their names or beside them."""
        parts = {**self.named(), **parts}
        return replace(self, train=parts["train"], validation=parts.get("validation"), test=parts.get("test"))

    def select(self, features: Iterable[str] | None = None, targets: Iterable[str] | None = None) -> Splits:
        """`Arrays.select` on every split."""
        features, targets = (None if names is None else tuple(names) for names in (features, targets))
        return self.replace({name: arrays.select(features, targets) for name, arrays in self.named().items()})
