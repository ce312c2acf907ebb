"""The median rule: who was never better than half of the others are on average has to go."""

from __future__ import annotations

import pytest

from dlkit.tuning.median_rule import falls_behind

OTHERS = [[0.9, 0.4, 0.2], [0.8, 0.6, 0.1], [0.7, 0.1, 0.7]]  # on average 0.9, 0.65, 0.5; 0.8, 0.7, 0.5; 0.7, 0.4, 0.5


@pytest.mark.parametrize(
    ("scores", "direction", "is_behind"),
    [
        ([0.85], "min", True),  # the median of the first epochs is 0.8
        ([0.8], "min", False),
        ([0.85, 0.64], "min", False),  # the median of the averages is 0.65; that of the second epochs would be 0.4
        ([0.85, 0.66], "min", True),
        ([0.64, 0.99], "min", False),  # its best epoch counts
        ([0.9, 0.9, 0.51], "min", True),
        ([0.75], "max", True),
        ([0.85], "max", False),
        ([0.1, 0.66], "max", False),
        ([0.1, 0.64], "max", True),
    ],
)
def test_the_best_so_far_is_held_against_the_median_of_the_averages(
    scores: list[float], direction: str, is_behind: bool
) -> None:
    assert falls_behind(scores, OTHERS, direction, after=1) is is_behind


def test_every_trial_is_given_some_epochs_and_few_others_say_nothing() -> None:
    assert not falls_behind([9.0], OTHERS, "min", after=2)
    assert falls_behind([9.0, 9.0], OTHERS, "min", after=2)
    assert not falls_behind([9.0], OTHERS[:2], "min", after=1)
    assert not falls_behind([9.0, 9.0, 9.0, 9.0], OTHERS, "min", after=1)  # none of them came so far
