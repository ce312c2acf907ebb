"""VGG networks (Simonyan and Zisserman, 2014, arXiv:1409.1556), with batch normalization as later networks have it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from dlkit.recipe.registry import Range, register


@register(kind="architecture")
def vgg(
    filters: Annotated[Sequence[int], Range(min=1)] = (64, 128, 256),
    convolutions: Annotated[Sequence[int], Range(min=1)] = (2, 2, 2),
    units: Annotated[Sequence[int], Range(min=1)] = (256,),
    normalization: bool = True,
    dropout: Annotated[float, Range(min=0, below=1)] = 0.5,
) -> list[Any]:
    """Stages of 3 x 3 convolutions, each ended by max pooling, then dense layers; the output layer is the recipe's own.

    `filters: [64, 128, 256, 512, 512]` with `convolutions: [2, 2, 3, 3, 3]` and without normalization is VGG-16.

    Args:
        filters: Filters of the convolutions of each stage.
        convolutions: How many convolutions each stage has.
        units: Units of each dense layer.
        normalization: Whether a batch normalization stands before each activation of a convolution.
        dropout: Share of each dense layer's units that a training step leaves out.

    Returns:
        The layers, as a recipe writes them.

    Raises:
        ValueError: `filters` and `convolutions` are not of one length.
    """
    if len(filters) != len(convolutions):
        raise ValueError(
            "`filters` and `convolutions` have one number for each stage. "
            f"Received: filters={filters}, convolutions={convolutions}"
        )
    layers: list[Any] = []
    for stage, (size, count) in enumerate(zip(filters, convolutions, strict=True), start=1):
        for number in range(1, count + 1):
            layers += _conv(f"stage{stage}_conv{number}", size, normalization)
        layers.append({"MaxPooling2D": {"name": f"stage{stage}_pool"}})
    layers.append("Flatten")
    for number, size in enumerate(units, start=1):
        layers.append({"Dense": {"units": size, "activation": "relu", "name": f"dense{number}"}})
        if dropout:
            layers.append({"Dropout": {"rate": dropout, "name": f"dropout{number}"}})
    return layers


def _conv(name: str, filters: int, normalization: bool) -> list[Any]:
    conv = {"filters": filters, "kernel_size": 3, "padding": "same", "kernel_initializer": "he_normal", "name": name}
    if not normalization:
        return [{"Conv2D": {**conv, "activation": "relu"}}]
    return [
        {"Conv2D": {**conv, "use_bias": False}},
        {"BatchNormalization": {"momentum": 0.9, "name": f"{name}_norm"}},
        {"ReLU": {"name": f"{name}_relu"}},
    ]
