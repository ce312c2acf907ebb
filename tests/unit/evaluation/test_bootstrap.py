"""Intervals against SciPy's bootstrap, and blocks of what follows in time."""

import numpy as np
import pytest
from scipy import stats

from dlkit.evaluation.bootstrap import intervals
from dlkit.evaluation.tasks.task import averages


def test_percentile_interval_of_a_mean_as_scipy_has_it():
    values = np.random.default_rng(2).exponential(size=400)
    found = intervals(averages({"mean": values}), 400, seed=5, resamples=4_000)["mean"]
    known = stats.bootstrap((values,), np.mean, method="percentile", n_resamples=4_000, rng=3).confidence_interval
    assert found == pytest.approx((known.low, known.high), abs=0.01)


def test_same_seed_same_interval():
    recount = averages({"mean": np.arange(50.0)})
    assert intervals(recount, 50, seed=1, resamples=50) == intervals(recount, 50, seed=1, resamples=50)
    assert intervals(recount, 50, seed=1, resamples=50) != intervals(recount, 50, seed=2, resamples=50)


def test_blocks_widen_the_interval_of_what_depends_on_its_neighbors():
    """The mean of a slow wave with noise is less sure than that of so many independent values."""
    generator = np.random.default_rng(4)
    noise = generator.normal(size=2_000)
    slow = np.array([noise[max(0, n - 49) : n + 1].sum() for n in range(2_000)])
    recount = averages({"mean": slow})
    width = {
        block: np.diff(intervals(recount, 2_000, seed=1, block=block, resamples=400)["mean"])[0] for block in (1, 100)
    }
    assert width[100] > 4 * width[1]


def test_what_is_not_a_number_in_a_sample_has_no_interval():
    assert not intervals(lambda counts: {"share": np.nan if counts[0] == 0 else 1.0}, 20, seed=1, resamples=100)
    assert not intervals(averages({"mean": np.ones(1)}), 1, seed=1)
