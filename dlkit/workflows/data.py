"""Looks at the data of a recipe: what it holds, what is missing or doubled, and whether its splits are alike."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from dlkit.data.arrays import Arrays
from dlkit.data.columns import Column, Windows
from dlkit.data.duplicates import count_duplicates, example_keys, shared
from dlkit.evaluation.shift import Shift, measure_shift
from dlkit.recipe.facts import DataFacts, Feature, Target
from dlkit.recipe.load import Recipe
from dlkit.workflows.leaks import repeats
from dlkit.workflows.other_data import other_examples
from dlkit.workflows.preparation import Prepared, prepare

AGAINST = "against"  # the name of other data, among the splits
_MOST_READ = 2000  # examples that are read of a column to tell its range
_FREQUENT = 5  # categories that are told of a column
_SAMPLES = 3  # texts


@dataclass(frozen=True, slots=True)
class SplitSeen:
    """A split.

    Args:
        examples: How many.
        duplicates: How many repeat one before them; None where the examples are windows that overlap.
        classes: By target, the number of examples of each class or label.
    """

    examples: int
    duplicates: int | None
    classes: dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class ValuesSeen:
    """The values of a feature, of a column of a table, or of a target, in the training split.

    Args:
        minimum: The smallest number; of texts, the words of the shortest.
        maximum: The largest, or the words of the longest.
        mean: The mean, or that of the words.
        missing: How many there are not.
        frequent: The most frequent categories, with their counts.
        distinct: How many categories there are.
    """

    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    missing: int = 0
    frequent: dict[str, int] = field(default_factory=dict)
    distinct: int | None = None


@dataclass(frozen=True, slots=True)
class FeatureSeen:
    """A feature, in the training split.

    Args:
        kind: What its values mean.
        shape: Of an example.
        dtype: Of the raw values.
        read: The number of examples that `values` and `columns` are of.
        values: Of all its values.
        columns: By column, of a table.
        samples: A few texts.
    """

    kind: str
    shape: tuple[int | None, ...]
    dtype: str
    read: int
    values: ValuesSeen
    columns: dict[str, ValuesSeen] = field(default_factory=dict)
    samples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """The data of a recipe.

    Args:
        splits: By name; other data is `against`.
        features: By name.
        numbers: The targets that are numbers, by name.
        leaks: How many examples of the second split also stand in the first; None where that means nothing, since the
            splits are windows of a series or the same whole.
        shift: Each split against the training split.
    """

    splits: dict[str, SplitSeen]
    features: dict[str, FeatureSeen]
    numbers: dict[str, ValuesSeen]
    leaks: dict[tuple[str, str], int] | None
    shift: dict[str, Shift]


def look(recipe: Recipe, *, against: str | Path | None = None, shift: bool = True) -> Seen:
    """Loads the data of a recipe and looks at it.

    Args:
        against: Other data of the same source, to be compared with the training split.
        shift: Whether to look for dataset shift, which takes some seconds.

    Raises:
        RecipeError: The recipe contradicts its data.
        DlkitError: The data cannot be loaded.
    """
    return look_at(prepare(recipe), against=against, shift=shift)


def look_at(prepared: Prepared, *, against: str | Path | None = None, shift: bool = True) -> Seen:
    """`look`, at data that is loaded."""
    recipe, splits = prepared.recipe, prepared.raw
    facts = replace(recipe.facts, features=prepared.raw_features, targets=recipe.facts.of_data)
    parts = splits.named()
    if against is not None:
        parts[AGAINST] = other_examples(recipe, prepared.raw_features, against)
    keys = {} if splits.ordered else {name: example_keys(arrays) for name, arrays in parts.items()}
    seen = {
        name: SplitSeen(
            len(arrays),
            count_duplicates(keys[name]) if keys else None,
            {name: _counts(np.asarray(arrays.targets[name]), target) for name, target in _with_classes(facts).items()},
        )
        for name, arrays in parts.items()
    }
    shifts = {
        name: measure_shift(
            splits.train,
            arrays,
            facts,
            seed=recipe.config.seed,
            ordered=splits.ordered,
            gap=max(splits.gap, _overlap(splits.train)),
        )
        for name, arrays in parts.items()
        if shift and name != "train"
    }
    return Seen(
        seen,
        {name: _feature(splits.train.features[name], feature) for name, feature in facts.features.items()},
        {
            name: _numbers(np.asarray(splits.train.targets[name]))
            for name, target in facts.targets.items()
            if target.kind == "number"
        },
        None if splits.ordered or repeats(recipe) else shared(keys),
        shifts,
    )


def _overlap(arrays: Arrays) -> int:
    """How many of the windows that follow one share steps with it."""
    overlap = 0
    for values in arrays.features.values():
        if isinstance(values, Windows) and len(values) > 1:
            stride = max(1, int(values.starts[1] - values.starts[0]))
            overlap = max(overlap, -(-values.length // stride) - 1)
    return overlap


def _with_classes(facts: DataFacts) -> dict[str, Target]:
    return {name: target for name, target in facts.targets.items() if target.kind in ("classes", "multi_label")}


def _counts(values: np.ndarray, target: Target) -> dict[str, int]:
    """How often each class occurs; a class a step counts at every step, as the next token of a language model does."""
    size = target.classes or 0
    counts = values.sum(axis=0) if target.kind == "multi_label" else np.bincount(values.reshape(-1), minlength=size)
    labels = target.labels or tuple(map(str, range(len(counts))))
    return {label: int(count) for label, count in zip(labels, counts, strict=True)}


def _feature(values: np.ndarray | Column, feature: Feature) -> FeatureSeen:
    rows = np.arange(len(values))
    if isinstance(values, Column) and len(values) > _MOST_READ:
        rows = np.linspace(0, len(values) - 1, _MOST_READ).astype(int)
    read = values.read(rows) if isinstance(values, Column) else values
    told: dict[str, Any] = {}
    if feature.kind == "text":
        texts = [" ".join(row) for row in read.reshape(len(read), -1).tolist()]
        told = {"values": _words(texts), "samples": tuple(texts[:_SAMPLES])}
    elif feature.kind == "category":
        told = {"values": _categories(read.reshape(-1))}
    else:
        told = {"values": _numbers(read)}
    flat = read.reshape(len(read), -1)
    if feature.columns and flat.shape[1] == len(feature.columns):
        told["columns"] = {
            name: _categories(column) if column.dtype.hasobject else _numbers(column)
            for name, column in zip(feature.columns, flat.T, strict=True)
        }
    return FeatureSeen(feature.kind, feature.shape or (), feature.dtype, len(read), **told)


def _numbers(values: np.ndarray) -> ValuesSeen:
    is_missing = np.isnan(values) if values.dtype.kind == "f" else None
    missing = 0 if is_missing is None else int(is_missing.sum())
    present = values if not missing else values[~is_missing]  # type: ignore[operator]
    if not present.size:
        return ValuesSeen(missing=missing)
    mean = float(present.mean(dtype=np.float64))
    return ValuesSeen(float(present.min()), float(present.max()), mean, missing)


def _words(texts: list[str]) -> ValuesSeen:
    counts = [len(text.split()) for text in texts]
    return ValuesSeen(min(counts), max(counts), float(np.mean(counts)), missing=sum(not text for text in texts))


def _categories(values: np.ndarray) -> ValuesSeen:
    counts = Counter(values.tolist())
    missing = counts.pop("", 0)
    return ValuesSeen(missing=missing, frequent=dict(counts.most_common(_FREQUENT)), distinct=len(counts))
