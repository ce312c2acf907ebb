"""How much each value of a search matters: permutation importance over a random forest that foretells the scores."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dlkit.tuning.scale import position
from dlkit.tuning.space import Dimension, Space
from dlkit.tuning.trials import Repeated, Trial

if TYPE_CHECKING:
    import numpy as np

ROUND = "epochs of the round"  # stands beside the values where the algorithm trained some trials for longer
_LEAST = 10  # trials
_ENOUGH = 10  # trials for each value
_TELLING = 0.2  # R2; below it the forest knows nothing, and so its importances are noise
_FOLDS, _REPEATS, _TREES, _SEED = 5, 5, 60, 1
_NOWHERE = 0.5  # the middle


@dataclass(frozen=True, slots=True)
class Importance:
    """How much one value matters.

    Args:
        path: Of the recipe's value, or `ROUND`.
        mean: By how much the R2 of the forest falls when the trials' values are shuffled: 0 where it does not matter.
        deviation: The standard deviation over folds and shuffles.
    """

    path: str
    mean: float
    deviation: float


@dataclass(frozen=True, slots=True)
class Importances:
    """What can be said of all values.

    Args:
        values: The most important first; none where nothing can be said.
        r2: Of the forest's forecasts, on trials that it was not fitted to; None where none was fitted.
        warning: Why little or nothing can be said.
    """

    values: Sequence[Importance] = ()
    r2: float | None = None
    warning: str | None = None


@dataclass(frozen=True, slots=True)
class _Column:
    """What the forest is given of one value: the distinct ones, and what each is encoded as."""

    path: str
    distinct: Sequence[Any]
    encoded: np.ndarray  # (distinct values, features)


def importances(space: Space, ranked: Sequence[Repeated]) -> Importances:
    """How much each value of a space matters to the scores of trials; the same trials give the same numbers.

    A forest foretells the rank of a trial's score, so that one trial that diverged does not decide everything. It is fitted
    and measured on different trials, fold by fold: measured on its own, it would find what it has learned by heart
    important (https://scikit-learn.org/stable/modules/permutation_importance.html).

    Numbers are encoded as they are sampled, choices as one-hot columns that are shuffled together. What a trial does not
    have is encoded as nothing: no choice, and of numbers the middle. That it is not there is known from the choice that it
    depends on, which has the credit for it.

    Args:
        space: What was searched.
        ranked: The trials that have a score (see `ranking`).
    """
    ranked = [each for each in ranked if math.isfinite(each.mean)]
    if len(ranked) < _LEAST:
        return Importances(warning=f"Too few trials with a score: {len(ranked)}; at least {_LEAST} are needed.")
    columns = _columns(space, [each.trial for each in ranked])
    if not columns:
        return Importances(warning="All trials with a score have the same values.")
    if len({each.mean for each in ranked}) == 1:
        return Importances(warning="All scores are equal.")
    found, r2 = _measured(columns, ranked)
    if r2 < _TELLING:
        warning = (
            f"Importance tells nothing here: a forest that was fitted to some of the {len(ranked)} trials cannot foretell the "
            f"others (R² {r2:.2f}, at least {_TELLING} is needed). The scores hardly depend on the values, or the trials are "
            "too few."
        )
        return Importances(r2=r2, warning=warning)
    enough = _ENOUGH * len(columns)
    few = f"Few trials: {len(ranked)} for {len(columns)} values; {enough} would be enough to rely on the order."
    return Importances(found, r2, few if len(ranked) < enough else None)


def _measured(columns: Sequence[_Column], ranked: Sequence[Repeated]) -> tuple[list[Importance], float]:
    """The importance of each column, and the R2 of the forest."""
    import numpy as np
    from scipy.stats import rankdata
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.inspection import permutation_importance
    from sklearn.model_selection import KFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    codes = np.array(
        [[column.distinct.index(_value(each.trial, column.path)) for column in columns] for each in ranked]
    )
    target = rankdata([each.mean for each in ranked])

    def encode(rows: np.ndarray) -> np.ndarray:
        return np.hstack([column.encoded[rows[:, number]] for number, column in enumerate(columns)])

    def negative_error(forest: Any, rows: np.ndarray, truth: np.ndarray) -> float:
        return -float(np.mean((forest.predict(rows) - truth) ** 2))

    fallen, errors = [], []
    for fitted, held in KFold(_FOLDS, shuffle=True, random_state=_SEED).split(codes):
        forest = make_pipeline(FunctionTransformer(encode), RandomForestRegressor(_TREES, random_state=_SEED))
        forest.fit(codes[fitted], target[fitted])
        weight = len(held) * _FOLDS / len(codes) / target.var()  # so that the mean over folds is one over trials
        of_fold = permutation_importance(
            forest, codes[held], target[held], scoring=negative_error, n_repeats=_REPEATS, random_state=_SEED
        )
        fallen.append(of_fold.importances * weight)
        errors.append(-negative_error(forest, codes[held], target[held]) * weight)
    by_column = np.hstack(fallen)  # (columns, folds times shuffles)
    found = [
        Importance(column.path, float(row.mean()), float(row.std(ddof=1)))
        for column, row in zip(columns, by_column, strict=True)
    ]
    return sorted(found, key=lambda each: -each.mean), 1 - float(np.mean(errors))


def _columns(space: Space, trials: Sequence[Trial]) -> list[_Column]:
    """The values that differ among the trials, and the epochs where the algorithm chose them."""
    columns = [_column(each.path, trials, _encoder(each)) for each in space.dimensions]
    if all(trial.epochs for trial in trials):
        columns.append(_column(ROUND, trials, lambda epochs: [math.log(epochs)]))
    return [column for column in columns if len(column.distinct) > 1]


def _column(path: str, trials: Sequence[Trial], encode: Callable[[Any], list[float]]) -> _Column:
    import numpy as np

    distinct = list(dict.fromkeys(_value(trial, path) for trial in trials))
    return _Column(path, distinct, np.array([encode(value) for value in distinct]))


def _value(trial: Trial, path: str) -> Any:
    """The trial's value, None where it has none."""
    value = trial.epochs if path == ROUND else trial.told.get(path)
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _encoder(dimension: Dimension) -> Callable[[Any], list[float]]:
    if dimension.kind == "choice":
        return lambda value: [float(value == choice) for choice in dimension.choices]
    return lambda value: [_NOWHERE if value is None else position(dimension, value)]
