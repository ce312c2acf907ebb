"""The first artificial neuron (McCulloch and Pitts, 1943, Bulletin of Mathematical Biophysics 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlkit.recipe.registry import register

if TYPE_CHECKING:
    import keras


@register(kind="layer")
def threshold_neuron(x: keras.KerasTensor, /, *, weights: list[float], threshold: float) -> keras.KerasTensor:
    """A neuron that fires where the weighted sum of its inputs reaches a threshold; nothing in it is learned.

    McCulloch and Pitts, 1943, "A logical calculus of the ideas immanent in nervous activity", with weights in the place
    of their excitatory and inhibitory synapses.

    Args:
        x: Of shape (batch, inputs).
        weights: One for each input.
        threshold: The least sum that it fires at.

    Returns:
        Of shape (batch, 1): 1 where it fires, else 0.

    Raises:
        ValueError: The input is no vector of as many numbers as there are weights.
    """
    from keras import ops

    if len(x.shape) != 2 or x.shape[-1] != len(weights):
        raise ValueError(f"it takes a number for each of the weights {weights}. Received: x.shape={tuple(x.shape)}")
    total = ops.sum(x * ops.convert_to_tensor([weights], x.dtype), axis=-1, keepdims=True)
    return ops.cast(total >= threshold, x.dtype)
