"""Random changes of batches, each a pure function of (seed, epoch, step).

Keras's layers draw from their `SeedGenerator`, whose state moves with every batch, so that a resumed run would draw
otherwise. Here each generator of a layer gives way to one that is told the seed of the batch:

    augment = Augment([LayerChange(keras.layers.RandomFlip("horizontal"), ("image",), "data.augment[0]: RandomFlip")])
    x, y = augment({"image": pictures}, {"label": labels}, seed=tf.constant([1, 2]))
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence

import keras
import tensorflow as tf

from dlkit.errors import DlkitError

Tensors = dict[str, tf.Tensor]


class _SeedsOfBatch(keras.random.SeedGenerator):
    """Gives the draws of a batch their seeds: a function of the batch's seed and of how many draws came before.

    It holds no variable: `SeedGenerator.__init__` would make one.
    """

    def __init__(self) -> None:
        self.seed: tf.Tensor | None = None
        self.draws = 0

    def begin(self, seed: tf.Tensor) -> None:
        """The next draw is the first of the batch with this seed."""
        self.seed, self.draws = seed, 0

    def next(self, ordered: bool = True) -> tf.Tensor:
        self.draws += 1
        return tf.random.experimental.stateless_fold_in(self.seed, self.draws)


class Change(ABC):
    """One augmentation of some features.

    Args:
        features: What it changes; several are changed by the same draws, as two views of one scene are.
        place: Where it is written, for messages: `data.augment[0]: RandomFlip`.
    """

    def __init__(self, features: Sequence[str], place: str) -> None:
        self.features = tuple(features)
        self.place = place

    def __call__(self, x: Tensors, y: Tensors, seed: tf.Tensor) -> tuple[Tensors, Tensors]:
        """The changed batch; features and targets that are none of its business stay.

        Raises:
            DlkitError: It cannot be applied to a feature, or would change its shape.
        """
        x, y = dict(x), dict(y)
        for name in self.features:
            before = x[name]
            try:
                x[name], y = self._changed(before, y, seed, first=name == self.features[0])
            except (ValueError, TypeError, tf.errors.OpError) as error:
                shape = tuple(before.shape[1:])
                raise DlkitError(
                    f"`{self.place}` cannot change `{name}`, of shape {shape}: {_reason(error)}",
                    "take it out of `data.augment`, or give it arguments that fit",
                    code="cannot-augment",
                ) from error
            _check_shape(self.place, name, before, x[name])
            x[name].set_shape(before.shape)
        return x, y

    @abstractmethod
    def _changed(self, values: tf.Tensor, y: Tensors, seed: tf.Tensor, first: bool) -> tuple[tf.Tensor, Tensors]:
        """The changed feature, and the targets as they are then; `first`: no other feature was changed before."""


class FunctionChange(Change):
    """An augmentation of dlkit or of a plugin: a function of a batch and a seed."""

    def __init__(
        self, function: Callable[[tf.Tensor, tf.Tensor], tf.Tensor], features: Sequence[str], place: str
    ) -> None:
        super().__init__(features, place)
        self._function = function

    def _changed(self, values: tf.Tensor, y: Tensors, seed: tf.Tensor, first: bool) -> tuple[tf.Tensor, Tensors]:
        return _as(self._function(values, seed), values.dtype), y


class LayerChange(Change):
    """A layer of Keras.

    Args:
        layer: The layer; from now on it draws what the seed of the batch says.
        mixed: The target whose labels are mixed as the pictures are, given as shares of the classes.
    """

    def __init__(
        self, layer: keras.layers.Layer, features: Sequence[str], place: str, *, mixed: str | None = None
    ) -> None:
        super().__init__(features, place)
        self._layer = layer
        self._mixed = mixed
        self._seeds = _SeedsOfBatch()
        _reseed(layer, self._seeds)

    def _changed(self, values: tf.Tensor, y: Tensors, seed: tf.Tensor, first: bool) -> tuple[tf.Tensor, Tensors]:
        self._seeds.begin(seed)
        given = tf.cast(values, self._layer.compute_dtype)
        if self._mixed is None:
            return _as(self._layer(given, training=True), values.dtype), y
        mixed = self._layer({"images": given, "labels": y[self._mixed]}, training=True)
        labels = tf.ensure_shape(mixed["labels"], y[self._mixed].shape)
        return _as(mixed["images"], values.dtype), {**y, self._mixed: labels} if first else y


class Augment:
    """Augmentations, one after another.

    Args:
        changes: In their order.
    """

    def __init__(self, changes: Sequence[Change]) -> None:
        self.changes = tuple(changes)

    def __call__(
        self, x: Mapping[str, tf.Tensor], y: Mapping[str, tf.Tensor], seed: tf.Tensor
    ) -> tuple[Tensors, Tensors]:
        """The augmented batch, its shapes and types as they were.

        Args:
            x: Features by name, each of shape (batch, ...).
            y: Targets by name.
            seed: Integers of shape [2]; the same seed gives the same batch.

        Raises:
            DlkitError: An augmentation does not fit its feature.
        """
        x, y = dict(x), dict(y)
        for number, change in enumerate(self.changes):
            x, y = change(x, y, tf.random.experimental.stateless_fold_in(seed, number))
        return x, y


def batch_seed(seed: int, epoch: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
    """The seed of a batch, int64 of shape [2], from the recipe's seed, the epoch and the step in the epoch."""
    of_epoch = tf.stack([tf.constant(seed, tf.int64), tf.cast(epoch, tf.int64)])
    return tf.random.experimental.stateless_fold_in(of_epoch, tf.cast(step, tf.int64))


def _reseed(layer: keras.layers.Layer, seeds: _SeedsOfBatch) -> None:
    """Puts `seeds` in the place of every generator of a layer and the layers that it holds."""
    for each in layer._flatten_layers():
        attributes = vars(each)  # set directly: a built layer takes no new state
        for name, value in attributes.items():
            if isinstance(value, keras.random.SeedGenerator):
                attributes[name] = seeds


def _reason(error: Exception) -> str:
    """What Keras says, without its remark on where."""
    lines = [re.sub(r"\x1b\[\d*m", "", line).strip() for line in str(error).split("\n")]
    told = [line for line in lines if line and not line.startswith("Exception encountered")]
    return told[0] if told else type(error).__name__


def _as(values: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """Values in the type of the feature; integers are rounded, and cut off where the type ends."""
    if dtype.is_integer and not values.dtype.is_integer:
        values = tf.clip_by_value(tf.round(values), dtype.min, dtype.max)
    return tf.cast(values, dtype) if values.dtype != dtype else values


def _check_shape(place: str, name: str, before: tf.Tensor, after: tf.Tensor) -> None:
    if not before.shape[1:].is_compatible_with(after.shape[1:]):
        raise DlkitError(
            f"`{place}` makes `{name}` of shape {tuple(after.shape[1:])}, and the model takes {tuple(before.shape[1:])}",
            "keep the size, as `pad_and_crop` does",
            code="augment-changes-shape",
        )
