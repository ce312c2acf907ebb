"""LeNet-5 (LeCun, Bottou, Bengio and Haffner, 1998, "Gradient-Based Learning Applied to Document Recognition", Proc. IEEE 86)."""

from __future__ import annotations

from typing import Any, Literal

from dlkit.recipe.registry import register


@register(kind="architecture")
def lenet5(activation: str = "tanh", padding: Literal["valid", "same"] = "valid") -> list[Any]:
    """LeNet-5 as it is taught: two convolutions with average pooling, then 120 and 84 units; the output is the recipe's own.

    With an output of ten units it has 61,706 parameters, on 32 x 32 gray pixels as on 28 x 28 with `padding: same`. The
    paper's own count is another (60,000): there each of the 16 maps sees only some of the 6, pooling has a weight and a
    bias a map, and the outputs are radial basis functions.

    Args:
        activation: Of every layer with weights.
        padding: Of the first convolution: `same` for pictures of 28 x 28, which the paper pads to 32 x 32.

    Returns:
        The layers, as a recipe writes them.
    """
    return [
        {"Conv2D": {"filters": 6, "kernel_size": 5, "padding": padding, "activation": activation, "name": "c1"}},
        {"AveragePooling2D": {"pool_size": 2, "name": "s2"}},
        {"Conv2D": {"filters": 16, "kernel_size": 5, "activation": activation, "name": "c3"}},
        {"AveragePooling2D": {"pool_size": 2, "name": "s4"}},
        "Flatten",
        {"Dense": {"units": 120, "activation": activation, "name": "c5"}},
        {"Dense": {"units": 84, "activation": activation, "name": "f6"}},
    ]
