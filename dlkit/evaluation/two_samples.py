"""Tests of two samples: whether a classifier tells them apart, by their inputs, or by their targets beyond the inputs.

What classifiers learn from one half of the examples is judged on the other half: errors of folds that learn from each other
are not independent, and without a shift their sum varies twice as much.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

_STRETCHES = 10  # that ordered examples are cut into; every second one is judged
_TREES = 100
_FLOOR = 0.02  # of a probability, before its logarithm is taken


@dataclass(frozen=True, slots=True)
class Pair:
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


def judged_half(sizes: tuple[int, int], seed: int, ordered: bool) -> np.ndarray:
    """Which examples are judged: half of each sample; stretches of time where the examples are ordered, else at random."""
    drawn = np.random.default_rng(seed)
    return np.concatenate(
        [
            np.arange(size) * _STRETCHES // size % 2 == 1 if ordered else drawn.permutation(size) % 2 == 1
            for size in sizes
        ]
    )


def equal_shares(pair: Pair, classes: np.ndarray) -> np.ndarray:
    """The rows of as many examples of each class from the first as from the second sample."""
    drawn = np.random.default_rng(pair.seed)
    rows: list[np.ndarray] = []
    for label in np.unique(classes):
        of_class = [np.flatnonzero((classes == label) & (pair.is_second == second)) for second in (False, True)]
        count = min(map(len, of_class))
        rows.extend(drawn.permutation(found)[:count] for found in of_class)
    return np.sort(np.concatenate(rows))


def subset(pair: Pair, rows: np.ndarray) -> Pair:
    """The examples of these rows, in ascending order."""
    size = len(pair.first)
    return Pair(pair.x[rows[rows < size]], pair.x[rows[rows >= size]], pair.judged[rows], pair.seed)


def _forest(seed: int) -> Any:
    from sklearn.ensemble import ExtraTreesClassifier

    return ExtraTreesClassifier(_TREES, min_samples_leaf=5, n_jobs=-1, random_state=seed)


def _probabilities(pair: Pair, labels: np.ndarray, among: np.ndarray, count: int) -> np.ndarray:
    """Probabilities of `count` labels for the examples that are judged, learned from those `among` the others."""
    x, learned = pair.x, among & ~pair.judged
    forest = _forest(pair.seed).fit(x[learned], labels[learned])
    forest.n_jobs = 1  # several threads add up the trees in the order in which they come
    given = np.zeros((int(pair.judged.sum()), count))
    given[:, forest.classes_] = forest.predict_proba(x[pair.judged])
    return given


def sample_probabilities(pair: Pair) -> np.ndarray:
    """For each example that is judged, the probability that it is of the second sample."""
    return _probabilities(pair, pair.is_second.astype(int), np.ones(len(pair.judged), bool), 2)[:, 1]


def auc_of(pair: Pair, scores: np.ndarray) -> tuple[float, float, float]:
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


def covariance_measure(pair: Pair, classes: np.ndarray, scores: np.ndarray) -> tuple[float, float]:
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


def share_distance(first: np.ndarray, second: np.ndarray, classes: int) -> tuple[float, float]:
    """Total variation distance, and the p-value of the chi-square test."""
    from scipy.stats import chi2_contingency

    counts = np.stack([np.bincount(values.astype(int), minlength=classes) for values in (first, second)])
    counts = counts[:, counts.sum(axis=0) > 0]
    shares = counts / counts.sum(axis=1, keepdims=True)
    distance = float(np.abs(shares[0] - shares[1]).sum() / 2)
    return distance, float(chi2_contingency(counts).pvalue) if counts.shape[1] > 1 else 1.0


def number_distance(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """The largest distance of the distribution functions, and the p-value of Kolmogorov's and Smirnov's test."""
    from scipy.stats import ks_2samp

    told = ks_2samp(first, second)
    return float(told.statistic), float(told.pvalue)
