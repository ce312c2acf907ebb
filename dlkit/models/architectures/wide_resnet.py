"""Wide residual networks (Zagoruyko and Komodakis, 2016, arXiv:1605.07146)."""

from __future__ import annotations

from typing import Annotated, Any

from dlkit.recipe.registry import Range, register


@register(kind="architecture")
def wide_resnet(
    depth: Annotated[int, Range(min=10)] = 16,
    width: Annotated[int, Range(min=1)] = 4,
    dropout: Annotated[float, Range(min=0, below=1)] = 0.0,
    momentum: Annotated[float, Range(min=0, below=1)] = 0.9,
) -> list[Any]:
    """WRN-depth-width for pictures of about 32 x 32: few blocks of many filters, normalized before each convolution.

    WRN-28-10 has 36.5 M parameters with ten classes, WRN-16-8 11.0 M, WRN-16-4 2.7 M.

    Args:
        depth: Convolutions, those of the shortcuts included: 6n + 4, as 10, 16, 22, 28, 40.
        width: Filters of the three stages, as multiples of 16, 32 and 64.
        dropout: Share of the values between the two convolutions of a block that a training step leaves out.
        momentum: Of the moving averages of the batch normalizations.

    Returns:
        The layers, as a recipe writes them.

    Raises:
        ValueError: The depth is not 6n + 4.
    """
    blocks, rest = divmod(depth - 4, 6)
    if rest:
        raise ValueError(f"`depth` is 6n + 4, as 10, 16, 22, 28 or 40. Received: depth={depth}")
    layers: list[Any] = [_conv("stem", 16)]
    before = "stem"
    for stage in range(3):
        for number in range(blocks):
            name = f"stage{stage + 1}_block{number + 1}"
            filters, strides = 16 * width << stage, 2 if stage and not number else 1
            grows = number == 0 and (strides == 2 or filters != 16)
            layers += _block(name, before, filters, strides, grows, dropout, momentum)
            before = f"{name}_out"
    return [*layers, *_activated("last", momentum), "GlobalAveragePooling2D"]


def _block(
    name: str, before: str, filters: int, strides: int, grows: bool, dropout: float, momentum: float
) -> list[Any]:
    """Two convolutions, each behind its normalization; where the size changes, the shortcut is a convolution too."""
    layers = [
        *_activated(f"{name}_1", momentum),
        _conv(f"{name}_conv1", filters, strides=strides),
        *_activated(f"{name}_2", momentum),
    ]
    if dropout:
        layers.append({"Dropout": {"rate": dropout, "name": f"{name}_dropout"}})
    layers.append(_conv(f"{name}_conv2", filters))
    skip = before
    if grows:
        skip = f"{name}_skip"
        layers.append(_conv(skip, filters, strides=strides, kernel_size=1, source=f"{name}_1_relu"))
    return [*layers, {"Add": {"from": [f"{name}_conv2", skip], "name": f"{name}_out"}}]


def _activated(name: str, momentum: float) -> list[Any]:
    return [
        {"BatchNormalization": {"momentum": momentum, "name": f"{name}_norm"}},
        {"ReLU": {"name": f"{name}_relu"}},
    ]


def _conv(
    name: str, filters: int, *, strides: int = 1, kernel_size: int = 3, source: str | None = None
) -> dict[str, Any]:
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
    return {"Conv2D": conv}
