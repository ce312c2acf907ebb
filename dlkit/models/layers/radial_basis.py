"""Gaussian radial basis functions around centers that k-means finds among the training examples."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Annotated

from dlkit.recipe.registry import Range, register

if TYPE_CHECKING:
    import keras
    import numpy as np


@register(kind="layer")
def radial_basis(
    x: keras.KerasTensor,
    examples: np.ndarray | None,
    /,
    *,
    units: Annotated[int, Range(min=1)],
    neighbors: Annotated[int, Range(min=1)] = 2,
    width_scale: Annotated[float, Range(above=0)] = 1.0,
    trainable: bool = False,
    seed: Annotated[int, Range(min=0, max=4_294_967_295)] | None = None,
) -> keras.KerasTensor:
    """Tells how near an input is to each of some centers, by Gaussians: 1 at the center, 0 far away from it.

    `exp(-|x - center|^2 / (2 width^2))`, the Gaussians of Broomhead and Lowe, 1988, "Multivariable functional
    interpolation and adaptive networks", Complex Systems 2. The centers are found by k-means among the training examples, a
    width is the root mean square distance to the nearest other centers, as in Moody and Darken, 1989, "Fast learning in
    networks of locally-tuned processing units", Neural Computation 1.

    All of it is computed in 32 bits. Its inner layers are `centers` and `log_widths`, the logarithms of the widths, which
    `freeze` and `unfreeze` may name.

    Args:
        x: Of shape (batch, features).
        examples: Of shape (examples, features).
        units: How many centers; there must be as many examples.
        neighbors: How many of the nearest other centers a width is taken from.
        width_scale: What the widths are multiplied by.
        trainable: Whether training goes on with centers and widths, or leaves them as they were found.
        seed: Of k-means; where left out, it follows from the recipe's.

    Returns:
        Of shape (batch, units), float32.

    Raises:
        ValueError: The input is no vector, or there are fewer examples than units, or some are no numbers.
    """
    import keras
    from keras import ops

    if len(x.shape) != 2 or x.shape[-1] is None:
        raise ValueError(f"it takes vectors of a known size; Flatten makes them. Received: shape={x.shape}")
    if examples is not None and len(examples) < units:
        raise ValueError(f"{units} centers cannot be found among {len(examples)} examples; write fewer `units`")
    own_seed = random.randint(0, 2**31 - 1) if seed is None else seed
    features = x.shape[-1]
    # Without examples, about as wide as an input of unit variance is long.
    wide = keras.initializers.Constant(0.5 * math.log(features))
    centers = keras.layers.Embedding(units, features, trainable=trainable, name="centers")
    log_widths = keras.layers.Embedding(units, 1, wide, trainable=trainable, name="log_widths")
    x = ops.cast(x, "float32")
    numbers = _numbers(x, units)
    nearness = _gaussians(x, centers(numbers), ops.reshape(log_widths(numbers), (units,)))
    if examples is not None:
        import numpy as np

        found, widths = _found(np.asarray(examples, "float32"), units, neighbors, own_seed)
        centers.set_weights([found])
        log_widths.set_weights([np.log(width_scale * widths)[:, None]])
    return nearness


def _numbers(x: keras.KerasTensor, units: int) -> keras.KerasTensor:
    """0, 1, 2, ... as int32 of shape (units,), whatever the batch holds."""
    from keras import ops

    nothing = ops.sum(ops.zeros_like(x[:, :1], dtype="int32"))
    return ops.cumsum(ops.broadcast_to(nothing + 1, (units,))) - 1


def _gaussians(x: keras.KerasTensor, centers: keras.KerasTensor, log_widths: keras.KerasTensor) -> keras.KerasTensor:
    from keras import ops

    # Numbers that lie far from zero leave few digits for the distances: all are taken from the middle of the centers.
    middle = ops.stop_gradient(ops.mean(centers, axis=0, keepdims=True))
    x, centers = x - middle, centers - middle
    product = ops.matmul(x, ops.transpose(centers))
    squares = ops.sum(ops.square(x), axis=-1, keepdims=True) + ops.sum(ops.square(centers), axis=-1) - 2.0 * product
    # By rounding, the square of a distance of about zero may come out negative.
    return ops.exp(-0.5 * ops.maximum(squares, 0.0) * ops.exp(-2.0 * log_widths))


def _found(examples: np.ndarray, units: int, neighbors: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Centers of shape (units, features) and their widths of shape (units,)."""
    import numpy as np
    from sklearn.cluster import MiniBatchKMeans
    from threadpoolctl import threadpool_limits

    k_means = MiniBatchKMeans(units, compute_labels=False, random_state=seed)
    # Threads would add up in any order; and where the cores have other work, they wait for each other many times as long.
    with threadpool_limits(limits=1):
        centers = k_means.fit(examples).cluster_centers_
    widths = np.array([_width(center, centers, neighbors) for center in centers])
    alone = math.sqrt(examples.var(axis=0, dtype="float64").sum()) or 1.0  # of the examples around their mean
    return centers, np.where(np.isfinite(widths), widths, alone)


def _width(center: np.ndarray, centers: np.ndarray, neighbors: int) -> float:
    """The root mean square distance to the nearest centers that differ; infinite where none does."""
    import numpy as np
    from scipy.spatial.distance import cdist

    squares = cdist(center[None], centers, "sqeuclidean")[0]
    nearest = np.sort(squares[squares > 0])[:neighbors]
    return math.sqrt(nearest.mean()) if len(nearest) else math.inf
