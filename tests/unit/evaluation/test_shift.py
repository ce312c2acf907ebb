"""Shifts are made on purpose, found, and told apart; where there is none, none is seen."""

from __future__ import annotations

import numpy as np
import pytest

from dlkit.data.arrays import Arrays
from dlkit.data.columns import Windows
from dlkit.evaluation.description import describe
from dlkit.evaluation.shift import Shift, measure_shift
from dlkit.evaluation.two_samples import Pair, auc_of, equal_shares, judged_half, share_distance
from dlkit.recipe.facts import DataFacts, Feature, Target

WEIGHTS = np.random.default_rng(99).normal(size=(4, 3)) * 1.5
TABLE = DataFacts(
    {"table": Feature("vector", (4,), columns=("a", "b", "c", "d"))},
    {"label": Target("classes", (), classes=3, labels=("p", "q", "r"))},
)
SEEDS = range(6)


def draw(seed: int, size: int = 500, moved: float = 0, keep: tuple[float, ...] = (1, 1, 1), renamed: bool = False):
    """Examples of three classes whose log odds are linear in four normal numbers."""
    random = np.random.default_rng([seed, int(10 * moved), renamed])
    x = random.normal(size=(6 * size, 4))
    x[:, 0] += moved
    odds = np.exp(x @ WEIGHTS)
    if renamed:
        odds = odds[:, [1, 0, 2]]
    shares = odds / odds.sum(axis=1, keepdims=True)
    y = (shares.cumsum(axis=1) > random.random((len(x), 1))).argmax(axis=1)
    kept = np.flatnonzero(random.random(len(y)) < np.array(keep)[y])[:size]
    return Arrays({"table": x[kept].astype(np.float32)}, {"label": y[kept].astype(np.int32)})


def shifts(**second: object) -> list[Shift]:
    return [measure_shift(draw(seed), draw(seed + 100, **second), TABLE, seed=seed) for seed in SEEDS]


def test_no_shift_gives_no_sign():
    found = shifts()
    assert sum(shift.found for shift in found) <= 1  # three tests at 0.01 each, six times
    assert np.mean([shift.covariate.auc for shift in found]) == pytest.approx(0.5, abs=0.03)
    assert all(shift.covariate.low < shift.covariate.auc < shift.covariate.high for shift in found)
    assert "no sign" in found[0].covariate.verdict


def test_a_covariate_shift_is_found_with_its_column_and_is_no_concept_shift():
    found = shifts(moved=0.6)
    assert all(shift.covariate.found and not shift.covariate.by_prior for shift in found)
    assert all(next(iter(shift.covariate.columns)) == "a" for shift in found)
    assert not any(shift.concept["label"].found for shift in found)
    assert "most by a (0." in found[0].covariate.verdict


def test_a_prior_shift_is_found_and_explains_the_inputs():
    found = shifts(keep=(1, 0.1, 0.3))
    assert all(shift.prior["label"].found for shift in found)
    assert sum(shift.covariate.found or shift.concept["label"].found for shift in found) <= 1
    assert sum(shift.covariate.by_prior for shift in found) >= 5
    assert "as far as the shares of the classes do" in next(s for s in found if s.covariate.by_prior).covariate.verdict


def test_a_concept_shift_is_found_where_the_inputs_are_alike():
    found = shifts(renamed=True)
    assert all(shift.concept["label"].found for shift in found)
    assert sum(shift.covariate.found for shift in found) <= 1
    assert found[0].concept["label"].verdict.startswith("strong")


def test_targets_are_not_compared_where_no_inputs_are_alike():
    shift = measure_shift(draw(1), draw(2, moved=4), TABLE)
    assert shift.covariate.verdict.startswith("strong")
    assert shift.concept["label"].correlation is None and "not judged" in shift.concept["label"].verdict


def test_class_shares_and_their_distance():
    first, second = (
        Arrays({"table": np.zeros((100, 4))}, {"label": np.repeat([0, 1, 2], n)}) for n in ([50, 30, 20], [20, 30, 50])
    )
    prior = measure_shift(first, second, TABLE).prior["label"]
    assert prior.distance == pytest.approx(0.3) and prior.found
    assert prior.shares == {"p": (0.5, 0.2), "q": (0.3, 0.3), "r": (0.2, 0.5)}
    assert "50.0% and 20.0%" in prior.verdict


def test_the_chi_square_of_two_by_two_is_scipys():
    from scipy.stats import chi2_contingency

    _, p_value = share_distance(np.repeat([0, 1], [30, 20]), np.repeat([0, 1], [20, 40]), 2)
    assert p_value == pytest.approx(chi2_contingency([[30, 20], [20, 40]]).pvalue)


def test_numbers_are_compared_and_judged_beyond_the_inputs():
    facts = DataFacts(TABLE.features, {"price": Target("number", (), "float32")})
    random = np.random.default_rng(5)
    x = random.normal(size=(2, 500, 4)).astype(np.float32)
    first, second = (
        Arrays({"table": part}, {"price": (part @ slope + random.normal(size=500) * 0.1).astype(np.float32)})
        for part, slope in zip(x, ([1, 0, 0, 0], [-1, 0, 0, 0]), strict=True)
    )
    shift = measure_shift(first, second, facts)
    assert shift.concept["price"].found and not shift.prior["price"].found and not shift.covariate.found
    higher = Arrays(first.features, {"price": first.targets["price"] + 1})
    assert measure_shift(first, higher, facts).prior["price"].found


