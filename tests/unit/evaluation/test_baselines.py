"""Baselines against answers by hand, and skill against them."""

import numpy as np
import pytest

from dlkit.data.columns import Windows
from dlkit.errors import DlkitError
from dlkit.evaluation.baselines import linear_autoregression as regression
from dlkit.evaluation.baselines.linear_autoregression import linear_autoregression
from dlkit.evaluation.baselines.majority import majority
from dlkit.evaluation.baselines.noisy_input import noisy_input
from dlkit.evaluation.baselines.persistence import persistence
from dlkit.evaluation.baselines.seasonal_naive import seasonal_naive
from dlkit.evaluation.given import Given
from dlkit.evaluation.held_against import ERRORS, HeldAgainst
from dlkit.evaluation.tasks import make_task
from dlkit.recipe.facts import Continues, Target
from dlkit.recipe.task_metrics import baseline_metrics, task_metrics


def given(past, horizon, offset=0, columns=(0,)):
    target = Target("number", (horizon,), continues=Continues("past", columns, offset))
    return Given({"past": np.asarray(past, "float32")}, target, (len(past), horizon), np.zeros(1))


def test_persistence_is_the_last_known_value():
    past = [[[1.0], [2.0]], [[3.0], [np.nan]]]
    assert persistence(given(past, 3)).tolist() == [[2, 2, 2], [3, 3, 3]]


def test_persistence_of_one_column_of_several():
    assert persistence(given([[[1.0, 7.0], [2.0, 8.0]]], 2, columns=(1,))).tolist() == [[8, 8]]


@pytest.mark.parametrize(
    ("offset", "wanted"), [(0, [10, 11, 12, 10, 11]), (1, [11, 12, 10, 11, 12]), (3, [10, 11, 12, 10, 11])]
)
def test_seasonal_naive_goes_on_with_the_last_season(offset, wanted):
    past = [[[float(value)] for value in (7, 8, 9, 10, 11, 12)]]
    assert seasonal_naive(given(past, 5, offset), period=3).tolist() == [wanted]


def test_a_season_longer_than_the_history_is_refused():
    with pytest.raises(DlkitError, match="`history` of at least 4"):
        seasonal_naive(given([[[1.0], [2.0]]], 1), period=4)


def test_a_baseline_without_the_series_is_refused():
    with pytest.raises(DlkitError, match="last values"):
        persistence(Given({}, Target("number", (2,)), (1, 2), np.zeros(1)))


def test_majority_is_the_class_that_most_training_examples_have():
    asked = Given({}, Target("classes", classes=3), (4,), np.array([0, 2, 2, 1]))
    assert majority(asked).tolist() == [2, 2, 2, 2]


def test_skill_is_the_share_of_the_baselines_error_that_is_gone():
    held = HeldAgainst("persistence", persistence, "absolute")
    held.update(given([[[1.0]], [[2.0]]], 1), np.array([[2.0], [5.0]]))  # off by 1 and by 3
    found = held.recount(lambda counts: {"mean_absolute_error": 0.5})(np.array([1.0, 1.0]))
    assert found == {
        "mean_absolute_error": 0.5,
        "persistence_mean_absolute_error": 2.0,
        "skill_over_persistence": 0.75,
    }


@pytest.mark.parametrize("task", ["classification", "forecasting", "reconstruction", "regression"])
def test_what_a_recipe_may_expect_of_a_baseline_is_what_is_measured(task):
    error = ERRORS.get(task, "absolute")
    held = HeldAgainst("mean", lambda asked: np.full(asked.shape, 2), error)
    held.update(Given({}, Target("number", ()), (2,), np.zeros(1)), np.array([1, 2]))
    of_model = {f"mean_{error}_error": 0.25, "psnr": 9.0} if error == "squared" else {f"mean_{error}_error": 0.25}
    found = held.recount(lambda counts: of_model)(np.ones(2))
    assert found.keys() - of_model.keys() == set(baseline_metrics("mean", task))


