"""The 1cycle policy."""

from __future__ import annotations

import math
from typing import Annotated, Any

import keras

from dlkit.recipe.registry import Duration, Range, register


@keras.saving.register_keras_serializable("dlkit")
@register(name="one_cycle")
class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
    """One cycle: the rate rises along a cosine to its largest value, then falls along another to almost nothing.

    Smith and Topin (2018), "Super-Convergence", arXiv:1708.07120; with the cosines of fastai, as PyTorch's `OneCycleLR`.

    Args:
        max_learning_rate: The largest rate.
        decay_steps: Length of the cycle.
        warmup: The share of the cycle in which the rate rises.
        initial_divisor: The largest rate over the first one.
        final_divisor: The first rate over the last one.
    """

    def __init__(
        self,
        max_learning_rate: Annotated[float, Range(above=0)],
        decay_steps: Annotated[Duration, Range(min=2)],
        warmup: Annotated[float, Range(above=0, below=1)] = 0.3,
        initial_divisor: Annotated[float, Range(min=1)] = 25.0,
        final_divisor: Annotated[float, Range(min=1)] = 1e4,
    ) -> None:
        super().__init__()
        self.max_learning_rate = max_learning_rate
        self.decay_steps = decay_steps
        self.warmup = warmup
        self.initial_divisor = initial_divisor
        self.final_divisor = final_divisor

    def __call__(self, step: Any) -> Any:
        step = keras.ops.cast(step, "float32")
        first = self.max_learning_rate / self.initial_divisor
        last = first / self.final_divisor
        top, end = self.warmup * self.decay_steps - 1, self.decay_steps - 1
        rising = _along_cosine(first, self.max_learning_rate, step / max(top, 1e-9))
        falling = _along_cosine(self.max_learning_rate, last, (step - top) / (end - top))
        return keras.ops.where(step <= top, rising, falling)

    def get_config(self) -> dict[str, Any]:
        return {
            "max_learning_rate": self.max_learning_rate,
            "decay_steps": self.decay_steps,
            "warmup": self.warmup,
            "initial_divisor": self.initial_divisor,
            "final_divisor": self.final_divisor,
        }


def _along_cosine(begin: float, end: float, share: Any) -> Any:
    share = keras.ops.clip(share, 0.0, 1.0)
    return end + (begin - end) / 2 * (1 + keras.ops.cos(math.pi * share))
