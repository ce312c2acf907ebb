"""Where do the data come from, and what are they? Name the page or the paper."""

from __future__ import annotations

from dlkit.data.arrays import Arrays, Splits
from dlkit.recipe.registry import register


@register(
    kind="source",
    features={"table": {"kind": "vector", "shape": [2], "dtype": "float32", "columns": ["first", "second"]}},
    targets={"label": {"kind": "classes", "labels": ["no", "yes"]}},
)
def some_name() -> Splits:
    """What does it hold, in one line?"""
    import numpy as np

    table = np.random.default_rng(1).random((100, 2), np.float32)
    return Splits(Arrays({"table": table}, {"label": (table.sum(axis=1) > 1).astype(np.int32)}))
