"""The Vision Transformer (Dosovitskiy et al., 2020, "An Image is Worth 16x16 Words", arXiv:2010.11929).

The sizes called Ti and S come from DeiT (Touvron et al., 2020, arXiv:2012.12877, table 1).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from dlkit.recipe.registry import Range, register

_INITIALIZER = {"TruncatedNormal": {"stddev": 0.02}}


@register(kind="architecture")
def vit(
    patch_size: Annotated[int, Range(min=1)] = 4,
    depth: Annotated[int, Range(min=1)] = 6,
    width: Annotated[int, Range(min=1)] = 128,
    heads: Annotated[int, Range(min=1)] = 4,
    feed_forward: Annotated[int | None, Range(min=1)] = None,
    pooling: Literal["mean", "class_token"] = "mean",
    dropout: Annotated[float, Range(min=0, below=1)] = 0.0,
) -> list[Any]:
    """A Transformer encoder over the patches of a picture, with learned positions; the output layer is the recipe's own.

    `patch_size: 16`, `depth: 12`, `width: 192`, `heads: 3` and `pooling: class_token` are ViT-Ti/16, which has 5.7 M
    parameters on 224 x 224 pixels with 1,000 classes; of width 384 with 6 heads ViT-S/16, with 22.1 M.

    Args:
        patch_size: Pixels on each side of a patch; what is left over at the right and below is not seen.
        depth: Blocks of attention and two dense layers.
        width: Channels of each patch.
        heads: Heads of each attention.
        feed_forward: Units of the hidden dense layer of each block; four times the width where it is left out.
        pooling: What stands for the picture: the mean of all patches, or a learned token before the first one.
        dropout: Share that a training step leaves out: behind the positions and in each block.

    Returns:
        The layers, as a recipe writes them.
    """
    patches = {"filters": width, "kernel_size": patch_size, "strides": patch_size, "kernel_initializer": _INITIALIZER}
    layers: list[Any] = [
        {"Conv2D": {**patches, "name": "patches"}},
        {"Reshape": {"target_shape": [-1, width], "name": "sequence"}},
    ]
    if pooling == "class_token":
        layers.append({"class_token": {"initializer": _INITIALIZER, "name": "with_token"}})
    layers.append({"position_embedding": {"initializer": _INITIALIZER, "name": "embedded"}})
    if dropout:
        layers.append({"Dropout": {"rate": dropout, "name": "dropout"}})
    block = {"width": width, "heads": heads, "feed_forward": feed_forward, "dropout": dropout, "name": "block"}
    return [
        *layers,
        {"transformer_block": {**block, "kernel_initializer": _INITIALIZER, "repeat": depth}},
        {"LayerNormalization": {"epsilon": 1e-6, "name": "norm"}},
        {"first_step" if pooling == "class_token" else "GlobalAveragePooling1D": {"name": "pooled"}},
    ]
