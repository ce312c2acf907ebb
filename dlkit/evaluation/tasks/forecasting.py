"""The next values of a series whose last ones are known."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from dlkit.evaluation.tasks.regression import Regression
from dlkit.evaluation.tasks.task import Result, few

_FORECASTS = 6  # drawn in the report


class Forecasting(Regression):
    """Errors as of a regression, also by how far ahead a step lies.

    Intervals are those of blocks of windows, since neighboring windows forecast the same steps.
    """

    name: ClassVar[str] = "forecasting"

    def measure(self, truth: np.ndarray, predicted: np.ndarray) -> Result:
        found = super().measure(truth, predicted)
        errors = predicted - truth
        axes = (0, *range(2, errors.ndim))
        details = {
            **found.details,
            "by_step": {
                "mean_absolute_error": np.abs(errors).mean(axis=axes).tolist(),
                "root_mean_squared_error": np.sqrt(np.square(errors).mean(axis=axes)).tolist(),
            },
            "forecasts": [
                {"row": int(row), "truth": truth[row].tolist(), "predicted": predicted[row].tolist()}
                for row in few(np.arange(len(truth)), _FORECASTS)
            ],
        }
        block = truth.shape[1] + round(len(truth) ** (1 / 3))
        return Result(found.metrics, found.recount, details, found.worst, found.shown, block)

    def output_name(self, number: int) -> str:
        """Steps ahead, from 1; of several variables each by its number."""
        shape = self.target.shape or ()
        variables = int(np.prod([size or 1 for size in shape[1:]]))
        step = f"step {number // variables + 1}"
        return step if variables == 1 else f"{step}, variable {number % variables + 1}"
