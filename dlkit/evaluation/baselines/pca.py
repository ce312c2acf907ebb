"""The linear autoencoder: principal components (Pearson, 1901; Hotelling, 1933)."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from dlkit.evaluation.given import Given
from dlkit.recipe.registry import Range, register


@register(kind="baseline", task="reconstruction")
def pca(given: Given, /, components: Annotated[int, Range(min=1)]) -> np.ndarray:
    """What so many principal components of the training examples give back: the best that a linear code of that size can.

    Args:
        components: How many numbers the code has.
    """
    from sklearn.decomposition import PCA

    fitted = given.memory.get("pca")
    if fitted is None:
        learned = np.asarray(given.learned, np.float32).reshape(len(given.learned), -1)
        fitted = given.memory["pca"] = PCA(components, svd_solver="covariance_eigh").fit(learned)
    told = np.asarray(given.inputs, np.float32).reshape(given.shape[0], -1)
    return fitted.inverse_transform(fitted.transform(told)).reshape(given.shape)
