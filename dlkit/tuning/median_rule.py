"""Which trials are not worth their time (Golovin et al., 2017, "Google Vizier: A Service for Black-Box Optimization")."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

_LEAST = 3  # others, before there is a median to speak of


def falls_behind(scores: Sequence[float], others: Sequence[Sequence[float]], direction: str, after: int) -> bool:
    """Whether the best of a trial so far is worse than the median of the averages of the others until then.

    It is held against averages, as in the paper, and not against the best of the others: those that came far are the
    good ones, and half of what is left would have to go after each epoch.

    Args:
        scores: The objective after each epoch of the trial.
        others: The same of trials that have ended; those that are shorter do not count.
        direction: `min` or `max`.
        after: Epochs that every trial is given.
    """
    epochs = len(scores)
    averages = [statistics.fmean(each[:epochs]) for each in others if len(each) >= epochs]
    if epochs < after or len(averages) < _LEAST:
        return False
    median = statistics.median(averages)
    return max(scores) < median if direction == "max" else min(scores) > median
