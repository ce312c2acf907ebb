"""What a network was given, given back."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from dlkit.evaluation.tasks.task import Result, Shown, Task


class Reconstruction(Task):
    """Mean squared error over all values, its root, and the peak signal-to-noise ratio in decibels.

    The ratio is that of the squared range of what is to be given back, from the smallest to the largest value of the
    split, to the mean squared error; 1 for pictures between 0 and 1.
    """

    name: ClassVar[str] = "reconstruction"

    def reduce(self, truth: np.ndarray, output: np.ndarray) -> tuple[np.ndarray, ...]:
        truth = np.asarray(truth, np.float64).reshape(len(truth), -1)
        errors = np.square(np.asarray(output, np.float64).reshape(truth.shape) - truth).mean(axis=1)
        return errors, truth.min(axis=1), truth.max(axis=1)

    def measure(self, errors: np.ndarray, least: np.ndarray, largest: np.ndarray) -> Result:
        peak = float(largest.max() - least.min())

        def recount(counts: np.ndarray) -> dict[str, float]:
            error = float(counts @ errors / counts.sum())
            found = {"mean_squared_error": error, "root_mean_squared_error": math.sqrt(error)}
            return {**found, "psnr": 10 * math.log10(peak**2 / error)} if error and peak else found

        count, edges = np.histogram(errors, bins=40)
        details = {"reconstruction_errors": {"edges": edges.tolist(), "examples": count.tolist()}}

        def shown(row: int) -> Shown:
            return Shown(row, "", "", f"mean squared error {errors[row]:.4g}")

        return Result(recount(np.ones(len(errors))), recount, details, np.argsort(-errors, kind="stable"), shown)
