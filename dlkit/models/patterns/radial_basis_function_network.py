"""The radial basis function network whose readout is solved for.

Broomhead and Lowe, 1988, "Multivariable functional interpolation and adaptive networks", Complex Systems 2; Moody and
Darken, 1989, "Fast learning in networks of locally-tuned processing units", Neural Computation 1.
"""

from __future__ import annotations

from typing import Annotated, Any

from dlkit.models.solved_readout import SolvedReadout
from dlkit.recipe.registry import Range, register


@register(
    kind="pattern",
    layers=[
        "Flatten",
        {
            "radial_basis": {
                "units": "$units",
                "neighbors": "$neighbors",
                "width_scale": "$width_scale",
                "seed": "$seed",
                "name": "basis",
            }
        },
        {"Dense": {"units": "$data.outputs", "kernel_initializer": "zeros", "name": "readout"}},
    ],
    loss="readout_error",
    replicas=False,
    gradients=False,
    unused=["training.jit_compile"],  # XLA has no place for BLAS
)
class RadialBasisFunctionNetwork(SolvedReadout):
    """Gaussians around centers found by k-means, and a linear readout solved by ridge regression in one pass.

    `rbf_network` is the same network, learned by gradient descent.

    Args:
        units: How many centers.
        neighbors: How many of the nearest other centers the width of a Gaussian is taken from.
        width_scale: What the widths are multiplied by.
        seed: Of k-means; where left out, it follows from the recipe's.
        ridge: What the sum of the squared weights of the readout is multiplied by; of several, the one with the least
            squared error on the validation split is taken.
    """

    def __init__(
        self,
        inputs: Any,
        outputs: Any,
        /,
        *,
        units: Annotated[int, Range(min=1, max=100_000)] = 100,
        neighbors: Annotated[int, Range(min=1)] = 2,
        width_scale: Annotated[float, Range(above=0)] = 1.0,
        seed: Annotated[int, Range(min=0, max=4_294_967_295)] | None = None,
        ridge: Annotated[float | list[float], Range(min=0)] = 1e-3,
        **kwargs: Any,
    ) -> None:
        super().__init__(inputs, outputs, ridge=ridge, **kwargs)
