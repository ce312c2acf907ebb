"""A decoder-only Transformer (Radford et al., 2019, "Language models are unsupervised multitask learners", GPT-2).

The layout is that of nanoGPT (github.com/karpathy/nanoGPT, model.py), but for the attention's output, which begins with the
deviation of the other weights there divided by the square root of twice the depth.
"""

from __future__ import annotations

import math
from typing import Annotated, Any

from dlkit.recipe.registry import Range, register

_DEVIATION = 0.02


@register(kind="architecture")
def gpt(
    vocabulary_size: Annotated[int, Range(min=1)],
    depth: Annotated[int, Range(min=1)],
    width: Annotated[int, Range(min=1)],
    heads: Annotated[int, Range(min=1)],
    dropout: Annotated[float, Range(min=0, below=1)] = 0.0,
    use_bias: bool = False,
    tie_weights: bool = True,
) -> list[Any]:
    """Causal self-attention over tokens, which gives the logits of the next token at every place.

    The input is of integers of shape (batch, steps), the output of shape (batch, steps, vocabulary size). Positions are
    learned, normalization stands before attention and dense layers, the activation is GELU.

    Args:
        vocabulary_size: Number of different tokens.
        depth: Number of blocks.
        width: Channels of the embedding and of each block.
        heads: Heads of each attention.
        dropout: Share that a training step leaves out, of the embedded tokens and in each block.
        use_bias: Whether dense layers, attention and normalization have biases.
        tie_weights: Whether the output multiplies by the embedding of the tokens (Press and Wolf, 2016,
            arXiv:1608.05859), or by weights of its own.

    Returns:
        The layers, as a recipe writes them.
    """
    embedding = {"input_dim": vocabulary_size, "output_dim": width, "tie_weights": tie_weights, "name": "tokens"}
    block = {"width": width, "heads": heads, "causal": True, "use_bias": use_bias, "dropout": dropout}
    last = _normal(_DEVIATION / math.sqrt(2 * depth))
    return [
        {"ReversibleEmbedding": {**embedding, "embeddings_initializer": _normal(_DEVIATION)}},
        {"position_embedding": {"initializer": _normal(_DEVIATION), "name": "positions"}},
        *([{"Dropout": {"rate": dropout}}] if dropout else []),
        {
            "transformer_block": {
                **block,
                "kernel_initializer": _normal(_DEVIATION),
                "last_initializer": last,
                "name": "block",
                "repeat": depth,
            }
        },
        {"LayerNormalization": {"epsilon": 1e-5, "center": use_bias, "name": "norm"}},
        {"reuse": {"layer": "tokens", "name": "next", "from": {"inputs": "norm", "reverse": True}}},
        {"Activation": {"activation": "linear", "name": "logits"}},
    ]


def _normal(deviation: float) -> dict[str, Any]:
    return {"RandomNormal": {"stddev": deviation}}
