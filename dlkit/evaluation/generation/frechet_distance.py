"""How far generated examples are from real ones, as a trained network sees both."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from dlkit.evaluation.features import features_of
from dlkit.evaluation.generated import Generated
from dlkit.recipe.registry import Range, register


@register(kind="generation")
def frechet_distance(
    given: Generated, /, *, features: str, layer: str | None = None, samples: Annotated[int, Range(min=2)] = 10_000
) -> float:
    """The squared Fréchet distance of two normal distributions: those with the means and covariances of the features.

    Dowson and Landau, 1982, "The Fréchet distance between multivariate normal distributions", Journal of Multivariate
    Analysis 12; of generated pictures by Heusel et al., 2017, arXiv:1706.08500. It is taken over features of a run of
    dlkit, so it is no FID, and only distances over the same features and as many samples can be compared.

    Args:
        given: The network, and the real examples.
        features: The run whose features they are, `recipe:NAME` or `run:PATH`; it takes what the data has.
        layer: The layer of it whose outputs are the features; what enters its last Dense where it is left out.
        samples: How many examples are drawn, and how many real ones are taken; at most as many as the split has.
            There should be more of them than features.
    """
    count = min(samples, len(given.real))
    model = given.load(features)
    real, made = (features_of(model, layer, values) for values in (given.taken(count), given.drawn(count)))
    return squared_distance(real, made)


def squared_distance(first: np.ndarray, second: np.ndarray) -> float:
    """The squared Fréchet distance of the normal distributions that two samples come from, by float64.

    The trace of the root of the product of the covariances is the sum of the singular values of the product of their
    roots, which is never complex, and a number for singular covariances too.

    Args:
        first: Of shape (examples, features), two examples or more.
        second: Likewise; the number of examples may differ.
    """
    (mean, root), (other_mean, other_root) = map(_mean_and_root, (first, second))
    together = np.linalg.svd(root @ other_root, compute_uv=False).sum()
    apart = np.square(mean - other_mean).sum()
    return float(max(apart + np.square(root).sum() + np.square(other_root).sum() - 2 * together, 0.0))


def _mean_and_root(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean, and the symmetric root of the covariance, whose squared entries add up to the covariance's trace."""
    values = np.asarray(values, np.float64)
    variances, axes = np.linalg.eigh(np.atleast_2d(np.cov(values, rowvar=False)))
    return values.mean(axis=0), axes * np.sqrt(np.maximum(variances, 0.0)) @ axes.T
