"""Areas under curves of scores whose examples count several times, fast enough for the bootstrap.

scikit-learn's `roc_auc_score` and `average_precision_score` sort anew with each call; a test holds both alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Ranking:
    """Examples in the order of their scores, the highest first, those of the same score in one group.

    Args:
        order: The examples.
        starts: Where each group begins in `order`.
        positive: Whether each example of `order` is positive.
    """

    order: np.ndarray
    starts: np.ndarray
    positive: np.ndarray

    @classmethod
    def of(cls, positive: np.ndarray, scores: np.ndarray) -> Ranking:
        """Ranks examples, both arrays being of shape (examples,)."""
        order = np.argsort(-scores, kind="stable")
        ranked = scores[order]
        starts = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]]))
        return cls(order, starts, positive[order].astype(np.float64))

    def areas(self, counts: np.ndarray) -> tuple[float, float]:
        """The area under the ROC curve, and the average precision; NaN where one of the two classes is missing.

        Args:
            counts: How often each example counts.
        """
        weights = counts[self.order]
        hits = np.add.reduceat(weights * self.positive, self.starts)
        misses = np.add.reduceat(weights * (1 - self.positive), self.starts)
        all_hits, all_misses = hits.sum(), misses.sum()
        if not all_hits or not all_misses:
            return np.nan, np.nan
        hits_so_far, misses_so_far = np.cumsum(hits), np.cumsum(misses)
        # A positive example is above the negative ones of later groups, and above half of those of its own.
        area = np.sum(hits * (all_misses - misses_so_far + misses / 2)) / (all_hits * all_misses)
        seen = np.maximum(hits_so_far + misses_so_far, 1)
        return float(area), float(np.sum(hits * hits_so_far / seen) / all_hits)
