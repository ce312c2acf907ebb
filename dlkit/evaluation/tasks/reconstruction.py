"""What a network was given, given back."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from dlkit.evaluation.tasks.task import Result, Shown, Task

_TOLD = 6  # values in words


class Reconstruction(Task):
    """Mean squared error over all values, its root, and the peak signal-to-noise ratio in decibels.

    The ratio is that of the squared range of what is to be given back, from the smallest to the largest value of the
    split, to the mean squared error; 1 for pictures between 0 and 1.
    """

    name: ClassVar[str] = "reconstruction"

    def reduce(self, truth: np.ndarray, output: np.ndarray) -> tuple[np.ndarray, ...]:
        truth, output = np.asarray(truth, np.float32), np.asarray(output, np.float32)
        return truth, output.reshape(truth.shape)

    def measure(self, truth: np.ndarray, output: np.ndarray, classes: np.ndarray | None = None) -> Result:
        flat, given = (values.reshape(len(values), -1) for values in (truth, output))
        errors = np.square(given - flat, dtype=np.float64).mean(axis=1)
        least, largest = flat.min(axis=1), flat.max(axis=1)

        def recount(counts: np.ndarray) -> dict[str, float]:
            error = float(counts @ errors / counts.sum())
            there = counts > 0
            peak = float(largest[there].max() - least[there].min())
            found = {"mean_squared_error": error, "root_mean_squared_error": math.sqrt(error)}
            return {**found, "psnr": 10 * math.log10(peak**2 / error)} if error and peak else found

        count, edges = np.histogram(errors, bins=40)
        details = {"reconstruction_errors": {"edges": edges.tolist(), "examples": count.tolist()}}

        def shown(row: int) -> Shown:
            true, told = (", ".join(f"{value:.3g}" for value in values[row, :_TOLD]) for values in (flat, given))
            return Shown(row, true, told, f"mean squared error {errors[row]:.4g}", output[row])

        return Result(recount(np.ones(len(errors))), recount, details, np.argsort(-errors, kind="stable"), shown)
