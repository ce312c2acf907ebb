"""The learning-rate range test: some steps at a rate that grows from each to the next, and the loss of each.

Smith (2017), "Cyclical Learning Rates for Training Neural Networks", arXiv:1506.01186, section 3.3; with exponential
growth and bias-corrected smoothing as Gugger's `lr_find` of fastai and Lightning's have it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import keras
import numpy as np

from dlkit.data.feed import Feed, telling_failures

LOWEST, HIGHEST = 1e-7, 10.0
_SMOOTHING = 0.9  # the share of the smoothed loss that is kept from step to step
_DIVERGED = 4.0  # times the lowest smoothed loss
_SETTLING = 10  # steps at the beginning in which the smoothed loss says little


@dataclass(frozen=True, slots=True)
class RateRange:
    """What a range test measured.

    Args:
        rates: The learning rate of each step.
        losses: The loss of each step, of its batch.
        smoothed: The losses, smoothed over the steps before.
    """

    rates: np.ndarray
    losses: np.ndarray
    smoothed: np.ndarray

    @property
    def lowest(self) -> int:
        """The step with the lowest smoothed loss, after which larger rates do harm."""
        return int(np.argmin(self.smoothed))

    @property
    def suggestion(self) -> float | None:
        """The rate at which the smoothed loss falls most steeply over the logarithm of the rate; None if it never falls."""
        usable = self.smoothed[_SETTLING : self.lowest + 1]
        if len(usable) < 3 or usable[-1] >= usable[0]:
            return None
        slopes = np.gradient(usable, np.log(self.rates[_SETTLING : self.lowest + 1]))
        return float(self.rates[_SETTLING + int(np.argmin(slopes))])


def measure_rates(model: keras.Model, feed: Feed, steps: int = 200) -> RateRange:
    """Trains a model at growing rates until its loss diverges.

    Args:
        model: A compiled model; its optimizer has a plain learning rate, and takes one step in a call.
        feed: The training examples; it goes through several epochs where they are few.
        steps: Steps from the lowest to the highest rate.
    """
    callback = _GrowingRate(np.geomspace(LOWEST, HIGHEST, steps))
    with telling_failures(feed):
        model.fit(feed, epochs=math.ceil(steps / feed.num_batches), callbacks=[callback], shuffle=False, verbose=0)
    losses = np.array(callback.losses)
    return RateRange(callback.rates[: len(losses)], losses, np.array(callback.smoothed))


class _GrowingRate(keras.callbacks.Callback):
    def __init__(self, rates: np.ndarray) -> None:
        super().__init__()
        self.rates = rates
        self.losses: list[float] = []
        self.smoothed: list[float] = []
        self._mean = 0.0

    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        if len(self.losses) < len(self.rates):
            self.model.optimizer.learning_rate = float(self.rates[len(self.losses)])
        self.model.reset_metrics()  # so that the loss is that of one batch

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        loss = float((logs or {})["loss"])
        if not math.isfinite(loss):
            self.model.stop_training = True
            return
        self.losses.append(loss)
        self._mean = _SMOOTHING * self._mean + (1 - _SMOOTHING) * loss
        self.smoothed.append(self._mean / (1 - _SMOOTHING ** len(self.losses)))
        is_over = len(self.losses) == len(self.rates)
        diverges = len(self.losses) > _SETTLING and self.smoothed[-1] > _DIVERGED * min(self.smoothed)
        self.model.stop_training = is_over or diverges
