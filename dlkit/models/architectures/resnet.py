"""Residual networks for small pictures (He, Zhang, Ren and Sun, 2015, arXiv:1512.03385, section 4.2).

The variant with projections follows the table of the ImageNet networks there: a convolution of 1 x 1 where the size changes.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from dlkit.recipe.registry import Range, register


@register(kind="architecture")
def resnet(
    depth: Annotated[int, Range(min=8)] = 20,
    filters: Annotated[int, Range(min=1)] = 16,
    shortcut: Literal["A", "B"] = "A",
    momentum: Annotated[float, Range(min=0, below=1)] = 0.9,
) -> list[Any]:
    """A residual network for pictures of about 32 x 32: three stages of blocks of two convolutions, averaged at the end.

    Depth 20 has 0.27 M parameters with ten classes, 32 has 0.46 M, 44 has 0.66 M, 56 has 0.85 M, 110 has 1.7 M.

    Args:
        depth: Layers with weights, the recipe's output layer included: 6n + 2, as 20, 32, 44, 56, 110.
        filters: Filters of the first stage; each further one has twice as many, on half the height and width.
        shortcut: What a block adds where the size changes: `A`, every second pixel and zeros for the new channels, without
            parameters; `B`, a convolution of 1 x 1.
        momentum: Of the moving averages of the batch normalizations.

    Returns:
        The layers, as a recipe writes them.

    Raises:
        ValueError: The depth is not 6n + 2.
    """
    blocks, rest = divmod(depth - 2, 6)
    if rest:
        raise ValueError(f"`depth` is 6n + 2, as 20, 32, 44, 56 or 110. Received: depth={depth}")
    layers = [*_normalized_conv("stem", filters, momentum), {"ReLU": {"name": "stem_relu"}}]
    before = "stem_relu"
    for stage in range(3):
        for number in range(blocks):
            name = f"stage{stage + 1}_block{number + 1}"
            halves = stage > 0 and number == 0
            layers += _block(name, before, filters << stage, halves, shortcut, momentum)
            before = f"{name}_out"
    return [*layers, "GlobalAveragePooling2D"]


def _block(name: str, before: str, filters: int, halves: bool, shortcut: str, momentum: float) -> list[Any]:
    """Two convolutions, to which the block's input is added."""
    strides = 2 if halves else 1
    layers = [
        *_normalized_conv(f"{name}_conv1", filters, momentum, strides=strides),
        {"ReLU": {"name": f"{name}_relu"}},
        *_normalized_conv(f"{name}_conv2", filters, momentum),
    ]
    skip = before
    if halves:
        skip = f"{name}_skip"
        if shortcut == "A":
            layers += _subsampled(skip, before, filters)
        else:
            layers += _normalized_conv(skip, filters, momentum, strides=2, kernel_size=1, source=before)
            skip = f"{skip}_norm"
    return [
        *layers,
        {"Add": {"from": [f"{name}_conv2_norm", skip], "name": f"{name}_add"}},
        {"ReLU": {"name": f"{name}_out"}},
    ]


def _subsampled(name: str, before: str, filters: int) -> list[Any]:
    """Every second pixel of every second row, half of the channels new ones that hold zeros."""
    more = filters // 4, filters // 2 - filters // 4
    # ZeroPadding2D pads the last two of (batch, channels, height, width): here these are the width and the channels.
    padding = {"padding": [[0, 0], [*more]], "data_format": "channels_first"}
    return [
        {"AveragePooling2D": {"pool_size": 1, "strides": 2, "from": before, "name": f"{name}_pixels"}},
        {"ZeroPadding2D": {**padding, "name": name}},
    ]


def _normalized_conv(
    name: str, filters: int, momentum: float, *, strides: int = 1, kernel_size: int = 3, source: str | None = None
) -> list[Any]:
    """A convolution by He's initialization, then batch normalization."""
    conv: dict[str, Any] = {
        "filters": filters,
        "kernel_size": kernel_size,
        "strides": strides,
        "padding": "same",
        "use_bias": False,
        "kernel_initializer": "he_normal",
        "name": name,
    }
    if source:
        conv["from"] = source
    return [{"Conv2D": conv}, {"BatchNormalization": {"momentum": momentum, "name": f"{name}_norm"}}]
