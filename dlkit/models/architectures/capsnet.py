"""The capsule network (Sabour, Frosst and Hinton, 2017, "Dynamic Routing Between Capsules", arXiv:1710.09829)."""

from __future__ import annotations

from typing import Annotated, Any

from dlkit.recipe.registry import Range, register


@register(kind="architecture")
def capsnet(
    classes: Annotated[int, Range(min=1)],
    filters: Annotated[int, Range(min=1)] = 256,
    primary_channels: Annotated[int, Range(min=1)] = 32,
    primary_size: Annotated[int, Range(min=1)] = 8,
    size: Annotated[int, Range(min=1)] = 16,
    kernel_size: Annotated[int, Range(min=1)] = 9,
    routings: Annotated[int, Range(min=1, max=10)] = 3,
) -> list[Any]:
    """A convolution, primary capsules, and a capsule for each class; the result is the length of each of these.

    With the paper's sizes, which are the defaults, it has 6.8 M parameters on 28 x 28 pixels with ten classes: the paper's
    8.2 M less the 1.4 M of the network that draws pictures from capsules, which is not here. The result is an output
    already, for `loss: margin_loss`: the recipe adds no layer.

    Args:
        classes: Capsules of the last layer.
        filters: Filters of the first convolution.
        primary_channels: Capsules at each place of the primary layer.
        primary_size: The length of their vectors.
        size: The length of the vectors of the last layer.
        kernel_size: Of both convolutions.
        routings: Iterations of the routing.

    Returns:
        The layers, as a recipe writes them.
    """
    primary = {"filters": primary_channels * primary_size, "kernel_size": kernel_size, "strides": 2}
    return [
        {"Conv2D": {"filters": filters, "kernel_size": kernel_size, "activation": "relu", "name": "conv"}},
        {"Conv2D": {**primary, "name": "primary_conv"}},
        {"Reshape": {"target_shape": [-1, primary_size], "name": "primary_vectors"}},
        {"squash": {"name": "primary"}},
        {"capsules": {"units": classes, "size": size, "routings": routings, "name": "class_capsules"}},
        {"vector_length": {"name": "lengths"}},
    ]
