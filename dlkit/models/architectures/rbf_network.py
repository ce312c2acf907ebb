"""The radial basis function network (Broomhead and Lowe, 1988, Complex Systems 2; Moody and Darken, 1989, Neural Computation 1)."""

from __future__ import annotations

from typing import Annotated, Any

from dlkit.recipe.registry import Range, register


@register(kind="architecture")
def rbf_network(
    outputs: Annotated[int, Range(min=1)],
    units: Annotated[int, Range(min=1)] = 100,
    neighbors: Annotated[int, Range(min=1)] = 2,
    width_scale: Annotated[float, Range(above=0)] = 1.0,
    trainable: bool = False,
    seed: Annotated[int, Range(min=0, max=4_294_967_295)] | None = None,
) -> list[Any]:
    """Gaussians around centers found by k-means over the flattened input, and a linear readout, which is the output.

    Args:
        outputs: Units of the readout: as many as there are classes, or numbers to predict.
        units: How many centers.
        neighbors: How many of the nearest other centers the width of a Gaussian is taken from.
        width_scale: What the widths are multiplied by.
        trainable: Whether centers and widths are trained with the readout, or left as they were found.
        seed: Of k-means; where left out, it follows from the recipe's.

    Returns:
        The layers, as a recipe writes them.
    """
    basis = {
        "units": units,
        "neighbors": neighbors,
        "width_scale": width_scale,
        "trainable": trainable,
        "seed": seed,
    }
    return ["Flatten", {"radial_basis": {**basis, "name": "basis"}}, {"Dense": {"units": outputs, "name": "readout"}}]
