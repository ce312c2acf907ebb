"""Convolutions over words (Kim, 2014, "Convolutional neural networks for sentence classification", arXiv:1408.5882)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from dlkit.recipe.registry import Range, register


@register(kind="architecture")
def text_cnn(
    filters: Annotated[int, Range(min=1)] = 100,
    kernel_sizes: Annotated[Sequence[int], Range(min=1)] = (3, 4, 5),
    activation: str = "relu",
    dropout: Annotated[float, Range(min=0, below=1)] = 0.5,
) -> list[Any]:
    """Parallel convolutions over embedded words, the maximum of each filter over time, dropout; no output layer.

    The input is of shape (batch, words, channels), as an `Embedding` without mask gives it, and no shorter than the widest
    kernel. The output is of shape (batch, filters times the number of kernel sizes).

    Args:
        filters: Filters of each width.
        kernel_sizes: Their widths, in words.
        activation: Of the convolutions.
        dropout: Share of the features that a training step leaves out.

    Returns:
        The layers, as a recipe writes them.
    """
    if len(set(kernel_sizes)) != len(kernel_sizes) or not kernel_sizes:
        raise ValueError(f"`kernel_sizes` wants one or more different widths. Received: {list(kernel_sizes)}")
    layers: list[Any] = []
    for size in kernel_sizes:
        convolution = {"filters": filters, "kernel_size": size, "activation": activation}
        layers += [
            {"Conv1D": {**convolution, "name": f"conv_{size}", "from": "input"}},
            {"GlobalMaxPooling1D": {"name": f"max_{size}"}},
        ]
    if len(kernel_sizes) > 1:
        layers.append({"Concatenate": {"from": [f"max_{size}" for size in kernel_sizes]}})
    if dropout:
        layers.append({"Dropout": {"rate": dropout}})
    return layers
