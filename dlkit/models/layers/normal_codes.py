"""Codes out of nothing, for a network that makes examples of them."""

from __future__ import annotations

from typing import Annotated, Any

import keras

from dlkit.recipe.registry import Range, register

_SEED = 20_140_610  # of the draws that are the same in every pass


@keras.saving.register_keras_serializable("dlkit")
@register(kind="layer")
class NormalCodes(keras.layers.Layer):
    """Draws a code from the standard normal distribution for each example of a batch, whatever the example is.

    In training the codes are new in every step; otherwise they are the same in every batch of one size. It takes anything
    of shape (batch, ...), and gives codes of shape (batch, size).

    Args:
        size: How many numbers a code has.
        seed: Of the draws in training.
    """

    def __init__(self, size: Annotated[int, Range(min=1)], seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = size
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        shape = (keras.ops.shape(inputs)[0], self.size)
        return keras.random.normal(shape, dtype=self.compute_dtype, seed=self.seed_generator if training else _SEED)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape[0], self.size

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size, "seed": self.seed}
