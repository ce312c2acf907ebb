"""The axes of a sweep's figures: what values are called, where their ticks stand, how far scores reach."""

from __future__ import annotations

import math
from collections.abc import Sequence

from dlkit.tuning.scale import ends, position
from dlkit.tuning.space import Dimension, Value

_NEAR = 0.07  # of an axis: ticks nearer to an end would overlap with its own
_MOST = 12  # ticks
_DECADES = 2.5  # from here on, powers of ten alone
_FAR = 3.0  # interquartile ranges


def value_text(value: Value) -> str:
    """A value as people read it."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def short_names(paths: Sequence[str]) -> dict[str, str]:
    """The last words of each path, as many as tell it from the others."""
    return {path: _short_name(path, [other for other in paths if other != path]) for path in paths}


def shortened(text: str, letters: int) -> str:
    """The beginning of a text that is too long."""
    return text if len(text) <= letters else f"{text[: letters - 1]}…"


def ticks(dimension: Dimension) -> list[tuple[float, str]]:
    """Where marks stand on the axis of a dimension (see `position`), and what they say; the ends are among them."""
    if dimension.kind == "bool":
        return [(0.0, "false"), (1.0, "true")]
    if dimension.kind == "choice":
        choices = list(dimension.choices)
        step = math.ceil(len(choices) / _MOST)
        return [(position(dimension, choice), value_text(choice)) for choice in choices[::step]]
    low, high = ends(dimension)
    between = [(position(dimension, value), value_text(_as(dimension, value))) for value in _between(dimension)]
    inner = [(place, text) for place, text in between if _NEAR < place < 1 - _NEAR]
    outer = [(position(dimension, end), value_text(_as(dimension, end))) for end in dict.fromkeys((low, high))]
    return sorted([*inner, *outer])


def score_ends(scores: Sequence[float], direction: str) -> tuple[float, float]:
    """From where to where an axis of scores reaches: a few that are far worse than the others are left beyond its end.

    Far worse is three interquartile ranges worse than the worse quartile (Tukey's outer fence).
    """
    import numpy as np

    low, high = min(scores), max(scores)
    lower, upper = np.quantile(scores, [0.25, 0.75])
    fence = _FAR * float(upper - lower)
    if fence and direction == "min":
        high = min(high, float(upper) + fence)
    elif fence:
        low = max(low, float(lower) - fence)
    return low, high


def _short_name(path: str, others: Sequence[str]) -> str:
    words = path.split(".")
    for count in range(1, len(words)):
        name = ".".join(words[-count:])
        if not words[-count].isdigit() and not any(f".{other}".endswith(f".{name}") for other in others):
            return name
    return path


def _as(dimension: Dimension, value: float) -> Value:
    return round(value) if dimension.kind == "int" else float(value)


def _between(dimension: Dimension) -> Sequence[float]:
    from matplotlib.ticker import MaxNLocator

    low, high = ends(dimension)
    values: Sequence[float] = MaxNLocator(5, steps=[1, 2, 2.5, 5, 10], integer=dimension.kind == "int").tick_values(
        low, high
    )
    if dimension.sampling == "log" and (decades := math.log10(high / low)) >= 1:
        digits = (1,) if decades > _DECADES else (1, 2, 5)
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        values = [digit * 10.0**power for power in powers for digit in digits]
    return [value for value in values if low < value < high]
