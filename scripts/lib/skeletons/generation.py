"""What are generated examples measured by? Name the paper."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from dlkit.evaluation.generated import Generated
from dlkit.recipe.registry import Range, register


@register(kind="generation")
def some_name(given: Generated, /, *, samples: Annotated[int, Range(min=2)] = 10_000) -> float:
    """What does it tell of them, in one line?

    Args:
        given: The network, and the real examples.
        samples: How many examples are drawn, and how many real ones are taken; at most as many as the split has.
    """
    count = min(samples, len(given.real))
    real, made = np.asarray(given.taken(count), np.float64), np.asarray(given.drawn(count), np.float64)
    return float(np.abs(real.mean(axis=0) - made.mean(axis=0)).mean())
