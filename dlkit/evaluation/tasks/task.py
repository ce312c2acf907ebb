"""What every task has in common: predictions are gathered batch by batch, then measured."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from dlkit.errors import DlkitError
from dlkit.evaluation.bootstrap import Recount
from dlkit.recipe.facts import Feature, Target

if TYPE_CHECKING:
    import keras

    from dlkit.data.arrays import Arrays


@dataclass(frozen=True, slots=True)
class Shown:
    """One example in words.

    Args:
        row: Its place in the split.
        truth: What is true of it.
        predicted: What the model says.
        note: How sure it is, or how far off.
        given: What it gives for the example, where that can be looked at.
    """

    row: int
    truth: str
    predicted: str
    note: str
    given: np.ndarray | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured of one target.

    Args:
        metrics: By name, without the split before it.
        recount: The same metrics of examples that count several times, those that have intervals.
        details: What figures and tables show, as plain values for JSON.
        worst: The rows of mistakes, the worst first.
        shown: Says an example in words.
        block: Examples that are to be drawn together, since they follow each other in time.
    """

    metrics: dict[str, float]
    recount: Recount
    details: dict[str, Any]
    worst: np.ndarray
    shown: Callable[[int], Shown]
    block: int = 1


@dataclass(frozen=True, slots=True)
class Context:
    """What a task may look at besides a target and what the model gives for it.

    Args:
        model: The model, which takes raw features.
        arguments: Of its pattern, by name.
        features: What is known of what the network takes.
        train: The raw training examples; None: they are not at hand.
    """

    model: keras.Model
    arguments: Mapping[str, Any]
    features: Mapping[str, Feature]
    train: Arrays | None = None


@dataclass
class Task(ABC):
    """Measures the predictions of one target.

    Args:
        target: What is known of it.
        logits: Whether the model gives logits.
        ctc: Whether its output is read as connectionist temporal classification has it.
        context: What there is to look at besides.
    """

    name: ClassVar[str]

    target: Target
    logits: bool
    ctc: bool = False
    context: Context | None = None
    _gathered: list[tuple[np.ndarray, ...]] = field(default_factory=list)

    @abstractmethod
    def reduce(self, truth: np.ndarray, output: np.ndarray) -> tuple[np.ndarray, ...]:
        """What is kept of a batch: arrays whose first axis counts its examples."""

    # Takes what `reduce` gives, each array that of all examples.
    measure: ClassVar[Callable[..., Result]]

    def update(self, truth: np.ndarray, output: np.ndarray, classes: np.ndarray | None = None) -> None:
        """Takes a batch of targets and of what the model gives for them.

        Args:
            truth: The targets.
            output: What the model gives.
            classes: Where the target is held against another one: the classes of that, which `measure` takes last.

        Raises:
            DlkitError: The model gives what is no number.
        """
        if not np.isfinite(output).all():
            raise DlkitError(
                "The model gives values that are not numbers.",
                "Look at the training: a lower learning rate or `clipnorm` keeps it from diverging.",
                "not-a-number",
            )
        beside = () if classes is None else (np.asarray(classes).reshape(-1).astype(int),)
        self._gathered.append((*self.reduce(truth, output), *beside))

    def result(self) -> Result:
        """What was measured of all batches."""
        return self.measure(*(np.concatenate(parts) for parts in zip(*self._gathered, strict=True)))

    def label(self, number: int) -> str:
        """The name of a class."""
        labels = self.target.labels
        return labels[number] if labels and number < len(labels) else str(number)

    def labels(self, classes: int) -> list[str]:
        """The names of all classes."""
        return [self.label(number) for number in range(classes)]


def averages(values: dict[str, np.ndarray]) -> Recount:
    """The means of values that each example has."""
    return lambda counts: {name: float(counts @ each / counts.sum()) for name, each in values.items()}


def of_hits(hits: np.ndarray, support: np.ndarray, said: np.ndarray) -> dict[str, np.ndarray]:
    """Precision, recall and F1 of each class; 0 where there is nothing to divide by, as scikit-learn's `zero_division=0`.

    Args:
        hits: Examples of the class that were told so.
        support: Examples of the class.
        said: Examples that were told to be of the class.
    """
    return {
        "precision": hits / np.where(said, said, 1),
        "recall": hits / np.where(support, support, 1),
        "f1": 2 * hits / np.where(said + support, said + support, 1),
    }


def few(values: Sequence[Any] | np.ndarray, most: int) -> np.ndarray:
    """At most so many of the values, evenly spread, the first and the last among them."""
    values = np.asarray(values)
    if len(values) <= most:
        return values
    return values[np.unique(np.linspace(0, len(values) - 1, most).round().astype(int))]
