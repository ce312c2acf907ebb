"""Whether less or more of a metric is better, as far as its name tells."""

from __future__ import annotations

from typing import Literal

_LESS_IS_BETTER = ("loss", "error", "perplexity", "distance")
_MORE_IS_BETTER = ("accuracy", "auc", "f1", "precision", "recall", "r2", "diversity")


def direction_of_name(metric: str) -> Literal["min", "max"] | None:
    """`min` where less of a metric is better, `max` where more is; None where its name does not tell."""
    if metric == "epoch":  # the last one is to be chosen
        return "max"
    is_less, is_more = (any(word in metric for word in words) for words in (_LESS_IS_BETTER, _MORE_IS_BETTER))
    if is_less == is_more:
        return None
    return "min" if is_less else "max"
