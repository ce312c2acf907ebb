"""The modular network: experts and a gate (Jacobs, Jordan, Nowlan and Hinton, 1991, "Adaptive Mixtures of Local Experts")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from dlkit.recipe.registry import Range, register


@register(kind="architecture")
def mixture_of_experts(
    outputs: Annotated[int, Range(min=1)],
    experts: Annotated[int, Range(min=2)] = 8,
    units: Annotated[Sequence[int], Range(min=1)] = (64,),
    activation: str = "relu",
    output_activation: str = "softmax",
    gate_units: Annotated[Sequence[int], Range(min=1)] = (),
    dropout: Annotated[float, Range(min=0, below=1)] = 0.0,
) -> list[Any]:
    """Perceptrons side by side, and a softmax gate that looks at the same input and weighs their answers.

    With `output_activation: softmax` the result is the probability of each class under the mixture, and its crossentropy
    the paper's likelihood: experts compete for examples, rather than correct one another. It is an output already: the
    recipe adds no layer. As probabilities cannot be told from the layers, it writes `loss: SparseCategoricalCrossentropy`.
    With another activation the mixture is a hidden layer, and an output layer follows.

    Args:
        outputs: Units of every expert's last layer, and of the result: the classes.
        experts: How many experts.
        units: Units of the hidden layers of each expert.
        activation: Of the hidden layers.
        output_activation: Of every expert's last layer.
        gate_units: Units of the hidden layers of the gate; none in the paper.
        dropout: Share of each hidden layer's units that a training step leaves out.

    Returns:
        The layers, as a recipe writes them.
    """
    flat = {"Flatten": {"name": "flat"}}
    gate = _perceptron("gate", gate_units, activation, dropout, experts, "softmax")
    layers: list[Any] = [flat, *gate]
    names = [f"expert{number}" for number in range(1, experts + 1)]
    for name in names:
        layers += _perceptron(name, units, activation, dropout, outputs, output_activation)
    return [
        *layers,
        {"Concatenate": {"from": names, "name": "answers"}},
        {"Reshape": {"target_shape": [experts, outputs], "name": "answer_of_each"}},
        {"Dot": {"axes": 1, "from": ["gate", "answer_of_each"], "name": "mixture"}},
    ]


def _perceptron(
    name: str, units: Sequence[int], activation: str, dropout: float, outputs: int, output_activation: str
) -> list[Any]:
    """A perceptron on the flattened input; its last layer has its name."""
    layers: list[Any] = []
    for number, size in enumerate(units, start=1):
        layers.append({"Dense": {"units": size, "activation": activation, "name": f"{name}_hidden{number}"}})
        if dropout:
            layers.append({"Dropout": {"rate": dropout, "name": f"{name}_dropout{number}"}})
    layers.append({"Dense": {"units": outputs, "activation": output_activation, "name": name}})
    first = next(iter(layers[0].values()))
    first["from"] = "flat"
    return layers
