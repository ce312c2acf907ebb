"""Learning curves as numbers, and what robust statistics tell of them.

Curves of training are noisy, have spikes, and fall steeply at first. So noise is measured by second differences, which a
slope does not enter, and a quantile of them, which single spikes do not enter; slopes are those of Theil (1950) and Sen (1968), "Estimates of
the regression coefficient based on Kendall's tau", with their 99 % interval; levels are medians.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

_QUANTILE = 2 / 3  # the median is less sure, more would let in spikes, each of which makes three large differences
_NORMAL = 0.9674  # that quantile of the absolute value of a standard normal variable
_SECOND_DIFFERENCE = math.sqrt(6)  # its deviation for independent noise: 1 - 2 + 1, squared and added


@dataclass(frozen=True, slots=True)
class Curves:
    """The numbers of a training, one per epoch, in order (of its last stage).

    Args:
        loss: The training loss: a mean over the steps of the epoch.
        val_loss: The loss of the validation examples at the end of the epoch.
        learning_rate: The rate at the end of the epoch.
        baseline: The loss of the best constant answer (entropy of the shares of the classes, or variance), where it is known.
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
