"""The echo state network.

Jaeger (2001), "The echo state approach to analysing and training recurrent neural networks", GMD report 148; Lukoševičius
(2012), "A practical guide to applying echo state networks", Neural Networks: Tricks of the Trade.
"""

from __future__ import annotations

from typing import Annotated, Any

from dlkit.models.solved_readout import SolvedReadout
from dlkit.recipe.registry import Range, register


@register(
    kind="pattern",
    layers=[
        {
            "reservoir": {
                "units": "$units",
                "spectral_radius": "$spectral_radius",
                "leak": "$leak",
                "input_scaling": "$input_scaling",
                "bias_scaling": "$bias_scaling",
                "connections": "$connections",
                "return_sequences": "$every_step",
                "washout": "$washout",
                "name": "reservoir",
            }
        },
        {"Dense": {"units": "$data.outputs", "kernel_initializer": "zeros", "name": "readout"}},
    ],
    loss="readout_error",
    replicas=False,
    gradients=False,
    unused=["training.jit_compile"],  # XLA has no place for BLAS
)
class EchoStateNetwork(SolvedReadout):
    """A random recurrent network, which stays as it is, and a readout solved by ridge regression in one pass.

    It reads every example from its first step on, from a state of zeros: that has to be forgotten before the readout, so
    that an example has at least as many steps as the network remembers. See the layer `reservoir`.

    Args:
        units: Of the reservoir.
        spectral_radius: The largest absolute eigenvalue of its recurrent weights: below 1, or slightly above, it forgets.
        leak: How much of a state is replaced in a step; 1: all of it.
        input_scaling: Input weights are uniform between this and its negative.
        bias_scaling: Likewise the biases.
        connections: The other units that a unit hears, on average.
        every_step: Whether the readout answers at every step, or only at the last.
        washout: The first steps without an answer, where it answers at every step.
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
        spectral_radius: Annotated[float, Range(above=0)] = 0.9,
        leak: Annotated[float, Range(above=0, max=1)] = 1.0,
        input_scaling: Annotated[float, Range(above=0)] = 1.0,
        bias_scaling: Annotated[float, Range(min=0)] = 0.2,
        connections: Annotated[float, Range(above=0)] = 10.0,
        every_step: bool = False,
        washout: Annotated[int, Range(min=0)] = 0,
        ridge: Annotated[float | list[float], Range(min=0)] = 1e-6,
        **kwargs: Any,
    ) -> None:
        super().__init__(inputs, outputs, ridge=ridge, **kwargs)
