"""Importance of values: known functions are found again, and what cannot be known is not told."""

import math
import random

import numpy as np
import pytest
import sklearn.inspection

from dlkit.tuning.importance import ROUND, importances
from dlkit.tuning.scale import position
from dlkit.tuning.space import Dimension, Space
from dlkit.tuning.trials import Outcome, Repeated, Trial

RATE = Dimension("optimizer.learning_rate", "float", 1e-4, 1e-1, sampling="log")
UNITS = Dimension("units", "int", 8, 64)
COLOR = Dimension("color", "choice", choices={"red": "red", "green": "green", "blue": "blue"})
SPACE = Space((COLOR, UNITS, RATE))


def ranked(values, scores, epochs=None):
    trials = [
        Trial(number, told, told, {}, epochs=epochs and epochs[number - 1], outcome=Outcome("finished", score))
        for number, (told, score) in enumerate(zip(values, scores, strict=True), start=1)
    ]
    return [Repeated(trial, (trial.score,)) for trial in trials]


def drawn(count):
    """Trials at random places; the score hangs much on the rate, a little on the units, not on the color."""
    draw = random.Random(1)
    for _ in range(count):
        values = {
            RATE.path: 10 ** draw.uniform(-4, -1),
            UNITS.path: draw.randint(8, 64),
            COLOR.path: draw.choice(["red", "green", "blue"]),
        }
        yield values, 1 - abs(math.log10(values[RATE.path]) + 2) / 2 + values[UNITS.path] / 150


@pytest.fixture(scope="module")
def forty():
    return ranked(*zip(*drawn(40), strict=True))


def test_a_known_function_is_found_again(forty):
    found = importances(SPACE, forty)
    assert [each.path for each in found.values] == [RATE.path, UNITS.path, COLOR.path]
    assert found.values[0].mean > 3 * found.values[1].mean > 0
    assert abs(found.values[2].mean) < 0.05
    assert found.r2 > 0.6 and found.warning is None
    assert importances(SPACE, forty) == found


def test_what_the_scores_are_measured_in_does_not_matter(forty):
    """Nor does one trial that diverged: only the order of the scores counts."""
    told = [each.trial.told for each in forty]
    losses = [math.exp(-5 * each.mean) for each in forty]
    losses[losses.index(max(losses))] = 1e9
    assert [each.path for each in importances(SPACE, ranked(told, losses)).values] == [
        RATE.path,
        UNITS.path,
        COLOR.path,
    ]


def test_few_trials_for_so_many_values(forty):
    found = importances(SPACE, forty[:29])
    assert found.values and found.warning == ("Few trials: 29 for 3 values; 30 would be enough to rely on the order.")
    assert importances(SPACE, forty[:30]).warning is None
    assert not importances(SPACE, forty[:9]).values
    assert "Too few trials with a score: 9;" in importances(SPACE, forty[:9]).warning


def test_scores_that_do_not_depend_on_the_values(forty):
    noise = np.random.default_rng(1).normal(size=40)
    found = importances(SPACE, ranked([each.trial.told for each in forty], noise.tolist()))
    assert not found.values and found.r2 < 0.2 and "tells nothing" in found.warning


def test_nothing_to_tell_apart(forty):
    told = [each.trial.told for each in forty]
    assert importances(SPACE, ranked(told, [0.5] * 40)).warning == "All scores are equal."
    same = ranked([told[0]] * 40, [float(number) for number in range(40)])
    assert importances(SPACE, same).warning == "All trials with a score have the same values."
    for trials in ([], forty[:1]):
        assert not importances(SPACE, trials).values and importances(SPACE, trials).warning


def test_a_choice_is_shuffled_as_one_value():
    values, _ = zip(*drawn(60), strict=True)
    found = importances(SPACE, ranked(values, [float(told[COLOR.path] == "green") for told in values]))
    assert found.values[0].path == COLOR.path
    assert found.values[0].mean > 0.8 and abs(found.values[1].mean) < 0.1


