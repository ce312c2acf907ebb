"""CRNN, which reads a line of text in a picture.

Shi, Bai and Yao, 2015, "An End-to-End Trainable Neural Network for Image-based Sequence Recognition and Its Application to
Scene Text Recognition", arXiv:1507.05717.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from dlkit.recipe.registry import Range, register


@register(kind="architecture")
def crnn(
    filters: Annotated[Sequence[int], Range(min=1)] = (64, 128, 256, 512),
    convolutions: Annotated[Sequence[int], Range(min=1)] = (1, 1, 2, 2),
    width_halvings: Annotated[int, Range(min=0)] = 2,
    units: Annotated[Sequence[int], Range(min=1)] = (256, 256),
    cell: Literal["simple", "lstm", "gru"] = "lstm",
    normalization: bool = True,
    dropout: Annotated[float, Range(min=0, below=1)] = 0.0,
) -> list[Any]:
    """Convolutions, whose columns are steps of bidirectional recurrent layers; for `loss: CTC` behind a dense layer of logits.

    The output is of shape (batch, steps, twice the last units): a step for every column that the poolings leave, the
    width halved `width_halvings` times. The defaults are the paper's, but for two things: every convolution is normalized,
    and the last one, of 2 x 2, which makes a column of two rows one vector, is left out, since whole columns are taken.

    Args:
        filters: Filters of the convolutions of each stage; every stage ends in a max pooling that halves the height.
        convolutions: How many 3 x 3 convolutions each stage has.
        width_halvings: Stages, from the first one, whose pooling halves the width too.
        units: Units of each recurrent layer, in each direction.
        cell: What a step of them does.
        normalization: Whether a batch normalization stands before each activation of a convolution.
        dropout: Share of the columns' features, and of the output of each recurrent layer, that a training step leaves out.

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
        pool_size = [2, 2 if stage <= width_halvings else 1]
        layers.append({"MaxPooling2D": {"pool_size": pool_size, "name": f"stage{stage}_pool"}})
    layers.append({"columns_as_steps": {"name": "columns"}})
    if dropout:
        layers.append({"Dropout": {"rate": dropout, "name": "columns_dropout"}})
    recurrent = {"units": list(units), "cell": cell, "bidirectional": True, "dropout": dropout}
    return [*layers, {"rnn": {**recurrent, "return_sequences": True, "name": "recurrent"}}]


def _conv(name: str, filters: int, normalization: bool) -> list[Any]:
    conv = {"filters": filters, "kernel_size": 3, "padding": "same", "name": name}
    if not normalization:
        return [{"Conv2D": {**conv, "activation": "relu"}}]
    return [
        {"Conv2D": {**conv, "use_bias": False}},
        {"BatchNormalization": {"momentum": 0.9, "name": f"{name}_norm"}},
        {"ReLU": {"name": f"{name}_relu"}},
    ]
