"""Integers for the numbers of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from dlkit.models.layers._columns import each_column, side_by_side
from dlkit.recipe.registry import Range, register

if TYPE_CHECKING:
    import keras
    import numpy as np

    from dlkit.models.layer import Ids


@register(kind="layer")
def bucketize_columns(
    x: keras.KerasTensor, examples: np.ndarray | None, /, *, bins: Annotated[int, Range(min=2)] = 10
) -> Ids:
    """Turns numbers into integers by the quantiles of each column in training (`Discretization`).

    A missing number (NaN) is a bucket of its own. So numbers may be embedded like categories.

    Args:
        x: Numbers of shape (batch, columns).
        examples: Of shape (examples, columns).
        bins: The most buckets of a column; a column of few different numbers has fewer.

    Returns:
        Integers of shape (batch, columns), those of each column behind those of the column before it.
    """
    import keras
    import numpy as np
    from keras import ops

    made = []
    for number, column in enumerate(each_column(x)):
        values = np.zeros(1, "float32") if examples is None else examples[:, number]
        known = values[~np.isnan(values)]
        inner = np.linspace(0, 1, bins + 1)[1:-1]
        edges = np.unique(np.quantile(known, inner)).tolist() if len(known) else [0.0]
        is_missing = ops.isnan(column)
        bucket = keras.layers.Discretization(bin_boundaries=edges)(ops.where(is_missing, 0.0, column))
        made.append((ops.where(is_missing, len(edges) + 1, ops.cast(bucket, "int32")), len(edges) + 2))
    return side_by_side(made)
