"""Which trials are not worth their time (Golovin et al., 2017, "Google Vizier: A Service for Black-Box Optimization")."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

_LEAST = 3  # others, before there is a median to speak of


def falls_behind(scores: Sequence[float], others: Sequence[Sequence[float]], direction: str, after: int) -> bool:
    """Whether the best of a trial so far is worse than the median of what others had reached by then.

    Args:
        scores: The objective after each epoch of the trial.
        others: The same of trials that have ended; those that are shorter do not count.
        direction: `min` or `max`.
        after: Epochs that every trial is given.
    """
    epochs = len(scores)
    by_then = [_best(each[:epochs], direction) for each in others if len(each) >= epochs]
    if epochs < after or len(by_then) < _LEAST:
        return False
    best, median = _best(scores, direction), statistics.median(by_then)
    return best < median if direction == "max" else best > median


def _best(scores: Sequence[float], direction: str) -> float:
    return max(scores) if direction == "max" else min(scores)
