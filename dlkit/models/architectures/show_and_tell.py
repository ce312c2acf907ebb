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
    filters: Annotated[Sequence[int], Range(min=1)] = (32, 64, 96),
    color_filters: Annotated[int, Range(min=0)] = 0,
    units: Annotated[int, Range(min=1)] = 128,
    width: Annotated[int, Range(min=1)] = 64,
    heads: Annotated[int, Range(min=1)] = 4,
    dropout: Annotated[float, Range(min=0, below=1)] = 0.3,
) -> list[Any]:
    """Takes a picture and the words so far, and gives the logits of the next word at every place; needs no output layer.

    `from: [image, words]` names the picture, of shape (batch, height, width, channels), and the words as integers of shape
    (batch, steps). The picture becomes places, an eighth as many in height and width, each with a learned position. One LSTM
    reads the words and looks for the place that they speak of, the second goes on from there and looks for what the next
    word tells. Attention is that of Vaswani et al. (2017), arXiv:1706.03762: scaled products, where Xu et al. have a small
    network. What does not depend on the words stands before the first attention, so that it is computed once a picture.

    Args:
        vocabulary_size: Number of different words.
        filters: Of the convolutions; each halves height and width, or the pooling before it does.
        color_filters: Filters of a second path, which sees the colors at a place and no shapes; the convolutions then see
            the strongest channel of each pixel only, so that a shape looks alike in colors that it never had in training
            (of things that are dark on a light ground give the negative). 0: there is one path, which sees both.
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
        *_shapes(filters, color_filters > 0),
        *(_colors(color_filters, 2 ** len(filters)) if color_filters else []),
        {"Reshape": {"target_shape": [-1, filters[-1] + color_filters], "name": "sequence"}},
        {"position_embedding": {"name": "positions"}},
        {"LayerNormalization": {"name": "places"}},
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


def _shapes(filters: Sequence[int], strongest_channel: bool) -> list[Any]:
    """The convolutions over the picture, or over the strongest channel of its pixels."""
    layers: list[Any] = []
    if strongest_channel:
        layers = [{"strongest_channel": {"name": "strongest", "from": "image"}}]
    for number, channels in enumerate(filters, start=1):
        arguments = {"filters": channels, "padding": "same", "use_bias": False, "name": f"conv_{number}"}
        if number == 1:
            arguments |= {"kernel_size": 5, "strides": 2, "from": "strongest" if strongest_channel else "image"}
        else:
            layers.append({"MaxPooling2D": {"padding": "same", "name": f"pool_{number}"}})
            arguments["kernel_size"] = 3
        layers += [
            {"Conv2D": arguments},
            {"BatchNormalization": {"momentum": _MOMENTUM, "name": f"norm_{number}"}},
            {"ReLU": {"name": "shapes" if number == len(filters) else f"relu_{number}"}},
        ]
    return layers


def _colors(filters: int, pool_size: int) -> list[Any]:
    """The colors of the places, beside the shapes."""
    return [
        {"Conv2D": {"filters": filters, "kernel_size": 1, "activation": "relu", "name": "colors", "from": "image"}},
        {"AveragePooling2D": {"pool_size": pool_size, "padding": "same", "name": "mean_colors"}},
        {"Concatenate": {"name": "seen", "from": ["shapes", "mean_colors"]}},
    ]