def conditional(count, score):
    draw = random.Random(2)
    optimizer = Dimension("optimizer", "choice", choices={"Adam": {"Adam": {}}, "SGD": {"SGD": {}}})
    momentum = Dimension("optimizer.SGD.momentum", "float", 0.0, 1.0, only_with={"optimizer": ("SGD",)})
    nesterov = Dimension("optimizer.SGD.nesterov", "bool", only_with={"optimizer": ("SGD",)})
    values = []
    for _ in range(count):
        told = {"optimizer": draw.choice(["Adam", "SGD"]), "units": draw.randint(8, 64)}
        if told["optimizer"] == "SGD":
            told |= {momentum.path: draw.random(), nesterov.path: draw.random() < 0.5}
        values.append(told)
    return importances(Space((optimizer, UNITS, momentum, nesterov)), ranked(values, [score(told) for told in values]))


def test_a_value_that_is_not_there_is_no_number():
    """It is not there with Adam, but that the others are better is not its doing."""
    found = conditional(60, lambda told: float(told["optimizer"] == "Adam") + told["units"] / 300)
    means = {each.path: each.mean for each in found.values}
    assert found.values[0].path == "optimizer" and means["optimizer"] > 1
    assert abs(means["optimizer.SGD.momentum"]) < 0.05 and abs(means["optimizer.SGD.nesterov"]) < 0.05


def test_a_value_matters_where_it_is():
    found = conditional(80, lambda told: told.get("optimizer.SGD.momentum", 0.5))
    assert found.values[0].path == "optimizer.SGD.momentum"


def test_rounds_of_a_search_stand_beside_the_values():
    values, _ = zip(*drawn(40), strict=True)
    epochs = [3, 9, 27, 81] * 10
    found = importances(SPACE, ranked(values, [math.log(count) for count in epochs], epochs))
    assert found.values[0].path == ROUND and found.values[0].mean > 1
    assert ROUND not in {
        each.path for each in importances(SPACE, ranked(*zip(*drawn(40), strict=True), [9] * 40)).values
    }


def test_only_numbers_reach_scikit_learn(forty, monkeypatch):
    given = []
    measure = sklearn.inspection.permutation_importance

    def noted(forest, rows, truth, **how):
        given.extend([np.asarray(rows), np.asarray(truth), forest[0].transform(rows)])
        return measure(forest, rows, truth, **how)

    monkeypatch.setattr(sklearn.inspection, "permutation_importance", noted)
    told = [dict(each.trial.told) for each in forty]
    told[3][RATE.path] = math.nan
    del told[4][UNITS.path]
    scores = [each.mean for each in forty]
    scores[5], scores[6] = math.nan, math.inf
    assert importances(SPACE, ranked(told, scores)).values
    assert given and all(np.isfinite(each).all() for each in given)
    assert {each.shape[1] for each in given if each.ndim == 2} == {3, 5}  # values, and with a column a color
    assert len(np.concatenate(given[1::3])) == 38


@pytest.mark.parametrize("sampling", ["linear", "log", "reverse_log"])
@pytest.mark.parametrize("share", [0.0, 0.2, 0.7, 1.0])
def test_a_position_is_the_inverse_of_the_sampling(sampling, share):
    low, high = 0.01, 10.0
    value = {  # as Keras Tuner has it: hp_types/numerical.py, _sample_numerical_value
        "linear": low + share * (high - low),
        "log": low * (high / low) ** share,
        "reverse_log": high + low - low * (high / low) ** (1 - share),
    }[sampling]
    assert position(Dimension("x", "float", low, high, sampling=sampling), value) == pytest.approx(share, abs=1e-9)


def test_positions_of_choices():
    assert [position(COLOR, color) for color in ("red", "green", "blue")] == [0, 0.5, 1]
    assert [position(Dimension("x", "bool"), value) for value in (False, True)] == [0, 1]
    assert (
        position(Dimension("x", "int", 3, 3), 3) == position(Dimension("x", "choice", choices={"a": "a"}), "a") == 0.5
    )
