"""The noise that a denoising model is measured with: the same in every pass, so that results can be compared."""

from __future__ import annotations

from typing import Any

import keras

from dlkit.models.inner_layers import layer_outputs

_SEED = 20_080_705


def noisy(values: Any, deviation: float) -> Any:
    """Values of shape (batch, ...) with normal noise of this deviation, the same in every batch of that shape."""
    noise = keras.random.normal(keras.ops.shape(values), stddev=deviation, dtype="float32", seed=_SEED)
    return keras.ops.cast(values, "float32") + noise


class _Noise(keras.layers.Layer):
    def __init__(self, deviation: float) -> None:
        super().__init__(name="fixed_noise", dtype="float32")
        self.deviation = deviation

    def call(self, inputs: Any) -> Any:
        return noisy(inputs, self.deviation)


def with_noise(model: keras.Model, layer: str, deviation: float) -> tuple[keras.Model, keras.Model]:
    """A saved model with noise where it had some in training, of the same weights.

    Args:
        model: Takes one input.
        layer: The name of the layer that adds noise in training.
        deviation: Of the noise.

    Returns:
        The model, and one that gives what its network is given then.
    """
    first, outputs, last = layer_outputs(model)
    given = _Noise(deviation)(outputs[layer])
    network = keras.Model(outputs[layer], last, name="network")
    return keras.Model(first, network(given), name=model.name), keras.Model(first, given, name="given")
