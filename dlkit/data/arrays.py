"""What a source hands over: the examples in memory, by name, and the splits they come in.

NumPy is not imported here, so that a source can be imported without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, eq=False)
class Arrays:
    """Examples: the first axis of every array counts them, and the same index is the same example everywhere.

    Args:
        features: Inputs by name, each of shape (examples, ...), as raw as the source has them.
        targets: Things to predict by name: classes as int32 of shape (examples,), real values as float32.

    Raises:
        ValueError: There is no feature, or the arrays differ in length.
    """

    features: dict[str, np.ndarray]
    targets: dict[str, np.ndarray]

    def __post_init__(self) -> None:
        lengths = {name: len(array) for name, array in (*self.features.items(), *self.targets.items())}
        if not self.features:
            raise ValueError(f"Examples need at least one feature. Received: targets {list(self.targets)}")
        if len(set(lengths.values())) > 1:
            raise ValueError(f"All arrays must hold the same number of examples. Received: {lengths}")

    def __len__(self) -> int:
        return len(next(iter(self.features.values())))

    def take(self, indices: np.ndarray) -> Arrays:
        """The examples at these indices, in their order, as copies."""
        return Arrays(
            {name: array[indices] for name, array in self.features.items()},
            {name: array[indices] for name, array in self.targets.items()},
        )

    def select(self, features: Iterable[str] | None = None, targets: Iterable[str] | None = None) -> Arrays:
        """The same examples with these features and targets only, in the order named; None keeps them all."""
        return Arrays(
            self.features if features is None else {name: self.features[name] for name in features},
            self.targets if targets is None else {name: self.targets[name] for name in targets},
        )


@dataclass(frozen=True, eq=False)
class Splits:
    """The examples to learn from, to choose by, and to test on; no example is in two of them.

    Args:
        train: The training examples; all there are, where the source has no splits of its own.
        validation: The validation examples, if any.
        test: The test examples, if any.
        columns: Names of the entries of a vector feature, where they depend on the arguments of the source.
        labels: Names of the classes of a target, in the order of their numbers, where they do so.
    """

    train: Arrays
    validation: Arrays | None = None
    test: Arrays | None = None
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def named(self) -> dict[str, Arrays]:
        """The splits there are, by name: train, validation, test."""
        every = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: arrays for name, arrays in every.items() if arrays is not None}

    def replace(self, parts: Mapping[str, Arrays]) -> Splits:
        """The same splits, with these in place of those of their names or beside them."""
        parts = {**self.named(), **parts}
        return Splits(parts["train"], parts.get("validation"), parts.get("test"), self.columns, self.labels)

    def select(self, features: Iterable[str] | None = None, targets: Iterable[str] | None = None) -> Splits:
        """`Arrays.select` on every split."""
        features, targets = (None if names is None else tuple(names) for names in (features, targets))
        return self.replace({name: arrays.select(features, targets) for name, arrays in self.named().items()})
