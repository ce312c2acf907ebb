"""Whether a model is as often right as it says.

Guo, Pleiss, Sun and Weinberger (2017), "On Calibration of Modern Neural Networks", ICML.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

BINS = 15


@dataclass(frozen=True, slots=True)
class Calibration:
    """Predictions in bins of equal width by their confidence.

    Args:
        confidence: The probability that the model gives its own answer, of shape (examples,).
        correct: Whether that answer is right, of shape (examples,).
    """

    confidence: np.ndarray
    correct: np.ndarray

    @property
    def bins(self) -> np.ndarray:
        """The bin of each prediction: (0, 1/15], (1/15, 2/15] and so on."""
        return np.clip(np.ceil(self.confidence * BINS).astype(int) - 1, 0, BINS - 1)

    def error(self, counts: np.ndarray | None = None) -> float:
        """The expected calibration error: the mean gap between confidence and accuracy, weighted by the bins' sizes.

        Args:
            counts: How often each example counts; once where it is None.
        """
        counts = np.ones(len(self.confidence)) if counts is None else counts
        gaps = np.bincount(self.bins, counts * (self.confidence - self.correct), BINS)
        return float(np.abs(gaps).sum() / counts.sum())

    def table(self) -> list[dict[str, Any]]:
        """Confidence, accuracy and size of each bin that is not empty."""
        bins, rows = self.bins, []
        for number in range(BINS):
            inside = bins == number
            if inside.any():
                confidence, accuracy = self.confidence[inside].mean(), self.correct[inside].mean()
                rows.append(
                    {"confidence": float(confidence), "accuracy": float(accuracy), "examples": int(inside.sum())}
                )
        return rows
