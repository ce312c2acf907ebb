"""Fills in the missing numbers of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from dlkit.recipe.registry import register

if TYPE_CHECKING:
    import keras
    import numpy as np


@register(kind="layer")
def impute(
    x: keras.KerasTensor,
    examples: np.ndarray | None,
    /,
    *,
    strategy: Literal["mean", "median", "zero"] = "mean",
    indicator: bool = True,
) -> keras.KerasTensor:
    """Fills each missing number (NaN) with the mean or the median of its column in the training examples, or with zero.

    The strategies are those of scikit-learn's SimpleImputer, as is the indicator:
    https://scikit-learn.org/stable/modules/impute.html

    Args:
        x: Of shape (batch, columns).
        examples: Of shape (examples, columns).
        strategy: What stands for a missing number.
        indicator: Whether a column of 0 and 1 is added, at the end, for each column in which training examples have a
            missing number: that it is missing may tell something.

    Returns:
        Of shape (batch, columns and indicators), without missing numbers.

    Raises:
        ValueError: A column has no number at all.
    """
    import numpy as np
    from keras import ops

    values = np.zeros((1, x.shape[-1]), "float32") if examples is None else examples
    is_missing = np.isnan(values)
    empty = np.flatnonzero(is_missing.all(axis=0))
    if len(empty):
        raise ValueError(f"column {empty[0]} has no number in the training examples; leave it out of the features")
    if strategy == "zero":
        fill = np.zeros(x.shape[-1], "float32")
    else:
        of_columns = np.nanmean if strategy == "mean" else np.nanmedian
        fill = of_columns(values.astype("float64"), axis=0).astype("float32")
    filled = ops.where(ops.isnan(x), fill, x)
    told = np.flatnonzero(is_missing.any(axis=0)).tolist()
    if not indicator or not told:
        return filled
    return ops.concatenate([filled, ops.cast(ops.isnan(ops.take(x, told, axis=-1)), "float32")], axis=-1)
