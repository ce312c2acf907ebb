"""Whether a recipe reached what it says it reaches."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from dlkit.evaluation.evaluation import OtherRun
from dlkit.recipe.keys import Expected

# A value that is not a number meets no bound.
_HOLDS: dict[str, Callable[[float, float], bool]] = {
    "at least": operator.ge,
    "at most": operator.le,
    "equals": operator.eq,
}
_PLACES = 12  # of a difference: 0.88 - 0.80 is to be at least 0.08


@dataclass(frozen=True, slots=True)
class Expectation:
    """One bound on one metric, and what was measured.

    Args:
        metric: The metric.
        bound: In words, as `at least 0.98`.
        value: What was measured; None: nothing was.
        met: Whether the value, or the difference where there is an `over`, is within the bound.
        over: The other run that it is held over, as the recipe names it.
        other: What that run had measured.
        difference: The value, less that of the other run.
        deviation: Of a mean over the members of a group, the standard deviation of what is held against the bound.
    """

    metric: str
    bound: str
    value: float | None
    met: bool
    over: str | None = None
    other: float | None = None
    difference: float | None = None
    deviation: float | None = None

    @property
    def held(self) -> float | None:
        """What is held against the bound."""
        return self.difference if self.over else self.value

    def as_dict(self) -> dict[str, Any]:
        """For JSON; what tells of another run, or of a group, only where there is one."""
        no_part = set() if self.over else {"over", "other", "difference"}
        no_part |= {"deviation"} if self.deviation is None else set()
        return {name: value for name, value in asdict(self).items() if name not in no_part}

    def measured(self, number: Callable[[float], str]) -> str:
        """What was measured, in words: `0.9812`, or `0.1120 = 0.6630 - 0.5510` over another run.

        Of a group with the standard deviation: `0.9812 ± 0.0031`, `0.1120 ± 0.0040 = 0.6630 - 0.5510`.

        Args:
            number: Writes a number.
        """
        if self.value is None:
            return "not measured"
        spread = "" if self.deviation is None else f" ± {number(self.deviation)}"
        if self.over is None:
            return f"{number(self.value)}{spread}"
        if self.other is None or self.difference is None:
            return f"{number(self.value)}, not measured by the other"
        return f"{number(self.difference)}{spread} = {number(self.value)} - {number(self.other)}"


def compare(
    expect: Mapping[str, Expected] | None,
    measured: Mapping[str, float],
    over: Mapping[str, OtherRun] | None = None,
) -> list[Expectation]:
    """Every bound of `expect` with what was measured; a metric that was not measured is not met.

    Args:
        over: The runs that metrics are held over, by the words of the recipe.
    """
    made = []
    for metric, expected in (expect or {}).items():
        value = measured.get(metric)
        run = (over or {}).get(expected.over or "")
        other = run.metrics.get(metric) if run else None
        difference = None if value is None or other is None else round(value - other, _PLACES)
        held = difference if expected.over else value
        for bound, wanted in (
            ("at least", expected.at_least),
            ("at most", expected.at_most),
            ("equals", expected.equals),
        ):
            if wanted is not None:
                met = held is not None and _HOLDS[bound](held, wanted)
                told = f"{bound} {wanted:g}" + (f" over {expected.over}" if expected.over else "")
                made.append(Expectation(metric, told, value, met, expected.over, other, difference))
    return made
