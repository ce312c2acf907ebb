"""The random recurrent network of an echo state network."""

from __future__ import annotations

from typing import Annotated, Any

import keras
import numpy as np

from dlkit.recipe.registry import Range, register


@keras.saving.register_keras_serializable("dlkit")
@register(kind="layer")
class Reservoir(keras.layers.Layer):
    """A sparse random recurrent network of leaky tanh units, whose weights stay as they are drawn.

    `x[t] = (1 - leak) x[t - 1] + leak tanh(W_in u[t] + W x[t - 1] + b)`, from a state of zeros: equations 2 and 3 of
    Lukoševičius (2012), "A practical guide to applying echo state networks"; the network is that of Jaeger (2001), GMD
    report 148. All weights are uniform, around 0; `W` is multiplied so that its spectral radius is what it is to be.

    States are kept in 32 bits. The input is of shape (batch, steps, features), the output (batch, units), or
    (batch, steps - washout, units) with `return_sequences`.

    Args:
        units: Size of the state.
        spectral_radius: The largest absolute eigenvalue of `W`.
        leak: How much of a state is replaced in a step.
        input_scaling: The largest absolute weight of `W_in`.
        bias_scaling: The largest absolute bias.
        connections: The units that each unit hears, on average.
        return_sequences: Whether the states of all steps are given, or the last one.
        washout: The first states that are left out of a sequence.
    """

    def __init__(
        self,
        units: Annotated[int, Range(min=1)],
        spectral_radius: Annotated[float, Range(above=0)] = 0.9,
        leak: Annotated[float, Range(above=0, max=1)] = 1.0,
        input_scaling: Annotated[float, Range(above=0)] = 1.0,
        bias_scaling: Annotated[float, Range(min=0)] = 0.2,
        connections: Annotated[float, Range(above=0)] = 10.0,
        return_sequences: bool = False,
        washout: Annotated[int, Range(min=0)] = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**{"trainable": False, **kwargs})
        if washout and not return_sequences:
            raise ValueError(f"Only sequences of states have a `washout`. Received: washout={washout}")
        self.units = units
        self.spectral_radius = spectral_radius
        self.leak = leak
        self.input_scaling = input_scaling
        self.bias_scaling = bias_scaling
        self.connections = connections
        self.return_sequences = return_sequences
        self.washout = washout

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        if len(input_shape) != 3 or input_shape[-1] is None:
            raise ValueError(f"The input is (batch, steps, features). Received: input_shape={input_shape}")
        if input_shape[1] is not None and input_shape[1] <= self.washout:
            raise ValueError(
                f"No step is left after the washout of {self.washout}. Received: input_shape={input_shape}"
            )

        def fixed(name: str, shape: tuple[int, ...], initializer: Any) -> Any:
            return self.add_weight(shape=shape, initializer=initializer, dtype="float32", trainable=False, name=name)

        self.kernel = fixed("kernel", (input_shape[-1], self.units), _uniform(self.input_scaling))
        self.recurrent_kernel = fixed("recurrent_kernel", (self.units, self.units), self._sparse)
        self.bias = fixed("bias", (self.units,), _uniform(self.bias_scaling))

    def _sparse(self, shape: tuple[int, ...], dtype: Any = None) -> Any:
        """Recurrent weights of the spectral radius that they are to have."""
        weights = np.array(_uniform(1.0)(shape), "float64")
        heard = np.array(keras.initializers.RandomUniform(0.0, 1.0)(shape)) < self.connections / self.units
        weights *= heard
        radius = np.abs(np.linalg.eigvals(weights)).max()
        if radius < 1e-6:
            raise ValueError(f"So few connections make no cycle. Received: connections={self.connections}")
        return keras.ops.convert_to_tensor(weights * (self.spectral_radius / radius), dtype)

    def call(self, inputs: Any) -> Any:
        ops = keras.ops
        driven = ops.matmul(ops.cast(inputs, "float32"), ops.cast(self.kernel, "float32")) + self.bias
        driven = ops.transpose(driven, (1, 0, 2))  # (steps, batch, units)

        def step(state: Any, drive: Any) -> tuple[Any, Any]:
            fresh = ops.tanh(drive + ops.matmul(state, self.recurrent_kernel))
            state = fresh if self.leak == 1 else (1 - self.leak) * state + self.leak * fresh
            return state, state

        zeros = ops.zeros_like(driven[0])
        if not self.return_sequences:
            last = ops.fori_loop(0, ops.shape(driven)[0], lambda t, state: step(state, driven[t])[0], zeros)
            return ops.cast(last, self.compute_dtype)
        _, states = ops.scan(step, zeros, driven)
        return ops.cast(ops.transpose(states, (1, 0, 2))[:, self.washout :], self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        batch, steps, _ = input_shape
        if not self.return_sequences:
            return batch, self.units
        return batch, None if steps is None else steps - self.washout, self.units

    def get_config(self) -> dict[str, Any]:
        names = ("units", "spectral_radius", "leak", "input_scaling", "bias_scaling", "connections")
        own = {name: getattr(self, name) for name in (*names, "return_sequences", "washout")}
        return {**super().get_config(), **own}


def _uniform(largest: float) -> Any:
    return keras.initializers.RandomUniform(-largest, largest)
