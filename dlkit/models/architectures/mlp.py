"""The multilayer perceptron (Rumelhart, Hinton and Williams, 1986, Nature 323)."""

from __future__ import annotations

from typing import Annotated, Any

from dlkit.recipe.registry import Range, register


@register(kind="architecture")
def mlp(
    units: Annotated[list[int], Range(min=1, max=10_000_000)],
    activation: str = "relu",
    normalization: bool = False,
    dropout: Annotated[float, Range(min=0, below=1)] = 0.0,
) -> list[Any]:
    """Dense hidden layers over the flattened input; the output layer is the recipe's own.

    Args:
        units: Units of each hidden layer.
        activation: Their activation.
        normalization: Whether a batch normalization stands before each activation.
        dropout: Share of each hidden layer's units that a training step leaves out.

    Returns:
        The layers, as a recipe writes them.
    """
    layers: list[Any] = ["Flatten"]
    for size in units:
        if normalization:
            layers += [
                {"Dense": {"units": size, "use_bias": False}},
                "BatchNormalization",
                {"Activation": {"activation": activation}},
            ]
        else:
            layers.append({"Dense": {"units": size, "activation": activation}})
        if dropout:
            layers.append({"Dropout": {"rate": dropout}})
    return layers
