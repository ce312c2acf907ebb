"""Confidence intervals of metrics by the bootstrap: how far they would vary with other examples of the same kind."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

CONFIDENCE = 0.95
RESAMPLES = 1_000
# Metrics of examples, each of which counts as often as its entry says: float64 of shape (examples,).
Recount = Callable[[np.ndarray], dict[str, float]]


def intervals(
    recount: Recount, examples: int, *, seed: int, block: int = 1, resamples: int = RESAMPLES
) -> dict[str, tuple[float, float]]:
    """Percentile intervals of metrics over samples drawn from the examples with replacement.

    Efron and Tibshirani (1993), "An Introduction to the Bootstrap", chapter 13. Examples that follow each other in time
    are drawn in blocks, which keep their dependence: Politis and Romano (1992), the circular block bootstrap.

    Args:
        recount: The metrics of a sample.
        examples: How many there are.
        seed: Of the samples.
        block: Examples that are drawn together.
        resamples: How many samples are drawn.

    Returns:
        The bounds of each metric; metrics that are not a number in some sample are left out.
    """
    if examples < 2:
        return {}
    generator = np.random.default_rng(seed)
    drawn = [recount(_counts(generator, examples, min(block, examples))) for _ in range(resamples)]
    tail = 50 * (1 - CONFIDENCE)
    found = {}
    for name in drawn[0]:
        values = np.array([each[name] for each in drawn])
        if np.isfinite(values).all():
            low, high = np.percentile(values, [tail, 100 - tail])
            found[name] = (float(low), float(high))
    return found


def _counts(generator: np.random.Generator, examples: int, block: int) -> np.ndarray:
    """How often each example is drawn into a sample that is as large as they are."""
    if block == 1:
        rows = generator.integers(examples, size=examples)
    else:
        starts = generator.integers(examples, size=-(-examples // block))
        rows = ((starts[:, None] + np.arange(block)) % examples).reshape(-1)[:examples]
    return np.bincount(rows, minlength=examples).astype(np.float64)
