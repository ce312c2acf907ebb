"""Attention and a feed-forward network, with residual connections (Vaswani et al., 2017, arXiv:1706.03762)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from dlkit.recipe.registry import Range, register

_EPSILON = 1e-5  # of layer normalization, as in PyTorch


@register(kind="architecture")
def transformer_block(
    width: Annotated[int, Range(min=1)],
    heads: Annotated[int, Range(min=1)],
    feed_forward: Annotated[int | None, Range(min=1)] = None,
    activation: str = "gelu",
    normalization: Literal["pre", "post"] = "pre",
    dropout: Annotated[float, Range(min=0, below=1)] = 0.0,
    causal: bool = False,
    use_bias: bool = True,
    kernel_initializer: Any = "glorot_uniform",
    last_initializer: Any = None,
) -> list[Any]:
    """Self-attention and two dense layers, each with a residual connection; input and output have the same shape.

    Padding that an `Embedding: {mask_zero: true}` masks is not attended to.

    Args:
        width: Channels of the input.
        heads: Heads of the attention, each of `width / heads` channels.
        feed_forward: Units of the hidden dense layer; four times the width where it is left out.
        activation: Of the hidden dense layer.
        normalization: Whether layer normalization stands before attention and dense layers, inside the residual connection
            (Xiong et al., 2020, arXiv:2002.04745), or behind the sum, as in the first paper.
        dropout: Share that a training step leaves out, of attention weights and of what is added.
        causal: Whether a step attends to itself and earlier steps only.
        use_bias: Whether dense layers, attention and normalization have biases.
        kernel_initializer: Of attention and of the hidden dense layer.
        last_initializer: Of the second dense layer; where left out, the same.

    Returns:
        The layers, as a recipe writes them.

    Raises:
        ValueError: The heads do not share the width evenly.
    """
    if width % heads:
        raise ValueError(f"`width` must be a multiple of `heads`. Received: width={width}, heads={heads}")
    dense = {"use_bias": use_bias, "kernel_initializer": kernel_initializer}
    attention = {"num_heads": heads, "key_dim": width // heads, "dropout": dropout, **dense}
    last = {**dense, "units": width, "kernel_initializer": last_initializer or kernel_initializer}
    hidden = {"units": feed_forward or 4 * width, "activation": activation, "name": "hidden", **dense}
    is_pre = normalization == "pre"
    attends_to = "attention_norm" if is_pre else "input"
    call = {"query": attends_to, "value": attends_to, **({"use_causal_mask": True} if causal else {})}
    return [
        *([_norm("attention_norm", use_bias)] if is_pre else []),
        {"MultiHeadAttention": {**attention, "name": "attention", "from": call}},
        *_added("attention", "input", "attended", dropout),
        _norm("feed_forward_norm" if is_pre else "attention_norm", use_bias),
        {"Dense": hidden},
        {"Dense": {**last, "name": "last"}},
        *_added("last", "attended" if is_pre else "attention_norm", "transformed", dropout),
        *([] if is_pre else [_norm("feed_forward_norm", use_bias)]),
    ]


def _added(last: str, source: str, name: str, dropout: float) -> list[Any]:
    """The residual connection: what the last layer gives, part of it left out, and an earlier output."""
    if not dropout:
        return [{"Add": {"name": name, "from": [source, last]}}]
    return [
        {"Dropout": {"rate": dropout, "name": f"{last}_dropout"}},
        {"Add": {"name": name, "from": [source, f"{last}_dropout"]}},
    ]


def _norm(name: str, use_bias: bool) -> dict[str, Any]:
    return {"LayerNormalization": {"epsilon": _EPSILON, "center": use_bias, "name": name}}
