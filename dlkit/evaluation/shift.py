"""Tells whether two samples come from the same distribution, and if not, what has shifted.

- Covariate shift, in the inputs: a classifier that learned from one half of the examples is asked which sample an example
  of the other half is of. Its ROC AUC is 0.5 where there is no shift (Lopez-Paz and Oquab, 2017, "Revisiting Classifier
  Two-Sample Tests", arXiv:1610.06545).
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

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from dlkit.data.arrays import Arrays
from dlkit.evaluation.description import describe, table_columns
from dlkit.evaluation.two_samples import (
    Pair,
    auc_of,
    covariance_measure,
    equal_shares,
    judged_half,
    number_distance,
    sample_probabilities,
    share_distance,
    subset,
)
from dlkit.recipe.facts import DataFacts, Target

MOST = 5000  # examples of each sample that classifiers are shown
LEAST = 40  # of each sample, below which nothing is judged
ALPHA = 0.01  # how often a test sees a shift where there is none
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
        name: _prior([_thinned(np.asarray(arrays.targets[name]), ordered, gap) for arrays in (first, second)], target)
        for name, target in facts.targets.items()
        if target.kind != "sequence"
    }
    if min(sizes) < LEAST:
        return Shift(sizes, None, prior)
    inputs = describe(kept[0], kept[1], facts, seed)
    pair = Pair(*inputs, judged_half(sizes, seed, ordered), seed)
    classes = {
        name: _classes(np.concatenate([np.asarray(arrays.targets[name]) for arrays in kept]), target)
        for name, target in facts.targets.items()
        if target.kind in ("classes", "number") and target.shape in ((), (1,))
    }
    scores = sample_probabilities(pair)
    changed = [(name, y) for name, y in classes.items() if prior[name].found]
    columns = _columns(kept[0], kept[1], facts)
    covariate = _covariate(pair, scores, columns, [equal_shares(pair, y) for _, y in changed[:1]])
    concept = {
        name: _UNJUDGED if covariate.auc > _NO_OVERLAP else _concept(pair, y, scores, prior[name].found)
        for name, y in classes.items()
    }
    return Shift(sizes, covariate, prior, concept)


# Samples


def _thinned(values: np.ndarray, ordered: bool, gap: int) -> np.ndarray:
    return values[:: gap + 1] if ordered else values


def _sample(arrays: Arrays, seed: int, ordered: bool, gap: int) -> Arrays:
    rows = _thinned(np.arange(len(arrays)), ordered, gap)
    if len(rows) > MOST:
        rows = np.sort(np.random.default_rng(seed).choice(rows, MOST, replace=False))
    return arrays.take(rows)


# Inputs


def _covariate(pair: Pair, scores: np.ndarray, columns: dict[str, float], equal: list[np.ndarray]) -> Covariate:
    auc, error, p_value = auc_of(pair, scores)
    low, high = max(0.0, auc - 1.96 * error), min(1.0, auc + 1.96 * error)
    found = p_value < ALPHA
    by_prior = False
    for rows in equal if found else []:  # as many examples of each class from either sample
        if len(rows) >= 2 * LEAST:
            same = subset(pair, rows)
            by_prior = auc_of(same, sample_probabilities(same))[2] >= ALPHA
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
        return share_distance(codes[: len(first)], codes[len(first) :], len(names))
    lowest = float(np.finfo(np.float32).min)
    return number_distance(np.nan_to_num(first, nan=lowest), np.nan_to_num(second, nan=lowest))


# Targets


def _prior(samples: Sequence[np.ndarray], target: Target) -> Prior:
    if target.kind == "number":
        tested = [number_distance(ours, theirs) for ours, theirs in zip(*map(_columns_of, samples), strict=True)]
        return _told_prior(tested, {}, "distributions", "largest distance of the distribution functions")
    size = target.classes or 1 + max(int(values.max()) for values in samples)
    labels = target.labels or tuple(map(str, range(size)))
    if target.kind == "multi_label":
        pairs = zip(*map(_columns_of, samples), strict=True)
        tested = [share_distance(ours, theirs, 2) for ours, theirs in pairs]
        shares = [values.mean(axis=0) for values in samples]
    else:
        tested = [share_distance(samples[0], samples[1], size)]
        shares = [np.bincount(values, minlength=size) / len(values) for values in samples]
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


def _classes(values: np.ndarray, target: Target) -> np.ndarray:
    """The targets of both samples as classes from 0, all of which occur; numbers are cut into five of equal size."""
    both = values.reshape(-1)
    if target.kind == "number":
        both = np.digitize(both, np.unique(np.quantile(both, np.linspace(0, 1, _BINS + 1)[1:-1])))
    return np.unique(both, return_inverse=True)[1]


def _concept(pair: Pair, classes: np.ndarray, scores: np.ndarray, shares_differ: bool) -> Concept:
    correlation, p_value = covariance_measure(pair, classes, scores)
    if _is_sign(correlation, p_value) and shares_differ:
        rows = equal_shares(pair, classes)
        if len(rows) >= 2 * LEAST:
            same = subset(pair, rows)
            correlation, p_value = covariance_measure(same, classes[rows], sample_probabilities(same))
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
