"""Whether a recipe reached what it says it reaches."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dlkit.recipe.keys import Expected

# A value that is not a number meets no bound.
_HOLDS: dict[str, Callable[[float, float], bool]] = {
    "at least": operator.ge,
    "at most": operator.le,
    "equals": operator.eq,
}


@dataclass(frozen=True, slots=True)
class Expectation:
    """One bound on one metric, and what was measured."""

    metric: str
    bound: str
    value: float | None
    met: bool


def compare(expect: Mapping[str, Expected] | None, measured: Mapping[str, float]) -> list[Expectation]:
    """Every bound of `expect` with what was measured; a metric that was not measured is not met."""
    made = []
    for metric, expected in (expect or {}).items():
        value = measured.get(metric)
        for bound, wanted in (
            ("at least", expected.at_least),
            ("at most", expected.at_most),
            ("equals", expected.equals),
        ):
            if wanted is not None:
                met = value is not None and _HOLDS[bound](value, wanted)
                made.append(Expectation(metric, f"{bound} {wanted:g}", value, met))
    return made
