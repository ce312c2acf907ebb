"""How the script trains: seeds, and batches in an order of their own in every epoch."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dlkit.models.inner_layers import matching_layers, set_trainable


def seed_everything(seed: int) -> None:
    """Same seed, same numbers: to be called before the model is built."""
    keras.utils.set_random_seed(seed)
    # Keras seeds its own generator at the first draw: drawn now, it does not depend on what else draws before.
    keras.random.uniform((1,))


def only_deterministic_operations() -> None:
    """From now on TensorFlow takes operations that give the same bits in every run."""
    tf.config.experimental.enable_op_determinism()


def set_layers_trainable(model: keras.Model, globs: Sequence[str], trainable: bool) -> None:
    """Freezes the layers of these names, or lets them learn; `backbone.*` are those inside `backbone`."""
    for layer in matching_layers(model, globs).values():
        set_trainable(layer, trainable)


class Batches(keras.utils.PyDataset):
    """The training examples, in an order of their own in every epoch.

    Args:
        x: The features, an array or a dict of arrays.
        y: The targets, likewise.
        batch_size: Examples of a batch; the last one of an epoch may have fewer.
        seed: Of the order.
        shuffle: Whether the order is random.
        augment: Changes the features and targets of a batch, given its epoch and its step.
        weights: The weight of each class in the loss.
        epochs_before: Of earlier trainings of the same model: no order comes twice.
    """

    def __init__(
        self,
        x: Any,
        y: Any,
        batch_size: int,
        seed: int,
        shuffle: bool = True,
        augment: Callable[[Any, Any, int, int], tuple[Any, Any]] | None = None,
        weights: np.ndarray | None = None,
        epochs_before: int = 0,
    ) -> None:
        super().__init__()
        self.examples, self.augment, self.weights = (x, y), augment, weights
        self.batch_size, self.seed, self.shuffle = batch_size, seed, shuffle
        self.size = len(keras.tree.flatten(x)[0])
        self.epoch, self.order = epochs_before - 1, np.arange(self.size)

    def __len__(self) -> int:
        return math.ceil(self.size / self.batch_size)

    def __getitem__(self, step: int) -> tuple[Any, ...]:
        rows = self.order[step * self.batch_size : (step + 1) * self.batch_size]
        x, y = keras.tree.map_structure(lambda values: values[rows], self.examples)
        if self.augment is not None:
            x, y = self.augment(x, y, max(self.epoch, 0), step)
        return (x, y) if self.weights is None else (x, y, self.weights[y])

    def on_epoch_begin(self) -> None:
        self.epoch += 1
        self.order = self.one_pass(self.epoch)

    def one_pass(self, number: int) -> np.ndarray:
        """The order of the examples in one pass over them."""
        if not self.shuffle:
            return np.arange(self.size)
        return np.random.Generator(np.random.Philox(key=[self.seed, number])).permutation(self.size)


class EndlessBatches(Batches):
    """The training examples in passes that go on from epoch to epoch: all batches are full.

    Args:
        *others: As of `Batches`.
        steps: Batches of an epoch.
        **more: As of `Batches`.
    """

    def __init__(self, *others: Any, steps: int, **more: Any) -> None:
        super().__init__(*others, **more)
        self.steps = steps
        self.order = np.resize(self.order, steps * self.batch_size)

    def __len__(self) -> int:
        return self.steps

    def on_epoch_begin(self) -> None:
        self.epoch += 1
        count = self.steps * self.batch_size
        first = self.epoch * count
        passes = range(first // self.size, (first + count - 1) // self.size + 1)
        self.order = np.concatenate([self.one_pass(each) for each in passes])[first % self.size :][:count]


def balanced_weights(y: np.ndarray, classes: int) -> np.ndarray:
    """Weights by which every class counts the same: examples / (classes * examples of the class)."""
    counts = np.bincount(y, minlength=classes)
    present = counts > 0
    weights = np.ones(classes)
    weights[present] = len(y) / (present.sum() * counts[present])
    return weights.astype(np.float32)
