"""Learning curves as numbers, and what robust statistics tell of them.

Curves of training are noisy, have spikes, and fall steeply at first. So noise is measured by second differences, which
a slope does not enter, and a quantile of them, which single spikes do not enter; slopes are those of Theil (1950) and
Sen (1968), "Estimates of the regression coefficient based on Kendall's tau", with their 99 % interval; levels are
medians.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlkit.evaluation.cures import Known

_QUANTILE = 2 / 3  # the median is less sure, more would let in spikes, each of which makes three large differences
_NORMAL = 0.9674  # that quantile of the absolute value of a standard normal variable
_SECOND_DIFFERENCE = math.sqrt(6)  # its deviation for independent noise: 1 - 2 + 1, squared and added

STEADY = 0.5  # slope of the later half, of that of the earlier: losses that are well on their way fall ever more slowly
CONSTANT_RATE = 1.5  # the largest rate of the later half over its smallest
DECAYED = 0.5  # of the highest rate, at the end
STILL = 0.02  # a fall through half of the epochs that is none


@dataclass(frozen=True, slots=True)
class Curves:
    """The numbers of a training, one per epoch, in order (of its last stage).

    Args:
        loss: The training loss: a mean over the steps of the epoch.
        val_loss: The loss of the validation examples at the end of the epoch.
        learning_rate: The rate at the end of the epoch.
        baseline: The loss of the best constant answer (entropy of the classes' shares, or variance), where it is known.
    """

    loss: tuple[float, ...]
    val_loss: tuple[float, ...] | None = None
    learning_rate: tuple[float, ...] | None = None
    baseline: float | None = None


def read_curves(lines: Sequence[Mapping[str, Any]], baseline: float | None = None) -> Curves:
    """The curves of the last stage in the lines of metrics.jsonl.

    Args:
        lines: What `RunFolder.read_metrics` gives.
        baseline: See `Curves`.
    """
    last = [line for line in lines if line.get("stage") == lines[-1].get("stage") and "loss" in line]

    def column(name: str) -> tuple[float, ...] | None:
        # A curve with gaps is none.
        return tuple(float(line[name]) for line in last) if last and all(name in line for line in last) else None

    return Curves(column("loss") or (), column("val_loss"), column("learning_rate"), baseline)


@dataclass(frozen=True, slots=True)
class Trend:
    """The slope of a line through points, per epoch, and its 99 % interval."""

    slope: float
    low: float
    high: float

    @property
    def falls(self) -> bool:
        """Whether the values fall beyond doubt."""
        return self.high < 0

    @property
    def rises(self) -> bool:
        """Whether they rise beyond doubt."""
        return self.low > 0


def trend(values: np.ndarray) -> Trend:
    """The slope of Theil and Sen; of two values or fewer nothing is beyond doubt."""
    from scipy.stats import theilslopes

    if len(values) < 3:
        slope = float(values[-1] - values[0]) if len(values) == 2 else 0.0
        return Trend(slope, -math.inf, math.inf)
    found = theilslopes(values, alpha=0.99)
    return Trend(float(found.slope), float(found.low_slope), float(found.high_slope))


def noise(values: np.ndarray) -> float:
    """The standard deviation of what is independent from epoch to epoch; 0 where there are too few to tell."""
    if len(values) < 4:
        return 0.0
    return float(np.quantile(np.abs(np.diff(values, 2)), _QUANTILE)) / _NORMAL / _SECOND_DIFFERENCE


def smooth(values: np.ndarray) -> np.ndarray:
    """Running medians, over three epochs or in long runs five."""
    from scipy.ndimage import median_filter

    return median_filter(values, size=3 if len(values) < 20 else 5, mode="nearest")


def later(values: np.ndarray, share: float = 0.5, least: int = 4) -> np.ndarray:
    """The last values: a share of them, and not less than so many."""
    return values[-max(least, math.ceil(len(values) * share)) :]


def level(values: np.ndarray) -> float:
    """The median of the last tenth, and of not less than three."""
    return float(np.median(later(values, 0.1, 3)))


@dataclass(frozen=True, slots=True)
class Seen:
    """Curves of finite numbers, with what all verdicts ask of them.

    Args:
        train: The training loss.
        val: The validation loss.
        rate: The learning rate.
        baseline: The loss of a constant answer, if it can be compared.
        scale: What levels are told as shares of.
        recipe: What is known of it.
    """

    train: np.ndarray
    val: np.ndarray | None
    rate: np.ndarray | None
    baseline: float | None
    scale: float
    recipe: Known

    @classmethod
    def of(cls, curves: Curves, recipe: Known) -> Seen:
        # A penalty on the weights is part of the loss, and of no constant answer.
        baseline = curves.baseline if curves.baseline and not recipe.has_penalty else None
        return cls(
            np.array(curves.loss),
            None if curves.val_loss is None else np.array(curves.val_loss),
            None if curves.learning_rate is None else np.array(curves.learning_rate),
            baseline,
            baseline or curves.loss[0] or 1.0,
            recipe,
        )

    @property
    def epochs(self) -> int:
        return len(self.train)

    @property
    def watched(self) -> np.ndarray:
        """The loss that counts."""
        return self.train if self.val is None else self.val

    @property
    def decayed(self) -> bool:
        """Whether the rate is much lower at the end than it was."""
        return self.rate is not None and self.rate[-1] < DECAYED * self.rate.max()

    @property
    def has_constant_rate(self) -> bool:
        """Whether the rate hardly changes in the later half."""
        if self.rate is None:
            return not self.recipe.has_schedule and not self.recipe.reduces_on_plateau
        half = later(self.rate)
        return not self.decayed and half.max() <= CONSTANT_RATE * half.min()

    @property
    def is_steady(self) -> bool:
        """Whether the training loss falls about as fast in the later half as in the earlier."""
        half = self.epochs // 2
        early, late = trend(self.train[: self.epochs - half]), trend(self.train[-half:])
        return late.falls and late.slope <= STEADY * early.slope

    @property
    def movement(self) -> float:
        """Noise of the level of what dropout does not make noisy."""
        half = later(self.watched)
        return noise(half) / float(np.median(half))

    def share(self, value: float) -> str:
        """A loss in words, with its share of a constant answer's."""
        told = f"{value:.3g}"
        return f"{told} ({value / self.baseline:.0%} of a constant answer's)" if self.baseline else told

    def stands_still(self, values: np.ndarray) -> bool:
        """Whether values fall no more in the later half."""
        half = later(values)
        # The fall itself is as uncertain as a single epoch.
        return -trend(half).slope * (len(half) - 1) < STILL * self.scale + noise(half)
