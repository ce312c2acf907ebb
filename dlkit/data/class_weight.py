"""The weight of each class in the loss."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dlkit.recipe.class_targets import class_number
from dlkit.recipe.facts import Target


def class_weights(wanted: str | Mapping[str, float], labels: np.ndarray, target: Target) -> np.ndarray:
    """The weight of every class, as `data.class_weight` asks for it.

    Args:
        wanted: `balanced`, for examples / (classes * examples of the class), over the classes that occur, as
            scikit-learn's `compute_class_weight` has it; or weights by label or class number, 1 where none is given.
        labels: The classes of the training examples.
        target: What is known of the target; its `classes` and the keys of `wanted` were checked.

    Returns:
        float32 of shape (classes,).
    """
    assert target.classes is not None
    if not isinstance(wanted, Mapping):
        counts = np.bincount(labels, minlength=target.classes)
        present = counts > 0
        weights = np.ones(target.classes)
        weights[present] = len(labels) / (present.sum() * counts[present])
        return weights.astype(np.float32)
    given = np.ones(target.classes, np.float32)
    for key, weight in wanted.items():
        given[class_number(key, target)] = weight
    return given
