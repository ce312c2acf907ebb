"""Show and tell: a picture is read by convolutions and told by recurrent layers that look at it word by word.

Vinyals, Toshev, Bengio and Erhan (2015), "Show and tell: a neural image caption generator", arXiv:1411.4555; with attention
as in Xu et al. (2015), "Show, attend and tell", arXiv:1502.03044, by two recurrent layers as in Anderson et al. (2018),
"Bottom-up and top-down attention", arXiv:1707.07998, section 3.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from dlkit.recipe.registry import Range, register

_MOMENTUM = 0.9  # of batch normalization


@register(kind="architecture", inputs=["image", "words"])
def show_and_tell(
    vocabulary_size: Annotated[int, Range(min=1)],
    filters: Annotated[Sequence[int], Range(min=1)] = (32, 48, 64, 96),
    units: Annotated[int, Range(min=1)] = 128,
    width: Annotated[int, Range(min=1)] = 64,
    heads: Annotated[int, Range(min=1)] = 4,
    dropout: Annotated[float, Range(min=0, below=1)] = 0.3,
) -> list[Any]:
    """Takes a picture and the words so far, and gives the logits of the next word at every place; needs no output layer.

    `from: [image, words]` names the picture, of shape (batch, height, width, channels), and the words as integers of shape
    (batch, steps). The picture becomes places of an eighth of its height and width, each with a learned position. One LSTM
    reads the words and looks for the place that they speak of, the second goes on from there and looks for what the next
    word tells. Attention is that of Vaswani et al. (2017), arXiv:1706.03762: scaled products, where Xu et al. have a small
    network. What does not depend on the words stands before the first attention, so that it is computed once a picture.

    Args:
        vocabulary_size: Number of different words.
        filters: Of the convolutions, each but the last but one behind a halving of the picture; the last are the channels
            of a place.
        units: Of each LSTM.
        width: Channels of a word's embedding.
        heads: Of each attention, which share the units evenly.
        dropout: Share of what the last layer is given that a training step leaves out.

    Returns:
        The layers, as a recipe writes them.

    Raises:
        ValueError: The heads do not share the units evenly.
    """
    if units % heads:
        raise ValueError(f"`units` must be a multiple of `heads`. Received: units={units}, heads={heads}")
    attention = {"num_heads": heads, "key_dim": units // heads}
    recurrent = {"units": units, "return_sequences": True}
    return [
        *_places(filters),
        {"Embedding": {"input_dim": vocabulary_size, "output_dim": width, "name": "embedding", "from": "words"}},
        {"LSTM": {**recurrent, "name": "reading"}},
        {"MultiHeadAttention": {**attention, "name": "spoken_of", "from": {"query": "reading", "value": "places"}}},
        {"Concatenate": {"name": "here", "from": ["reading", "spoken_of"]}},
        {"LSTM": {**recurrent, "name": "telling"}},
        {"MultiHeadAttention": {**attention, "name": "looked_at", "from": {"query": "telling", "value": "places"}}},
        {"Concatenate": {"name": "told", "from": ["telling", "looked_at"]}},
        *([{"Dropout": {"rate": dropout, "name": "dropout"}}] if dropout else []),
        {"Dense": {"units": vocabulary_size, "name": "next_word"}},
    ]


def _places(filters: Sequence[int]) -> list[Any]:
    """The convolutions, and what they make of the picture as a sequence of places."""
    layers: list[Any] = []
    for number, channels in enumerate(filters, start=1):
        is_first = number == 1
        arguments = {"filters": channels, "kernel_size": 5 if is_first else 3, "strides": 2 if is_first else 1}
        source = {"from": "image"} if is_first else {}
        layers += [
            {"Conv2D": {**arguments, "padding": "same", "use_bias": False, "name": f"conv_{number}", **source}},
            {"BatchNormalization": {"momentum": _MOMENTUM, "name": f"norm_{number}"}},
            {"ReLU": {"name": f"relu_{number}"}},
        ]
        if number in (1, len(filters) - 1):
            layers.append({"MaxPooling2D": {"name": f"pool_{number}"}})
    return [
        *layers,
        {"Reshape": {"target_shape": [-1, filters[-1]], "name": "sequence"}},
        {"position_embedding": {"name": "positions"}},
        {"LayerNormalization": {"name": "places"}},
    ]
