"""Baselines against answers by hand, and skill against them."""

import numpy as np
import pytest

from dlkit.errors import DlkitError
from dlkit.evaluation.baselines.majority import majority
from dlkit.evaluation.baselines.persistence import persistence
from dlkit.evaluation.baselines.seasonal_naive import seasonal_naive
from dlkit.evaluation.given import Given
from dlkit.evaluation.held_against import HeldAgainst
from dlkit.recipe.facts import Continues, Target


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
    held = HeldAgainst("persistence", persistence, is_choice=False)
    held.update(given([[[1.0]], [[2.0]]], 1), np.array([[2.0], [5.0]]))  # off by 1 and by 3
    found = held.recount(lambda counts: {"mean_absolute_error": 0.5})(np.array([1.0, 1.0]))
    assert found == {
        "mean_absolute_error": 0.5,
        "persistence_mean_absolute_error": 2.0,
        "skill_over_persistence": 0.75,
    }
