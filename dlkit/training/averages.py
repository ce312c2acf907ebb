"""Exponential moving averages of the weights: an optimizer with `use_ema` keeps them, here they take their place.

Polyak and Juditsky (1992), "Acceleration of stochastic approximation by averaging". Keras's `SwapEMAWeights` does the
same by additions, which leaves other weights than it found: here values change places whole.
"""

from __future__ import annotations

import keras

from dlkit.training.optimizers import optimizers_of


class Averages:
    """The averages of a model's weights, in the model or out of it.

    Args:
        model: A compiled model, built with its optimizer.
    """

    def __init__(self, model: keras.Model) -> None:
        self._pairs = [pair for found in optimizers_of(model).values() for pair in _pairs(found.optimizer)]
        self._inside = False

    def put_in(self) -> None:
        """Puts the averages into the model; the weights are kept where the averages were."""
        if not self._inside:
            self._swap()

    def take_out(self) -> None:
        """Puts the weights that are trained back."""
        if self._inside:
            self._swap()

    def _swap(self) -> None:
        self._inside = not self._inside
        for variable, average in self._pairs:
            value = variable.value.numpy()
            variable.assign(average.value.numpy())
            average.assign(value)


def _pairs(optimizer: keras.optimizers.Optimizer) -> list[tuple[keras.Variable, keras.Variable]]:
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    if not getattr(inner, "use_ema", False):
        return []
    averages = inner._model_variables_moving_average
    pairs = zip(inner._trainable_variables, averages, strict=True)
    return [(variable, average) for variable, average in pairs if average is not None]
