"""Cuts what a source hands over into training, validation and test examples.

The split is a function of the seed and the data alone. Each cut has a random stream of its own, so that the test
examples depend neither on `validation` nor on `limit`, and what a smaller `limit` keeps, a larger one keeps too.
Examples that follow each other in time are cut in their order: first those to learn from, last those to test on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlkit.data.arrays import Arrays, Splits
from dlkit.errors import DlkitError

TEST_SHARE = 0.2  # where the source has no test split and the recipe does not say
_STREAMS = {"test": 0, "validation": 1, "limit_train": 2, "limit_validation": 3, "folds": 4}


@dataclass(frozen=True, slots=True)
class Fold:
    """One of several parts of the examples, each of which is held out in turn.

    Args:
        number: Which one, from 1.
        folds: How many there are.
        split: The split that it stands for, `test` or `validation`.
    """

    number: int
    folds: int
    split: str


def split(
    splits: Splits,
    *,
    stratify: str | None = None,
    validation: float | int = 0.1,
    test: float | int | None = None,
    limit: int | Mapping[str, Any] | None = None,
    fold: Fold | None = None,
    seed: int,
) -> Splits:
    """Adds the splits that the source has none of, and cuts training and validation down to `limit`.

    Args:
        splits: What the source handed over; the splits it has are kept.
        stratify: The target whose classes every split holds in the proportions of the whole; None cuts regardless.
        validation: Share or number of the training examples to hold out for validation; 0 for none.
        test: Share or number of all examples to hold out for the test; None for a fifth.
        limit: The number of training examples to keep, or `{"per_class": number}`; validation examples are cut in
            proportion, at least one is kept; the test examples stay.
        fold: The part that is held out instead of a share, as test or as validation examples.
        seed: Of the split; not negative.

    Raises:
        DlkitError: A share or number leaves a split without examples, the source has a test split and `test` is given
            too, or `per_class` is asked where there are no classes.
    """
    if splits.test is not None and test is not None:
        raise DlkitError(
            "`data.test` asks for a test split, but the source comes with one",
            "leave out `data.test`",
            code="unused-key",
        )
    if fold is not None and splits.ordered:
        raise DlkitError(
            "`data.folds` mixes examples of all times, and those of this source follow each other in time",
            "leave out `data.folds`: the last examples are held out",
            code="impossible-split",
        )
    if fold is not None and fold.split == "validation" and splits.validation is not None:
        raise DlkitError(
            "`data.folds` cuts validation examples, but the source comes with a validation split",
            "leave out `data.folds`",
            code="unused-key",
        )
    labels = np.asarray(splits.train.targets[stratify]) if stratify else None
    train = np.arange(len(splits.train))
    chosen: dict[str, np.ndarray] = {}
    for name, share in (("test", TEST_SHARE if test is None else test), ("validation", validation)):
        if getattr(splits, name) is not None:
            continue
        if fold and fold.split == name:
            train, chosen[name] = _fold(train, labels, fold, seed)
        elif share == 0 and name == "validation":
            continue
        elif splits.ordered:
            train, chosen[name] = _last(train, share, name, splits.gap)
        else:
            train, chosen[name] = _hold_out(train, labels, share, name, seed)
    made = splits.replace({name: splits.train.take(rows) for name, rows in {**chosen, "train": train}.items()})
    return made if limit is None else _limit(made, stratify, limit, seed)


def _count(rows: np.ndarray, share: float | int, name: str) -> int:
    """The number of examples that a share or a number holds out."""
    count = share if isinstance(share, int) else max(1, round(share * len(rows))) if 0 < share < 1 else 0
    if not 0 < count < len(rows):
        raise DlkitError(
            f"`data.{name}: {share}` cannot be held out of {len(rows):,} examples",
            f"give a share between 0 and 1, or a number of examples from 1 to {len(rows) - 1:,}",
            code="impossible-split",
        )
    return count


def _last(rows: np.ndarray, share: float | int, name: str, gap: int) -> tuple[np.ndarray, np.ndarray]:
    """The rows that stay and the last ones; between them `gap` rows belong to neither."""
    count = _count(rows, share, name)
    if count + gap >= len(rows):
        raise DlkitError(
            f"`data.{name}: {share}`: nothing is left to learn from: of {len(rows):,} windows {count:,} are held out, "
            f"and {gap:,} overlap with them",
            "give a smaller share, or a longer series",
            code="impossible-split",
        )
    return rows[: -count - gap], rows[-count:]


def _fold(rows: np.ndarray, labels: np.ndarray | None, fold: Fold, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The rows that stay and those of one fold, both ascending; every fold has the classes in their proportions."""
    if fold.folds > len(rows):
        raise DlkitError(
            f"`data.folds: {fold.folds}` is more than there are examples, {len(rows):,}",
            f"give a number from 2 to {len(rows):,}",
            code="impossible-split",
        )
    order = rows[_stratified_order(len(rows), None if labels is None else labels[rows], "folds", seed)]
    is_held_out = np.arange(len(rows)) % fold.folds == fold.number - 1
    return np.sort(order[~is_held_out]), np.sort(order[is_held_out])