def series(steps, variables=1):
    noise = np.random.default_rng(0).normal(size=(steps, variables))
    return (np.sin(np.arange(steps) / 5)[:, None] * 10 + noise + np.arange(variables)).astype("float32")


def windows(values, history, horizon, columns=(0,)):
    starts = np.arange(len(values) - history - horizon + 1)
    return Windows(values, starts, history), Windows(values[:, list(columns)], starts + history, horizon)


@pytest.mark.parametrize(("variables", "columns"), [(1, (0,)), (3, (2, 0))])
def test_linear_autoregression_is_least_squares_on_the_training_windows(monkeypatch, variables, columns):
    monkeypatch.setattr(regression, "_BLOCK", 37)  # several blocks, the last one smaller
    past, future = windows(series(200, variables), 6, 3, columns)
    target = Target("number", future.shape[1:], continues=Continues("past", columns, 0))
    ask, memory = series(60, variables)[None, :6], {}
    asked = Given({"past": ask}, target, (1, *future.shape[1:]), future, {"past": past}, memory)
    rows = np.asarray(past)[:, :, list(columns)].reshape(len(past), -1).astype("float64")
    rows, told = np.c_[np.ones(len(rows)), rows], np.asarray(future, "float64").reshape(len(past), -1)
    weights = np.linalg.lstsq(rows, told, rcond=None)[0]
    expected = np.r_[1, ask[0][:, list(columns)].ravel()] @ weights
    np.testing.assert_allclose(linear_autoregression(asked).ravel(), expected, rtol=1e-8)
    assert memory, "the next batch uses what was fitted"


def test_linear_autoregression_continues_a_sine_without_error():
    values = np.sin(np.arange(100) / 3)[:, None]
    past, future = windows(values, 2, 4)  # a sine is a sum of its two last values
    target = Target("number", (4,), continues=Continues("past", (0,), 0))
    asked = Given({"past": np.asarray(past)}, target, future.shape[:2], future, {"past": past})
    np.testing.assert_allclose(linear_autoregression(asked), np.asarray(future)[..., 0], atol=1e-9)


def test_linear_autoregression_takes_no_missing_values():
    past, future = windows(series(50), 6, 3)
    target = Target("number", (3,), continues=Continues("past", (0,), 0))
    asked = Given({"past": np.full((1, 6, 1), np.nan)}, target, (1, 3), future, {"past": past})
    with pytest.raises(DlkitError, match="missing"):
        linear_autoregression(asked)


def test_the_gain_over_noisy_inputs_in_decibels():
    clean = np.random.default_rng(1).uniform(size=(6, 4)).astype("float32")
    noise, left = np.random.default_rng(2).normal(size=(2, 6, 4)) * [[[0.3]], [[0.1]]]
    target = Target("inputs", (4,), "float32")
    task, against = make_task(target, False), HeldAgainst("noisy_input", noisy_input, "squared")
    task.update(clean, clean + left)
    against.update(Given({}, target, clean.shape, None, inputs=clean + noise, has_noise=True), clean)
    found = against.recount(task.result().recount)(np.ones(6))
    ratio = {
        name: 10 * np.log10(np.ptp(clean) ** 2 / np.mean(off**2)) for name, off in (("given", noise), ("back", left))
    }
    assert found["noisy_input_psnr"] == pytest.approx(ratio["given"], rel=1e-5)
    assert found["psnr"] == pytest.approx(ratio["back"], rel=1e-5)
    assert found["psnr_gain_over_noisy_input"] == pytest.approx(ratio["back"] - ratio["given"], rel=1e-5)
    assert set(found) == {*task_metrics(target), *baseline_metrics("noisy_input", "reconstruction")}


def test_without_noise_there_is_nothing_to_gain():
    target = Target("inputs", (4,), "float32")
    with pytest.raises(DlkitError, match="noise"):
        noisy_input(Given({}, target, (1, 4), None, inputs=np.zeros((1, 4))))
