"""One real number for each example, or several."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from dlkit.evaluation.bootstrap import Recount
from dlkit.evaluation.tasks.task import Result, Shown, Task, few

_POINTS = 1_000  # of the figure of predictions over truth
_BINS = 40  # of the histogram of errors
_MOST_OUTPUTS = 50  # that have a row of their own in the table


class Regression(Task):
    """Mean absolute error, root mean squared error, that divided by the deviation of the truth (`nrmse`), and R2."""

    name: ClassVar[str] = "regression"

    def reduce(self, truth: np.ndarray, output: np.ndarray) -> tuple[np.ndarray, ...]:
        truth = np.asarray(truth, np.float64)
        return truth, np.asarray(output, np.float64).reshape(truth.shape)

    def measure(self, truth: np.ndarray, predicted: np.ndarray) -> Result:
        from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

        truth, predicted = (values.reshape(len(values), -1) for values in (truth, predicted))
        metrics = {
            "mean_absolute_error": mean_absolute_error(truth, predicted),
            "root_mean_squared_error": root_mean_squared_error(truth.reshape(-1), predicted.reshape(-1)),
        }
        if len(truth) > 1:
            metrics["r2"] = r2_score(truth, predicted)
        errors = predicted - truth
        if spread := truth.var(axis=0).mean():
            metrics["nrmse"] = np.sqrt(np.square(errors).mean() / spread)
        count, edges = np.histogram(errors, bins=_BINS)
        points = few(np.arange(truth.size), _POINTS)
        details: dict[str, Any] = {
            "points": [truth.reshape(-1)[points].tolist(), predicted.reshape(-1)[points].tolist()],
            "errors": {"edges": edges.tolist(), "examples": count.tolist()},
        }
        if 1 < truth.shape[1] <= _MOST_OUTPUTS:
            details["per_output"] = [
                {
                    "output": self.output_name(number),
                    "mean_absolute_error": float(np.abs(errors[:, number]).mean()),
                    "root_mean_squared_error": float(np.sqrt(np.square(errors[:, number]).mean())),
                }
                for number in range(truth.shape[1])
            ]
        size = np.abs(errors).mean(axis=1)

        def shown(row: int) -> Shown:
            return Shown(row, _numbers(truth[row]), _numbers(predicted[row]), f"off by {size[row]:.4g}")

        worst = np.argsort(-size, kind="stable")
        return Result(
            {name: float(value) for name, value in metrics.items()}, _recount(truth, errors), details, worst, shown
        )

    def output_name(self, number: int) -> str:
        """What one number of a target is called in the table."""
        return self.label(number) if self.target.labels else f"output {number + 1}"


def _numbers(values: np.ndarray) -> str:
    told = [f"{value:.4g}" for value in values[:8]]
    return ", ".join(told) + (" …" if len(values) > 8 else "")


def _recount(truth: np.ndarray, errors: np.ndarray) -> Recount:
    absolute, squared = np.abs(errors).mean(axis=1), np.square(errors).mean(axis=1)
    squares, truth_squares = np.square(errors), np.square(truth)

    def recount(counts: np.ndarray) -> dict[str, float]:
        total = counts.sum()
        found = {
            "mean_absolute_error": float(counts @ absolute / total),
            "root_mean_squared_error": float(np.sqrt(counts @ squared / total)),
        }
        spread = counts @ truth_squares - np.square(counts @ truth) / total
        left = counts @ squares
        if (spread > 0).all():
            found["r2"] = float(np.mean(1 - left / spread))
        if spread.sum() > 0:
            found["nrmse"] = float(np.sqrt(left.sum() / spread.sum()))
        return found

    return recount