def test_every_kind_of_feature_is_described_and_its_shift_found():
    random, size = np.random.default_rng(3), 200
    features = {
        "photo": Feature("image", (20, 18, 3), "uint8"),
        "words": Feature("text", (), "string"),
        "tokens": Feature("sequence", (12,), "int32"),
        "series": Feature("sequence", (30, 2), "float32"),
        "sound": Feature("audio", (400,), "float32"),
        "colors": Feature("category", (2,), "string", columns=("one", "two")),
        "number": Feature("number", (), "float32"),
    }

    def sample(shift: float) -> dict[str, object]:
        number = random.normal(shift, 1, size).astype(np.float32)
        number[::7] = np.nan
        drift = random.normal(size=(size, 30, 2)).cumsum(axis=1) * (1 + shift)
        return {
            "photo": np.clip(random.normal(100, 20 + 10 * shift, (size, 20, 18, 3)), 0, 255).astype(np.uint8),
            "words": np.array([" ".join(random.choice(list("abcdef"[int(shift) :]), 9)) for _ in range(size)], object),
            "tokens": random.integers(1 + int(shift), 9, (size, 12)).astype(np.int32),
            "series": drift.astype(np.float32),
            "sound": np.diff(random.normal(size=(size, 401)).cumsum(axis=1) * (1 + shift)).astype(np.float32),
            "colors": random.choice(["red", "blue", "", "green"][int(shift) :], (size, 2)).astype(object),
            "number": number,
        }

    same, again, other = sample(0), sample(0), sample(1)
    for name, feature in features.items():
        facts = DataFacts({name: feature})
        alike, differing = (
            measure_shift(Arrays({name: same[name]}, {}), Arrays({name: part[name]}, {}), facts)
            for part in (again, other)
        )
        assert differing.covariate.found and not alike.covariate.found, name
    both = describe(Arrays(same, {}), Arrays(again, {}), DataFacts(features), 0)
    assert both[0].shape == both[1].shape and np.isfinite(np.delete(both[0], [-1, -2, -3], axis=1)).all()


def test_a_label_of_several_that_is_rarer_is_found():
    facts = DataFacts({"x": Feature("number", ())}, {"tags": Target("multi_label", (2,), classes=2, labels=("s", "t"))})
    random = np.random.default_rng(0)
    first, second = (
        Arrays(
            {"x": random.normal(size=400).astype(np.float32)},
            {"tags": (random.random((400, 2)) < shares).astype(np.int32)},
        )
        for shares in ([0.5, 0.5], [0.5, 0.2])
    )
    shift = measure_shift(first, second, facts)
    assert shift.prior["tags"].found and "most that of t" in shift.prior["tags"].verdict
    assert shift.concept == {}


def test_few_examples_are_not_judged():
    shift = measure_shift(draw(1, 20), draw(2, 500), TABLE)
    assert shift.covariate is None and set(shift.prior) == {"label"} and shift.concept == {}


def test_overlapping_windows_of_one_series_stand_for_each_other():
    facts = DataFacts({"past": Feature("sequence", (10, 1), "float32")})
    noise = np.random.default_rng(0).normal(size=(6000, 1)).astype(np.float32)
    first, second = (
        Arrays({"past": Windows(part, np.arange(len(part) - 10), 10)}, {}) for part in (noise[:3000], noise[3000:])
    )
    shift = measure_shift(first, second, facts, ordered=True, gap=9)
    assert shift.examples == (299, 299) and not shift.found


def test_samples_are_cut_to_a_bounded_size(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("dlkit.evaluation.shift.MOST", 100)
    assert measure_shift(draw(1), draw(2), TABLE).examples == (100, 100)


def test_a_measurement_is_the_seeds():
    assert measure_shift(draw(1), draw(2), TABLE, seed=3) == measure_shift(draw(1), draw(2), TABLE, seed=3)


def test_the_auc_is_scikit_learns():
    from sklearn.metrics import roc_auc_score

    random = np.random.default_rng(0)
    pair = Pair(np.zeros((300, 1)), np.zeros((200, 1)), judged_half((300, 200), 0, False), 0)
    scores = random.random(int(pair.judged.sum())) + 0.2 * pair.is_second[pair.judged]
    auc, error, p_value = auc_of(pair, scores)
    assert auc == pytest.approx(roc_auc_score(pair.is_second[pair.judged], scores))
    drawn = [
        roc_auc_score(np.repeat([0, 1], [150, 100]), np.concatenate([random.random(150), random.random(100) + 0.2]))
        for _ in range(300)
    ]
    assert error == pytest.approx(np.std(drawn), rel=0.25) and p_value < 0.01


def test_equal_shares_take_as_many_of_each_class_from_both():
    pair = Pair(np.zeros((30, 1)), np.zeros((20, 1)), np.zeros(50, bool), 0)
    classes = np.concatenate([np.repeat([0, 1], [25, 5]), np.repeat([0, 1], [8, 12])])
    rows = equal_shares(pair, classes)
    for label, count in ((0, 8), (1, 5)):
        of_label = classes[rows] == label
        assert (of_label & pair.is_second[rows]).sum() == (of_label & ~pair.is_second[rows]).sum() == count
