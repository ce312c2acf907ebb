"""Mackey-Glass and NARMA10: their values against independent computations, and their windows."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from dlkit.data.columns import Windows
from dlkit.data.load import load
from dlkit.data.sources import narma10 as narma10_source
from dlkit.data.sources.mackey_glass import mackey_glass, solve
from dlkit.data.sources.narma10 import ORDER, WASHOUT, drive, narma10
from dlkit.errors import DlkitError
from dlkit.recipe.facts import DataFacts


def by_the_method_of_steps(length: int, tau: int, start: float) -> np.ndarray:
    """The delay equation as ordinary ones, one for each span of a delay, by scipy's Runge-Kutta of the eighth order."""
    spans: list[Callable[[float], np.ndarray]] = [lambda t: np.array([start])]
    values = [start]
    while len(values) < length:
        begin, before = tau * (len(spans) - 1), spans[-1]

        def slope(t: float, x: np.ndarray, before: Callable[[float], np.ndarray] = before) -> np.ndarray:
            delayed = before(t - tau)
            return 0.2 * delayed / (1 + delayed**10) - 0.1 * x

        solved = solve_ivp(
            slope, (begin, begin + tau), [values[-1]], "DOP853", dense_output=True, rtol=1e-11, atol=1e-12
        )
        spans.append(solved.sol)
        values.extend(float(solved.sol(begin + step)[0]) for step in range(1, tau + 1))
    return np.array(values[:length])


@pytest.mark.parametrize(("tau", "start"), [(17, 1.2), (17, 1.11), (30, 1.2), (3, 0.9)])
def test_mackey_glass_solves_its_equation(tau: int, start: float) -> None:
    ours, theirs = solve(300, tau, start), by_the_method_of_steps(300, tau, start)
    assert np.abs(ours - theirs).max() < 2e-6
    assert np.ptp(ours[100:]) > 0.2 or tau == 3  # a short delay comes to rest


def test_mackey_glass_is_the_same_everywhere() -> None:
    """The sum was taken when this was written; chaos would change it with the last bit of any value."""
    series = mackey_glass(length=2_000).train.features["past"]
    assert isinstance(series, Windows)
    assert hashlib.sha256(series.series.astype("<f4").tobytes()).hexdigest()[:16] == "d3f9c80dd5f9c401"


def test_mackey_glass_windows_are_the_series() -> None:
    whole = mackey_glass(length=200, history=200 - 1).train
    series = np.append(np.asarray(whole.features["past"])[0, :, 0], np.asarray(whole.targets["future"])[0])
    made = mackey_glass(length=200, history=7, horizon=3).train
    past, future = np.asarray(made.features["past"]), np.asarray(made.targets["future"])
    assert past.shape == (191, 7, 1) and future.shape == (191, 3)
    for row in (0, 5, 190):
        assert np.array_equal(past[row, :, 0], series[row : row + 7])
        assert np.array_equal(future[row], series[row + 7 : row + 10])


@pytest.mark.parametrize(("history", "horizon"), [(7, 3), (3, 7), (1, 1), (20, 1)])
def test_splits_share_no_input_and_no_target(history: int, horizon: int) -> None:
    arguments = {"length": 400, "history": history, "horizon": horizon}
    splits = load("mackey_glass", arguments, declared=DataFacts(), seed=1)
    parts = [np.asarray(part.features["past"])[..., 0] for part in splits.named().values()]
    targets = [np.asarray(part.targets["future"]) for part in splits.named().values()]
    for values in (parts, targets):
        for one, other in ((0, 1), (1, 2), (0, 2)):
            assert not np.intersect1d(values[one], values[other]).size


def test_the_steps_of_one_series_go_on_from_split_to_split() -> None:
    splits = load("mackey_glass", {"length": 400}, declared=DataFacts(), seed=1)
    assert splits.validation is not None and splits.test is not None
    for before, after in ((splits.train, splits.validation), (splits.validation, splits.test)):
        last, first = np.asarray(before.targets["future"])[-1], np.asarray(after.features["past"])[0, 0]
        assert last == first


def test_another_seed_is_another_series_on_the_same_attractor() -> None:
    one, other = (np.asarray(mackey_glass(length=3_000, seed=seed).train.features["past"]) for seed in (1, 2))
    assert np.abs(one - other).max() > 0.1
    assert abs(one.mean() - other.mean()) < 0.02 and abs(one.std() - other.std()) < 0.02


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: mackey_glass(length=100, history=99, horizon=2), "`history: 99` and `horizon: 2` take 101 steps"),
        (lambda: narma10(length=100, history=101), "`history: 101` take 101 steps, but the series has 100"),
    ],
)
def test_a_series_shorter_than_an_example_is_refused(make: Callable[[], object], told: str) -> None:
    with pytest.raises(DlkitError, match=told) as raised:
        make()
    assert raised.value.cure == "give a larger `length`, or a smaller `history`"


def test_narma10_is_its_formula() -> None:
    inputs = np.random.default_rng(1).random(500) / 2
    u, y = np.append(np.zeros(9), inputs), np.zeros(510)
    for t in range(9, 509):
        y[t + 1] = 0.3 * y[t] + 0.05 * y[t] * y[t - 9 : t + 1].sum() + 1.5 * u[t - 9] * u[t] + 0.1
    ours = drive(inputs)
    assert ours is not None and np.abs(ours - y[10:]).max() < 1e-12


def test_narma10_pairs_an_output_with_the_input_before_it() -> None:
    made = narma10(length=300, history=ORDER).train
    u, y = np.asarray(made.features["input"])[..., 0], np.asarray(made.targets["output"])
    assert u.shape == (291, ORDER) and y.shape == (291,) and 0 <= u.min() < u.max() < 0.5
    for row in range(ORDER, 291):  # y[row] is y(t+1), y[row - 1] is y(t)
        expected = (
            0.3 * y[row - 1] + 0.05 * y[row - 1] * y[row - ORDER : row].sum() + 1.5 * u[row, 0] * u[row, -1] + 0.1
        )
        assert y[row] == pytest.approx(expected, abs=1e-6)


def test_inputs_that_diverge_are_drawn_anew() -> None:
    from dlkit.data.sources._drawn import chance

    assert drive(chance(142, 0, 0).random(10_000 + WASHOUT) / 2) is None
    inputs = np.asarray(narma10(seed=142).train.features["input"])[:, 0, 0]
    assert np.array_equal(inputs, (chance(142, 0, 1).random(10_000 + WASHOUT) / 2)[WASHOUT:].astype(np.float32))
    assert np.asarray(narma10(seed=142).train.targets["output"]).max() < 2


def test_where_all_draws_diverge_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(narma10_source, "DIVERGED", 0.5)
    with pytest.raises(DlkitError, match="`length: 200`: NARMA10 diverges") as raised:
        narma10(length=200)
    assert raised.value.cure == "give a smaller `length`"
