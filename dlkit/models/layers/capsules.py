"""A layer of capsules with dynamic routing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from dlkit.models.layers._capsules import squashed
from dlkit.recipe.registry import Range, register

if TYPE_CHECKING:
    import keras


@register(kind="layer")
def capsules(
    x: keras.KerasTensor,
    /,
    *,
    units: Annotated[int, Range(min=1)],
    size: Annotated[int, Range(min=1)] = 16,
    routings: Annotated[int, Range(min=1, max=10)] = 3,
    initializer: keras.Initializer | str | None = None,
) -> keras.KerasTensor:
    """Capsules that every capsule below predicts, and that take those predictions which agree with the others.

    Sabour, Frosst and Hinton, 2017, "Dynamic Routing Between Capsules", arXiv:1710.09829, procedure 1. The routing is
    computed in 32 bits; gradients go through all of it.

    Args:
        x: The capsules below, of shape (batch, capsules, size of a capsule).
        units: How many capsules.
        size: The length of each capsule's vector.
        routings: Iterations of the routing; with 1, all capsules below count alike.
        initializer: Of the matrices that predict; where left out, a truncated normal of deviation 0.1.

    Returns:
        Vectors of a length below 1, of shape (batch, units, size).

    Raises:
        ValueError: The number of capsules below is not known.
    """
    import keras
    from keras import ops

    _, below, _ = x.shape
    if below is None:
        raise ValueError(f"the number of capsules below must be known. Received: shape={x.shape}")
    # A matrix for each pair of capsules: (batch, below, size below) becomes (batch, units, below, size).
    matrices = keras.layers.EinsumDense(
        "bip,ijpd->bjid",
        (units, below, size),
        kernel_initializer=initializer or keras.initializers.TruncatedNormal(stddev=0.1),
        name="predictions",
    )
    predictions = ops.cast(matrices(x), "float32")
    agreement = ops.zeros_like(predictions[..., 0])  # (batch, units, below)
    for _ in range(routings - 1):
        vectors = _coupled(predictions, agreement)
        agreement = agreement + ops.squeeze(ops.matmul(predictions, ops.expand_dims(vectors, -1)), -1)
    return ops.cast(_coupled(predictions, agreement), matrices.compute_dtype)


def _coupled(predictions: keras.KerasTensor, agreement: keras.KerasTensor) -> keras.KerasTensor:
    """The capsules, when those below share themselves out among them by how far they agreed before."""
    from keras import ops

    coupling = ops.softmax(agreement, axis=1)
    return squashed(ops.squeeze(ops.matmul(ops.expand_dims(coupling, 2), predictions), 2))
