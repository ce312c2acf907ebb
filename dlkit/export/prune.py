"""Magnitude pruning: the weights of the smallest magnitude become exact zeros, kernel by kernel.

After Zhu and Gupta, "To prune, or not to prune" (arXiv:1710.01878), with the choices of TensorFlow's Model Optimization
Toolkit: every kernel that is pruned has the same sparsity, by its own magnitudes. Kernels are those of dense layers (of
attention too), of convolutions and of recurrent cells, the pointwise ones of separable convolutions, and embeddings.
Depthwise kernels stay whole, as do biases and whatever normalizes. So do the smallest kernels, as long as they hold a
hundredth of the weights together: that of a first convolution has hardly any weights to save, and the model depends on
each (Zhu and Gupta leave it out likewise, section 4.2). The others make up for them, so that the sparsity of all kernels
together is what was asked for.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import keras
import numpy as np

from dlkit.errors import DlkitError

Schedule = Literal["constant", "polynomial"]

_WHOLE = 0.01  # of the weights of all kernels
_UPDATES = 100  # of the masks while the sparsity rises; how often matters little (Zhu and Gupta, section 3)
_WITH_KERNEL = (
    *(keras.layers.Dense, keras.layers.EinsumDense),
    *(keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D),
    *(keras.layers.Conv1DTranspose, keras.layers.Conv2DTranspose, keras.layers.Conv3DTranspose),
)
_SEPARABLE = (keras.layers.SeparableConv1D, keras.layers.SeparableConv2D)


@dataclass(frozen=True, slots=True)
class Prunable:
    """What of a model is pruned.

    Args:
        kernels: The kernels that are, each once.
        weights: Those of all kernels, of the ones that stay whole too.
    """

    kernels: Sequence[keras.Variable]
    weights: int

    def share(self, sparsity: float) -> float:
        """The sparsity of each of these kernels that gives all kernels together a sparsity."""
        return min(sparsity * self.weights / sum(map(_size, self.kernels)), 1.0)


def prunable(model: keras.Model) -> Prunable:
    """What of a model is pruned.

    Raises:
        DlkitError: It has no kernels (`nothing-to-prune`).
    """
    found = {id(kernel): kernel for layer in model._flatten_layers() for kernel in _kernels_of(layer)}
    if not found:
        raise DlkitError(
            f"The model `{model.name}` has no kernels to prune: no dense, convolutional or recurrent layer, no embedding.",
            "Export it without --prune.",
            "nothing-to-prune",
        )
    weights = sum(map(_size, found.values()))
    by_size = sorted(found.values(), key=_size)
    sums = itertools.accumulate(map(_size, by_size))
    whole = {id(kernel) for kernel, so_far in zip(by_size, sums, strict=True) if so_far <= _WHOLE * weights}
    return Prunable([kernel for kernel in found.values() if id(kernel) not in whole], weights)


def prune(model: keras.Model, sparsity: float) -> None:
    """Prunes a model at once, in place.

    Args:
        sparsity: The share of zeros in all kernels together, from 0 up to but not including 1.

    Raises:
        DlkitError: The model has no kernels (`nothing-to-prune`), or the sparsity is no such share (`not-a-sparsity`).
    """
    check_sparsity(sparsity)
    pruned = prunable(model)
    for kernel in pruned.kernels:
        values = keras.ops.convert_to_numpy(kernel)
        kernel.assign(np.where(mask(values, pruned.share(sparsity)), values, 0))


def check_sparsity(sparsity: float) -> None:
    """Refuses what is no share of zeros.

    Raises:
        DlkitError: It is not from 0 up to but not including 1 (`not-a-sparsity`).
    """
    if not 0 <= sparsity < 1:
        cure = "Write the share of the weights that become zero, as 0.8; it is below 1."
        raise DlkitError(f"{sparsity:g} is no sparsity.", cure, "not-a-sparsity")


def mask(values: np.ndarray, sparsity: float) -> np.ndarray:
    """Where weights stay: the largest magnitudes, at least one; of equal ones the last.

    Args:
        values: The weights, of any shape.
        sparsity: The share that does not stay, rounded to whole weights.

    Returns:
        Booleans, of the shape of `values`.
    """
    magnitudes = np.abs(values).ravel()
    zeros = magnitudes.size - max(round(magnitudes.size * (1 - sparsity)), 1)
    if zeros <= 0:
        return np.ones(values.shape, bool)
    threshold = np.partition(magnitudes, zeros - 1)[zeros - 1]
    goes = magnitudes < threshold
    goes[np.flatnonzero(magnitudes == threshold)[: zeros - goes.sum()]] = True
    return ~goes.reshape(values.shape)


def sparsity_at(step: int, steps: int, final: float, schedule: Schedule) -> float:
    """The sparsity before a step: `constant` from the first one, `polynomial` rising from 0 to it by a cubic.

    Args:
        step: From 0.
        steps: Those over which it rises.
        final: Where it rises to.
        schedule: Zhu and Gupta's cubic, equation 1 with an initial sparsity of 0, is `polynomial`.
    """
    if schedule == "constant" or step >= steps:
        return final
    return final * (1 - (1 - step / steps) ** 3)


class Pruning(keras.callbacks.Callback):
    """Prunes a model while it is trained: what has become zero stays zero.

    The masks are applied by the optimizer, as constraints of the variables, so after every step however many steps run in
    a call. Weights that are averaged (EMA) are not covered: their averages have seen them before they were pruned.

    Args:
        pruned: What is pruned.
        sparsity: The share of zeros in all kernels in the end.
        steps: Training steps over which it rises; constant after them.
        schedule: How it rises.

    Attributes:
        is_full: Whether the sparsity has risen to the end.
    """

    def __init__(self, pruned: Prunable, sparsity: float, steps: int, schedule: Schedule) -> None:
        super().__init__()
        if schedule not in ("constant", "polynomial"):
            raise ValueError(f"`schedule` must be 'constant' or 'polynomial'. Received: schedule={schedule!r}")
        self.is_full = False
        self._sparsity = pruned.share(sparsity)
        self._steps = steps
        self._schedule: Schedule = schedule
        self._epoch = self._next = 0
        self._masked = [_Masked(kernel) for kernel in pruned.kernels]

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        for masked in self._masked:
            masked.variable.constraint = masked

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        for masked in self._masked:
            masked.variable.constraint = masked.other

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._epoch = epoch

    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        step = self._epoch * self.params["steps"] + batch
        if self.is_full or step < min(self._next, self._steps):
            return
        sparsity = sparsity_at(step, self._steps, self._sparsity, self._schedule)
        for masked in self._masked:
            masked.update(sparsity)
        self.is_full = sparsity == self._sparsity
        self._next = step + max(1, self._steps // _UPDATES)


class _Masked(keras.constraints.Constraint):
    """A variable with its mask, which is applied after the constraint that the variable has."""

    def __init__(self, variable: keras.Variable) -> None:
        self.variable = variable
        self.other = variable.constraint
        self._mask = keras.Variable(np.ones(variable.shape, bool), dtype="bool", trainable=False)

    def __call__(self, w: Any) -> Any:
        values = keras.ops.convert_to_tensor(w if self.other is None else self.other(w))
        return keras.ops.where(self._mask, values, keras.ops.zeros_like(values))

    def update(self, sparsity: float) -> None:
        """Makes the mask anew and applies it."""
        self._mask.assign(mask(keras.ops.convert_to_numpy(self.variable), sparsity))
        self.variable.assign(self(self.variable))


def _size(kernel: keras.Variable) -> int:
    return math.prod(kernel.shape)


def _kernels_of(layer: keras.layers.Layer) -> Iterator[keras.Variable]:
    if isinstance(layer, _WITH_KERNEL):
        yield layer.kernel
    elif isinstance(layer, _SEPARABLE):
        yield layer.pointwise_kernel
    elif isinstance(layer, keras.layers.Embedding):
        yield layer.embeddings
    elif isinstance(layer, keras.layers.RNN):
        for cell in getattr(layer.cell, "cells", [layer.cell]):
            yield from (getattr(cell, name) for name in ("kernel", "recurrent_kernel") if hasattr(cell, name))
