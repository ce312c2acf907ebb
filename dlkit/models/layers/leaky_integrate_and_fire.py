"""Spiking neurons that learn by surrogate gradients."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import keras

from dlkit.recipe.registry import Range, register


@keras.saving.register_keras_serializable("dlkit")
@register(kind="layer")
class LeakyIntegrateAndFire(keras.layers.Layer):
    """Neurons that leak, integrate what they are given, and fire a spike where they reach a threshold.

    The potential is `u[t] = decay * u[t - 1] + x[t]`, the spike `s[t] = 1` where `u[t] >= threshold`, else 0; then the
    threshold is taken off the potential of those that fired (`reset: subtract`), or it begins at zero. Neftci, Mostafa
    and Zenke, 2019, "Surrogate Gradient Learning in Spiking Neural Networks", arXiv:1901.09948, equations 4 and 5 without
    synapses of their own. A spike has no slope; in its place stands `1 / (1 + slope * |u - threshold|)^2`, that of a fast
    sigmoid (Zenke and Ganguli, 2018, arXiv:1705.11146). No gradient goes through the reset.

    The potential is kept in 32 bits. Input and output are of shape (batch, steps, ...), the number of steps known.

    Args:
        decay: What is left of a potential after a step, `exp(-1 / time constant)` with the time constant in steps.
        threshold: The potential at which a neuron fires.
        slope: How steeply the surrogate gradient falls off the threshold.
        reset: What becomes of the potential of a neuron that fired.
    """

    def __init__(
        self,
        decay: Annotated[float, Range(min=0, max=1)] = 0.9,
        threshold: Annotated[float, Range(above=0)] = 1.0,
        slope: Annotated[float, Range(above=0)] = 5.0,
        reset: Literal["subtract", "zero"] = "subtract",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if reset not in ("subtract", "zero"):
            raise ValueError(f"`reset` is `subtract` or `zero`. Received: reset={reset!r}")
        self.decay = decay
        self.threshold = threshold
        self.slope = slope
        self.reset = reset

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        if len(input_shape) < 2 or input_shape[1] is None:
            raise ValueError(f"The number of steps must be known. Received: input_shape={input_shape}")

    def call(self, inputs: Any) -> Any:
        ops = keras.ops
        currents = ops.cast(inputs, "float32")
        potential = ops.zeros_like(currents[:, 0])
        spikes = []
        for step in range(inputs.shape[1]):
            potential = self.decay * potential + currents[:, step]
            spike = self._spike(potential - self.threshold)
            fired = ops.stop_gradient(spike)
            potential = potential - fired * (self.threshold if self.reset == "subtract" else potential)
            spikes.append(spike)
        return ops.cast(ops.stack(spikes, axis=1), self.compute_dtype)

    def _spike(self, above: Any) -> Any:
        """1 at and above zero, else 0, with the gradient of `above / (1 + slope * |above|)`."""
        ops = keras.ops
        surrogate = above / (1.0 + self.slope * ops.abs(above))
        spike = ops.cast(above >= 0, "float32")
        return spike + (surrogate - ops.stop_gradient(surrogate))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        own = {"decay": self.decay, "threshold": self.threshold, "slope": self.slope, "reset": self.reset}
        return {**super().get_config(), **own}
