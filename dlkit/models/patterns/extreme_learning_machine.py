"""The extreme learning machine (Huang, Zhu and Siew, 2006, Neurocomputing 70)."""

from __future__ import annotations

from typing import Annotated, Any

from dlkit.models.solved_readout import SolvedReadout
from dlkit.recipe.registry import Range, register


@register(
    kind="pattern",
    layers=[
        "Flatten",
        {
            "Dense": {
                "units": "$units",
                "activation": "$activation",
                "kernel_initializer": {
                    "VarianceScaling": {"scale": "$scale", "mode": "fan_in", "distribution": "uniform"}
                },
                "bias_initializer": {"RandomUniform": {"minval": -1.0, "maxval": 1.0}},
                "trainable": False,
                "name": "hidden",
            }
        },
        {"Dense": {"units": "$data.outputs", "kernel_initializer": "zeros", "name": "readout"}},
    ],
    loss="readout_error",
    replicas=False,
    gradients=False,
    unused=["training.jit_compile"],  # XLA has no place for BLAS
)
class ExtremeLearningMachine(SolvedReadout):
    """A random hidden layer, which stays as it is, and a readout solved by ridge regression in one pass over the data.

    Args:
        units: Of the hidden layer.
        activation: Of the hidden layer.
        scale: Of its random weights: the variance of what a unit sums up, for inputs whose mean square is 1.
        ridge: What the sum of the squared weights of the readout is multiplied by; of several, the one with the least
            squared error on the validation split is taken.
    """

    def __init__(
        self,
        inputs: Any,
        outputs: Any,
        /,
        *,
        units: Annotated[int, Range(min=1, max=100_000)],
        activation: str = "tanh",
        scale: Annotated[float, Range(above=0)] = 1.0,
        ridge: Annotated[float | list[float], Range(min=0)] = 1e-3,
        **kwargs: Any,
    ) -> None:
        super().__init__(inputs, outputs, ridge=ridge, **kwargs)
