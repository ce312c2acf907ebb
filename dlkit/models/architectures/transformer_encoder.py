"""The encoder of the Transformer (Vaswani et al., 2017, "Attention is all you need", arXiv:1706.03762)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from dlkit.recipe.registry import Range, register

_POOLING = {"mean": "GlobalAveragePooling1D", "first": "first_step"}


@register(kind="architecture")
def transformer_encoder(
    depth: Annotated[int, Range(min=1)],
    width: Annotated[int, Range(min=1)],
    heads: Annotated[int, Range(min=1)],
    feed_forward: Annotated[int | None, Range(min=1)] = None,
    pooling: Literal["mean", "first"] | None = "mean",
    activation: str = "relu",
    normalization: Literal["pre", "post"] = "pre",
    dropout: Annotated[float, Range(min=0, below=1)] = 0.1,
) -> list[Any]:
    """Blocks of self-attention over embedded tokens; embedding, positions and output layer are the recipe's own.

    The input is of shape (batch, steps, width), as `token_and_position_embedding` gives it, or `positional_encoding` behind
    other layers. Padding that `mask_zero: true` masks is neither attended to nor pooled.

    Args:
        depth: Number of blocks.
        width: Channels of the input, and of each block.
        heads: Heads of each attention.
        feed_forward: Units of the hidden dense layer of each block; four times the width where it is left out.
        pooling: Whether the output is the mean of all steps or the first one, of shape (batch, width); null: every step.
        activation: Of the hidden dense layers.
        normalization: Where layer normalization stands; see `transformer_block`.
        dropout: Share that a training step leaves out, of the input and in each block.

    Returns:
        The layers, as a recipe writes them.
    """
    block = {
        **{"width": width, "heads": heads, "feed_forward": feed_forward, "activation": activation},
        **{"normalization": normalization, "dropout": dropout, "name": "block", "repeat": depth},
    }
    layers: list[Any] = []
    if dropout:
        layers.append({"Dropout": {"rate": dropout}})
    layers.append({"transformer_block": block})
    if normalization == "pre":  # what the last block gives is normalized nowhere else
        layers.append({"LayerNormalization": {"epsilon": 1e-5, "name": "norm"}})
    if pooling:
        layers.append({_POOLING[pooling]: {"name": "pooled"}})
    return layers
