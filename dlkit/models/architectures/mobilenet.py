"""MobileNet: depthwise separable convolutions (Howard et al., 2017, arXiv:1704.04861)."""

from __future__ import annotations

from typing import Annotated, Any

from dlkit.recipe.registry import Range, register


@register(kind="architecture")
def mobilenet(
    width: Annotated[float, Range(above=0)] = 0.5,
    repeats: Annotated[int, Range(min=0)] = 5,
    halvings: Annotated[int, Range(min=0, max=5)] = 3,
    momentum: Annotated[float, Range(min=0, below=1)] = 0.9,
) -> list[Any]:
    """Depthwise convolutions of 3 x 3 and convolutions of 1 x 1 in turn, averaged at the end.

    With `width: 1`, `repeats: 5` and `halvings: 5` it is the paper's network for pictures of 224 x 224.

    Args:
        width: Width multiplier: filters as a share of the paper's 32 to 1,024.
        repeats: Blocks of 512 filters between the last two halvings; the paper has 5.
        halvings: How often height and width are halved: the paper's 5, or the last ones of them for smaller pictures.
        momentum: Of the moving averages of the batch normalizations.

    Returns:
        The layers, as a recipe writes them.
    """
    plan = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * repeats, (1024, 2), (1024, 1)]
    passed = 5 - halvings  # the halvings that are left out come first
    strides = 1 if passed else 2
    conv = {"filters": _scaled(32, width), "kernel_size": 3, "strides": strides, "padding": "same", "use_bias": False}
    layers = [{"Conv2D": {**conv, "name": "stem"}}, *_activated("stem", momentum)]
    seen = 1
    for number, (filters, halved) in enumerate(plan, start=1):
        seen += halved - 1
        strides = halved if seen > passed else 1
        layers += _block(f"block{number}", _scaled(filters, width), strides, momentum)
    return [*layers, "GlobalAveragePooling2D"]


def _scaled(filters: int, width: float) -> int:
    return max(1, int(filters * width))


def _block(name: str, filters: int, strides: int, momentum: float) -> list[Any]:
    depthwise = {"kernel_size": 3, "strides": strides, "padding": "same", "use_bias": False}
    pointwise = {"filters": filters, "kernel_size": 1, "use_bias": False}
    return [
        {"DepthwiseConv2D": {**depthwise, "name": f"{name}_depthwise"}},
        *_activated(f"{name}_depthwise", momentum),
        {"Conv2D": {**pointwise, "name": f"{name}_pointwise"}},
        *_activated(f"{name}_pointwise", momentum),
    ]


def _activated(name: str, momentum: float) -> list[Any]:
    return [
        {"BatchNormalization": {"momentum": momentum, "name": f"{name}_norm"}},
        {"Activation": {"activation": "relu6", "name": f"{name}_relu6"}},
    ]
