"""Tells whether two samples come from the same distribution, and if not, what has shifted.

- Covariate shift, in the inputs: a classifier that learned from one half of the examples is asked which sample an example
  of the other half is of. Its ROC AUC is 0.5 where there is no shift (Lopez-Paz and Oquab, 2017, "Revisiting Classifier
  Two-Sample Tests", arXiv:1610.06545). One split in halves, since the errors of folds that learn from each other are not
  independent: without a shift, their sum varies twice as much.
- Prior shift, in the targets: class shares by the chi-square test, numbers by that of Kolmogorov and Smirnov.
- Concept shift, in what the target is for an input: does y tell the samples apart beyond x? The residual of "which
  sample, given x" is multiplied with the residual of a function of x and y that was learned on other examples; where
  y does not help, the products have the mean 0 (Lundborg, Kim, Shah and Samworth, 2024, "The projected covariance measure
  for assumption-lean variable significance testing", Annals of Statistics 52(6), arXiv:2211.02039). The function is
  the log ratio of the probabilities that models of either sample give to y.

One shift entails signs of another: other class shares change the inputs, and what y is for an x. So where class shares
differ, the inputs and the concept are judged once more on as many examples of each class from either sample: what is
gone then was the prior shift's (Lipton, Wang and Smola, 2018, arXiv:1802.03916, call that label shift).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dlkit.data.arrays import Arrays
from dlkit.evaluation.description import describe, table_columns
from dlkit.recipe.facts import DataFacts, Target

MOST = 5000  # examples of each sample that classifiers are shown
LEAST = 40  # of each sample, below which nothing is judged
ALPHA = 0.01  # how often a test sees a shift where there is none
_STRETCHES = 10  # that ordered examples are cut into; every second one is judged
_TREES = 100
_FLOOR = 0.02  # of a probability, before its logarithm is taken
_BINS = 5  # that real targets are cut into
_LEAST_CORRELATION = 0.05
_NO_OVERLAP = 0.8  # an AUC above which too few inputs are likely in both samples to compare their targets
_COLUMNS = 5  # of a table that are named


@dataclass(frozen=True, slots=True)
class Covariate:
    """Whether the inputs differ.

    Args:
        auc: Of the classifier that tells the samples apart; 0.5 is chance.
        low: End of the 95 % interval of the AUC.
        high: The other end.
        p_value: Probability of such an AUC without a shift.
        found: Whether there is a sign of shift.
        by_prior: Whether it is gone where the class shares are made equal.
        columns: The columns of tables that differ most, by the largest distance of their distribution functions.
        verdict: In words.
    """

    auc: float
    low: float
    high: float
    p_value: float
    found: bool
    by_prior: bool
    columns: dict[str, float]
    verdict: str


@dataclass(frozen=True, slots=True)
class Prior:
    """Whether the shares of classes differ, or the distribution of a number.

    Args:
        distance: Total variation distance of the class shares, or the largest distance of the distribution functions: 0 for
            equal ones, 1 for those that have nothing in common.
        p_value: Probability of such a distance without a shift.
        found: Whether there is a sign of shift.
        shares: By class, its share in the first and in the second sample.
        verdict: In words.
    """

    distance: float
    p_value: float
    found: bool
    shares: dict[str, tuple[float, float]]
    verdict: str


@dataclass(frozen=True, slots=True)
class Concept:
    """Whether the target is another one for the same input.

    Args:
        correlation: Of what the inputs do not tell of the sample with what they do not tell of the target; 0 without a
            shift. None where the inputs of the samples overlap too little to judge.
        p_value: Probability of such a correlation without a shift.
        found: Whether there is a sign of shift that class shares do not explain.
        verdict: In words.
    """

    correlation: float | None
    p_value: float | None
    found: bool
    verdict: str


_UNJUDGED = Concept(
    None, None, False, "not judged: hardly any inputs are alike, so that their targets cannot be compared"
)


@dataclass(frozen=True, slots=True)
class Shift:
    """What differs between two samples.

    Args:
        examples: The examples that were looked at, of each sample.
        covariate: Of the inputs; None where there are too few examples.
        prior: By target.
        concept: By target of classes or of numbers.
    """

    examples: tuple[int, int]
    covariate: Covariate | None = None
    prior: dict[str, Prior] = field(default_factory=dict)
    concept: dict[str, Concept] = field(default_factory=dict)

    @property
    def found(self) -> bool:
        """Whether there is a sign of any shift."""
        told = [self.covariate, *self.prior.values(), *self.concept.values()]
        return any(one.found for one in told if one is not None)


def measure_shift(
    first: Arrays, second: Arrays, facts: DataFacts, *, seed: int = 0, ordered: bool = False, gap: int = 0
) -> Shift:
    """Compares two samples of examples.

    Args:
        first: One sample, as the training split.
        second: The other.
        facts: Of both: features, and the targets to compare.
        seed: Of the examples that are drawn where there are many, and of the classifiers.
        ordered: Whether the examples follow each other in time; each is then judged by those of other times.
        gap: How many neighbors an example overlaps with; it stands for all of them.
    """
    kept = [_sample(arrays, seed, ordered, gap) for arrays in (first, second)]
    sizes = (len(kept[0]), len(kept[1]))
    prior = {
        name: _prior(*(_thinned(np.asarray(arrays.targets[name]), ordered, gap) for arrays in (first, second)), target)
        for name, target in facts.targets.items()
        if target.kind != "sequence"
    }
    if min(sizes) < LEAST:
        return Shift(sizes, None, prior)
    inputs = describe(kept[0], kept[1], facts, seed)
    pair = _Pair(*inputs, _judged(sizes, seed, ordered), seed)
    classes = {
        name: _classes(*(np.asarray(arrays.targets[name]) for arrays in kept), target)
        for name, target in facts.targets.items()
        if target.kind in ("classes", "number") and target.shape in ((), (1,))
    }
    scores = _sample_probabilities(pair)
    changed = [(name, y) for name, y in classes.items() if prior[name].found]
    columns = _columns(kept[0], kept[1], facts)
    covariate = _covariate(pair, scores, columns, [_equal_shares(pair, y) for _, y in changed[:1]])
    concept = {
        name: _UNJUDGED if covariate.auc > _NO_OVERLAP else _concept(pair, y, scores, prior[name].found)
        for name, y in classes.items()
    }
    return Shift(sizes, covariate, prior, concept)


# Samples


@dataclass(frozen=True, slots=True)
class _Pair:
    """The described inputs of two samples, and which examples are judged by what is learned from the others.

    The examples of the first sample stand first.
    """

    first: np.ndarray
    second: np.ndarray
    judged: np.ndarray
    seed: int

    @property
    def x(self) -> np.ndarray:
        return np.concatenate([self.first, self.second])

    @property
    def is_second(self) -> np.ndarray:
        return np.repeat([False, True], [len(self.first), len(self.second)])


def _thinned(values: np.ndarray, ordered: bool, gap: int) -> np.ndarray:
    return values[:: gap + 1] if ordered else values


def _sample(arrays: Arrays, seed: int, ordered: bool, gap: int) -> Arrays:
    rows = _thinned(np.arange(len(arrays)), ordered, gap)
    if len(rows) > MOST:
        rows = np.sort(np.random.default_rng(seed).choice(rows, MOST, replace=False))
    return arrays.take(rows)


def _judged(sizes: tuple[int, int], seed: int, ordered: bool) -> np.ndarray:
    """Which examples are judged: half of each sample; stretches of time where the examples are ordered, else at random."""
    drawn = np.random.default_rng(seed)
    return np.concatenate(
        [
            np.arange(size) * _STRETCHES // size % 2 == 1 if ordered else drawn.permutation(size) % 2 == 1
            for size in sizes
        ]
    )


def _equal_shares(pair: _Pair, classes: np.ndarray) -> np.ndarray:
    """The rows of as many examples of each class from the first as from the second sample."""
    drawn = np.random.default_rng(pair.seed)
    rows = []
    for label in np.unique(classes):
        of_class = [np.flatnonzero((classes == label) & (pair.is_second == second)) for second in (False, True)]
        count = min(map(len, of_class))
        rows.extend(drawn.permutation(found)[:count] for found in of_class)
    return np.sort(np.concatenate(rows))


def _subset(pair: _Pair, rows: np.ndarray) -> _Pair:
    size = len(pair.first)
    return _Pair(pair.x[rows[rows < size]], pair.x[rows[rows >= size]], pair.judged[rows], pair.seed)


# Inputs


def _forest(seed: int) -> Any:
    from sklearn.ensemble import ExtraTreesClassifier

    return ExtraTreesClassifier(_TREES, min_samples_leaf=5, n_jobs=-1, random_state=seed)


def _probabilities(pair: _Pair, labels: np.ndarray, among: np.ndarray, count: int) -> np.ndarray:
    """Probabilities of `count` labels for the examples that are judged, learned from those `among` the others."""
    x, learned = pair.x, among & ~pair.judged
    forest = _forest(pair.seed).fit(x[learned], labels[learned])
    given = np.zeros((int(pair.judged.sum()), count))
    given[:, forest.classes_] = forest.predict_proba(x[pair.judged])
    return given


def _sample_probabilities(pair: _Pair) -> np.ndarray:
    """For each example that is judged, the probability that it is of the second sample."""
    return _probabilities(pair, pair.is_second.astype(int), np.ones(len(pair.judged), bool), 2)[:, 1]


def _auc(pair: _Pair, scores: np.ndarray) -> tuple[float, float, float]:
    """The AUC, its standard error, and the probability of one so large without a shift (Mann and Whitney).

    The error is that of Hanley and McNeil (1982), "The meaning and use of the area under a receiver operating
    characteristic (ROC) curve", Radiology 143(1).
    """
    from scipy.stats import mannwhitneyu

    is_second = pair.is_second[pair.judged]
    told = mannwhitneyu(scores[is_second], scores[~is_second], alternative="greater")
    n, m = int(is_second.sum()), int((~is_second).sum())
    auc = float(told.statistic) / (n * m)
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = (auc * (1 - auc) + (n - 1) * (q1 - auc**2) + (m - 1) * (q2 - auc**2)) / (n * m)
    return auc, float(np.sqrt(variance)), float(told.pvalue)


def _covariate(pair: _Pair, scores: np.ndarray, columns: dict[str, float], equal_shares: list[np.ndarray]) -> Covariate:
    auc, error, p_value = _auc(pair, scores)
    low, high = max(0.0, auc - 1.96 * error), min(1.0, auc + 1.96 * error)
    found = p_value < ALPHA
    by_prior = False
    for rows in equal_shares if found else []:
        if len(rows) >= 2 * LEAST:
            same = _subset(pair, rows)
            by_prior = _auc(same, _sample_probabilities(same))[2] >= ALPHA
    interval = f"AUC {auc:.3f}, 95 % interval {low:.3f} to {high:.3f}; 0.5 is chance"
    if not found:
        verdict = f"no sign: a classifier cannot tell the samples apart ({interval})"
    elif by_prior:
        verdict = f"none of its own: the inputs differ ({interval}) as far as the shares of the classes do"
    else:
        degree = "slight" if auc < 0.6 else "clear" if auc < 0.8 else "strong"
        verdict = f"{degree}: a classifier tells the samples apart ({interval})"
        if columns:
            verdict += "; most by " + ", ".join(f"{name} ({distance:.2f})" for name, distance in columns.items())
    return Covariate(auc, low, high, p_value, found and not by_prior, by_prior, columns, verdict)


def _columns(first: Arrays, second: Arrays, facts: DataFacts) -> dict[str, float]:
    """The columns whose values differ more than by chance, those that differ most first, with their distances."""
    theirs = table_columns(second, facts)
    tested = {name: _distance(values, theirs[name]) for name, values in table_columns(first, facts).items()}
    told = {name: distance for name, (distance, p_value) in tested.items() if p_value < ALPHA / len(tested)}
    return dict(sorted(told.items(), key=lambda entry: -entry[1])[:_COLUMNS])


def _distance(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """How far two columns are apart, from 0 to 1, and the probability of that without a shift; missing is a value too."""
    if first.dtype.hasobject:
        names, codes = np.unique(np.concatenate([first, second]).astype(str), return_inverse=True)
        return _share_distance(codes[: len(first)], codes[len(first) :], len(names))
    lowest = float(np.finfo(np.float32).min)
    return _number_distance(np.nan_to_num(first, nan=lowest), np.nan_to_num(second, nan=lowest))


# Targets


def _share_distance(first: np.ndarray, second: np.ndarray, classes: int) -> tuple[float, float]:
    """Total variation distance, and the p-value of the chi-square test."""
    from scipy.stats import chi2_contingency

    counts = np.stack([np.bincount(values.astype(int), minlength=classes) for values in (first, second)])
    counts = counts[:, counts.sum(axis=0) > 0]
    shares = counts / counts.sum(axis=1, keepdims=True)
    distance = float(np.abs(shares[0] - shares[1]).sum() / 2)
    return distance, float(chi2_contingency(counts).pvalue) if counts.shape[1] > 1 else 1.0


def _number_distance(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    from scipy.stats import ks_2samp

    told = ks_2samp(first, second)
    return float(told.statistic), float(told.pvalue)


def _prior(first: np.ndarray, second: np.ndarray, target: Target) -> Prior:
    if target.kind == "number":
        tested = [
            _number_distance(ours, theirs) for ours, theirs in zip(*map(_columns_of, (first, second)), strict=True)
        ]
        return _told_prior(tested, {}, "distributions", "largest distance of the distribution functions")
    size = target.classes or int(max(first.max(), second.max())) + 1
    labels = target.labels or tuple(map(str, range(size)))
    if target.kind == "multi_label":
        pairs = zip(*map(_columns_of, (first, second)), strict=True)
        tested = [_share_distance(ours, theirs, 2) for ours, theirs in pairs]
        shares = [first.mean(axis=0), second.mean(axis=0)]
    else:
        tested = [_share_distance(first, second, size)]
        shares = [np.bincount(values, minlength=size) / len(values) for values in (first, second)]
    by_label = {label: (float(a), float(b)) for label, a, b in zip(labels, *shares, strict=True)}
    return _told_prior(tested, by_label, "class shares", "total variation distance")


def _columns_of(values: np.ndarray) -> np.ndarray:
    return values.reshape(len(values), -1).T


def _told_prior(
    tested: list[tuple[float, float]], shares: dict[str, tuple[float, float]], what: str, how: str
) -> Prior:
    """The verdict of one test or of several, by the smallest p-value times their number (Bonferroni)."""
    distance = max(distance for distance, _ in tested)
    p_value = min(1.0, min(p_value for _, p_value in tested) * len(tested))
    if p_value >= ALPHA:
        return Prior(distance, p_value, False, shares, f"no sign: the {what} are alike ({how} {distance:.3f})")
    degree = "slight" if distance < 0.1 else "clear" if distance < 0.3 else "strong"
    verdict = f"{degree}: the {what} differ ({how} {distance:.3f})"
    if shares:
        name, (before, after) = max(shares.items(), key=lambda entry: abs(entry[1][0] - entry[1][1]))
        verdict += f"; most that of {name}: {before:.1%} and {after:.1%}"
    return Prior(distance, p_value, True, shares, verdict)


# What the target is for an input


def _classes(first: np.ndarray, second: np.ndarray, target: Target) -> np.ndarray:
    """The targets of both samples as classes from 0, all of which occur; numbers are cut into five of equal size."""
    both = np.concatenate([first, second]).reshape(-1)
    if target.kind == "number":
        both = np.digitize(both, np.unique(np.quantile(both, np.linspace(0, 1, _BINS + 1)[1:-1])))
    return np.unique(both, return_inverse=True)[1]


def _concept(pair: _Pair, classes: np.ndarray, scores: np.ndarray, shares_differ: bool) -> Concept:
    correlation, p_value = _covariance_measure(pair, classes, scores)
    if _is_sign(correlation, p_value) and shares_differ:
        rows = _equal_shares(pair, classes)
        if len(rows) >= 2 * LEAST:
            same = _subset(pair, rows)
            correlation, p_value = _covariance_measure(same, classes[rows], _sample_probabilities(same))
    found = _is_sign(correlation, p_value)
    if found:
        degree = "slight" if correlation < 0.1 else "clear" if correlation < 0.3 else "strong"
        verdict = f"{degree}: for the same inputs the target is another (correlation {correlation:.3f})"
    else:
        verdict = f"no sign: the target does not tell more than the inputs (correlation {correlation:.3f})"
    return Concept(correlation, p_value, found, verdict)


def _is_sign(correlation: float, p_value: float) -> bool:
    """Whether it is more than chance, and more than the errors of the models, which do not vanish with more examples."""
    return p_value < ALPHA and correlation >= _LEAST_CORRELATION


def _covariance_measure(pair: _Pair, classes: np.ndarray, scores: np.ndarray) -> tuple[float, float]:
    """How the classes go with the sample, given the inputs: a correlation, and its p-value if there is none."""
    from scipy.stats import norm

    count = int(classes.max()) + 1
    every = np.ones(len(classes), bool)
    ours, theirs, pooled = (
        _probabilities(pair, classes, among, count) for among in (~pair.is_second, pair.is_second, every)
    )
    ratios = np.log(np.clip(theirs, _FLOOR, 1)) - np.log(np.clip(ours, _FLOOR, 1))
    surprise = ratios[np.arange(len(ratios)), classes[pair.judged]] - (pooled * ratios).sum(axis=1)
    products = (pair.is_second[pair.judged] - scores) * surprise
    deviation = float(products.std())
    correlation = float(products.mean()) / deviation if deviation > 0 else 0.0
    return correlation, float(norm.sf(correlation * np.sqrt(len(products))))
