"""A spiking network (Neftci, Mostafa and Zenke, 2019, "Surrogate Gradient Learning in Spiking Neural Networks", arXiv:1901.09948)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from dlkit.recipe.registry import Range, register


@register(kind="architecture")
def spiking(
    units: Annotated[Sequence[int], Range(min=1)] = (256,),
    steps: Annotated[int, Range(min=1, max=1000)] = 10,
    decay: Annotated[float, Range(min=0, max=1)] = 0.9,
    threshold: Annotated[float, Range(above=0)] = 1.0,
    slope: Annotated[float, Range(above=0)] = 5.0,
    reset: Literal["subtract", "zero"] = "subtract",
) -> list[Any]:
    """Layers of leaky integrate-and-fire neurons over the flattened input, which is a constant current at every step.

    The result is the share of steps in which each neuron of the last layer fired, for an output layer of the recipe's own.

    Args:
        units: Neurons of each layer.
        steps: How many steps the network is watched for: what it costs grows with them.
        decay: What is left of a potential after a step.
        threshold: The potential at which a neuron fires.
        slope: How steeply the surrogate gradient falls off the threshold.
        reset: What becomes of the potential of a neuron that fired.

    Returns:
        The layers, as a recipe writes them.
    """
    neurons = {"decay": decay, "threshold": threshold, "slope": slope, "reset": reset}
    layers: list[Any] = ["Flatten"]
    for number, size in enumerate(units, start=1):
        layers.append({"Dense": {"units": size, "name": f"current{number}"}})
        if number == 1:  # computed once, as it is the same at every step
            layers.append({"RepeatVector": {"n": steps, "name": "steps"}})
        layers.append({"leaky_integrate_and_fire": {**neurons, "name": f"spikes{number}"}})
    return [*layers, {"GlobalAveragePooling1D": {"name": "rates"}}]