def _hold_out(
    rows: np.ndarray, labels: np.ndarray | None, share: float | int, name: str, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """The rows that stay and those that are held out, both ascending."""
    count = _count(rows, share, name)
    order = rows[_stratified_order(len(rows), None if labels is None else labels[rows], name, seed)]
    return np.sort(order[count:]), np.sort(order[:count])


def _stratified_order(count: int, labels: np.ndarray | None, stream: str, seed: int) -> np.ndarray:
    """A random order of `count` examples, every beginning of which has the classes in their proportions.

    The i-th of the n examples of a class stands at (i + 1/2) / n of the way. So a class is not used up before half of
    all examples are: one of a single member stays with the larger part.
    """
    shuffled = _random(seed, stream).permutation(count)
    if labels is None:
        return shuffled
    ranks, sizes = _ranks(labels[shuffled])
    return shuffled[np.argsort((ranks + 0.5) / sizes, kind="stable")]


def _random(seed: int, stream: str) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(seed, spawn_key=(_STREAMS[stream],))))


def _ranks(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each example, how many of its class stand before it, and how many its class has."""
    _, classes, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    ranks = np.empty(len(labels), np.int64)
    ranks[np.argsort(classes, kind="stable")] = np.arange(len(labels)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return ranks, sizes[classes]


def _limit(splits: Splits, stratify: str | None, limit: int | Mapping[str, Any], seed: int) -> Splits:
    match limit:
        case int(number) if number > 0:
            per_class = False
        case {"per_class": int(number), **others} if number > 0 and not others:
            per_class = True
        case _:
            raise DlkitError(
                f"`data.limit: {limit}` is no limit",
                "give a number of examples from 1, or `{per_class: 100}`",
                code="wrong-value",
            )
    if per_class and stratify is None:
        raise DlkitError(
            "`data.limit.per_class` needs classes, and the first target has none", "give a number of examples"
        )
    share = number / len(splits.train)
    if splits.ordered:
        return splits.replace(_nearest(splits, number))
    parts = {"train": (splits.train, number)}
    if splits.validation is not None:
        parts["validation"] = (splits.validation, max(1, round(share * len(splits.validation))))
    return splits.replace(
        {
            name: _first(arrays, count, per_class, stratify, f"limit_{name}", seed)
            for name, (arrays, count) in parts.items()
        }
    )


def _nearest(splits: Splits, number: int) -> dict[str, Arrays]:
    """The last training examples and the first to validate with: those that lie nearest to each other in time."""
    train, validation = splits.train, splits.validation
    size = len(train)
    made = {"train": train.take(np.arange(max(0, size - number), size))}
    if validation is not None:
        kept = min(len(validation), max(1, round(number / size * len(validation))))
        made["validation"] = validation.take(np.arange(kept))
    return made


def _first(arrays: Arrays, count: int, per_class: bool, stratify: str | None, stream: str, seed: int) -> Arrays:
    labels = np.asarray(arrays.targets[stratify]) if stratify else None
    order = _stratified_order(len(arrays), labels, stream, seed)
    if per_class and labels is not None:
        ranks, _ = _ranks(labels[order])
        return arrays.take(np.sort(order[ranks < count]))
    return arrays.take(np.sort(order[:count]))
