"""A model, and the examples that it is measured and looked at with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import keras

from dlkit.data.arrays import Arrays
from dlkit.data.augment import Tensors
from dlkit.recipe.load import Recipe


@dataclass(frozen=True, slots=True)
class Subject:
    """What measures are taken of, and what views look at.

    Args:
        recipe: With the facts of its data.
        model: As it was saved: takes raw features.
        split: The examples, raw.
        measured: The model as it is measured: with the noise that its pattern declares, always the same.
        given: Gives what the network of `measured` is given then; None: there is no noise.
        answers: Makes the targets out of the raw features, where the model gives those back.
    """

    recipe: Recipe
    model: keras.Model
    split: Arrays
    measured: keras.Model
    given: keras.Model | None = None
    answers: Callable[[Tensors], Tensors] | None = None
