"""ROC and precision-recall curves, as few points as a figure needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

_MOST_CURVES = 12
_MOST_POINTS = 200


def curves(scored: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> dict[str, dict[str, Any]]:
    """The curves of each class against the rest; of many classes, those with the smallest areas.

    Args:
        scored: By class, whether each example is of it, and its score, both of shape (examples,).

    Returns:
        By class: `auc`, `average_precision`, `roc` as false and true positive rates, `precision_recall` as recall and
        precision.
    """
    from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

    areas = {name: float(roc_auc_score(*each)) for name, each in scored.items()}
    found = {}
    for name in sorted(areas, key=lambda name: areas[name])[:_MOST_CURVES]:
        positive, scores = scored[name]
        false, true, _ = roc_curve(positive, scores)
        precision, recall, _ = precision_recall_curve(positive, scores, drop_intermediate=True)
        found[name] = {
            "auc": areas[name],
            "average_precision": float(average_precision_score(positive, scores)),
            "roc": _thinned(false, true),
            "precision_recall": _thinned(recall[::-1], precision[::-1]),
        }
    return {name: found[name] for name in scored if name in found}


def _thinned(x: np.ndarray, y: np.ndarray) -> list[list[float]]:
    """The points of a curve, at most so many, evenly along its length."""
    if len(x) > _MOST_POINTS:
        along = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
        kept = np.searchsorted(along, np.linspace(0, along[-1], _MOST_POINTS))
        kept = np.unique(np.clip(kept, 0, len(x) - 1))
        x, y = x[kept], y[kept]
    return [[round(float(value), 5) for value in each] for each in (x, y)]
