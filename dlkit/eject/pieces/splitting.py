"""How the script cuts examples into those to train on, to validate with and to test on."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np


def take(examples: Any, rows: Any) -> Any:
    """The examples of these rows."""
    return keras.tree.map_structure(lambda values: values[rows], examples)


def size_of(examples: Any) -> int:
    """How many examples there are."""
    return len(keras.tree.flatten(examples)[0])


def random_order(count: int, seed: int, stream: int) -> np.ndarray:
    """A random order of so many examples; each stream has draws of its own."""
    generator = np.random.Generator(np.random.Philox(np.random.SeedSequence(seed, spawn_key=(stream,))))
    return generator.permutation(count)


def stratified_order(labels: np.ndarray, seed: int, stream: int) -> np.ndarray:
    """A random order of the examples, every beginning of which has the classes in their proportions."""
    shuffled = random_order(len(labels), seed, stream)
    ranks, sizes = ranks_in_classes(labels[shuffled])
    return shuffled[np.argsort((ranks + 0.5) / sizes, kind="stable")]


def ranks_in_classes(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each example, how many of its class stand before it, and how many its class has."""
    _, classes, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    ranks = np.empty(len(labels), np.int64)
    ranks[np.argsort(classes, kind="stable")] = np.arange(len(labels)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return ranks, sizes[classes]


def hold_out(examples: Any, order: np.ndarray, count: int) -> tuple[Any, Any]:
    """The examples without the first ones of an order, and those; both as they stood."""
    return take(examples, np.sort(order[count:])), take(examples, np.sort(order[:count]))


def hold_out_fold(examples: Any, order: np.ndarray, fold: int, folds: int) -> tuple[Any, Any]:
    """The examples without those of one fold, from 1, and those."""
    is_held_out = np.arange(len(order)) % folds == fold - 1
    return take(examples, np.sort(order[~is_held_out])), take(examples, np.sort(order[is_held_out]))


def hold_out_last(examples: Any, count: int, gap: int) -> tuple[Any, Any]:
    """The examples without the last ones, and those; between them so many belong to neither."""
    size = size_of(examples)
    return take(examples, slice(0, size - count - gap)), take(examples, slice(size - count, size))


def first_per_class(labels: np.ndarray, order: np.ndarray, count: int) -> np.ndarray:
    """The rows of the first examples of each class, in the order of the examples."""
    ranks, _ = ranks_in_classes(labels[order])
    return np.sort(order[ranks < count])
