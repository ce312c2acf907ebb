"""Scaled targets: `data.preprocess: {price: [Normalization]}` where `price` is a number to predict.

The network learns the scaled target, and its model still speaks the target's own units: its last layer scales back, so
that metrics, predictions and exports need to know nothing of it. Only the loss is taken of the scaled values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np

from dlkit.data.arrays import Values
from dlkit.recipe.diagnostics import NOWHERE, Diagnostic, RecipeError
from dlkit.recipe.facts import Target
from dlkit.recipe.graph import Component


@dataclass(frozen=True, slots=True)
class Scale:
    """Mean and standard deviation of a target in the training split.

    Args:
        mean: A number, or one for each entry of the target's last axis.
        deviation: Likewise; 1 where the target does not vary.
    """

    mean: np.ndarray
    deviation: np.ndarray

    def layer(self, target: str) -> keras.layers.Layer:
        """The layer that turns scaled outputs into the target's units."""
        return keras.layers.Normalization(
            axis=-1 if self.mean.ndim else None,
            mean=self.mean.tolist(),
            variance=np.square(self.deviation).tolist(),
            invert=True,
            dtype="float32",
            name=f"{target}_in_its_units",
        )


def fit_scale(name: str, components: Sequence[Component], target: Target, values: Values) -> Scale:
    """The scale of a target.

    Args:
        name: The target.
        components: What `data.preprocess` says of it: one `Normalization`, with `axis: null` for one scale over all
            entries of a target that is a vector.
        target: What is known of it.
        values: Its values in the training split.

    Raises:
        RecipeError: It is no number, or something else than one Normalization is asked for.
    """
    first = components[0] if components else None
    if first is None or len(components) > 1 or first.name != "Normalization" or set(first.arguments) - {"axis"}:
        told = "a target takes one `Normalization`, which is scaled back in the model"
    elif target.kind != "number":
        told = f"it is a target of kind {target.kind}; only numbers are scaled"
    else:
        array = np.asarray(values, dtype="float64")
        each = array.ndim > 1 and first.arguments.get("axis", -1) is not None
        axes = tuple(range(array.ndim - 1)) if each else None
        deviation = array.std(axis=axes)
        return Scale(array.mean(axis=axes), np.where(deviation > 0, deviation, 1.0))
    span = first.span if first else NOWHERE
    raise RecipeError([Diagnostic("no-preprocessing", f"`data.preprocess.{name}`: {told}", span)])
