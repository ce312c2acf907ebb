"""Integers for combinations of categories."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Annotated, Any

from dlkit.models.layers._columns import each_column, side_by_side
from dlkit.recipe.registry import Range, register

if TYPE_CHECKING:
    import keras

    from dlkit.models.layer import Ids


@register(kind="layer")
def cross_columns(x: keras.KerasTensor, examples: Any, /, *, bins: Annotated[int, Range(min=1)]) -> Ids:
    """Crosses every two columns (`HashedCrossing`): each pair of their categories is hashed into one of some bins.

    The columns to cross are a group of their own: `data.features: {job_and_state: [job, state]}`. Crossed features
    are those of wide and deep learning (Cheng et al., 2016, arXiv:1606.07792).

    Args:
        x: Strings of shape (batch, columns).
        examples: Not looked at.
        bins: Integers of each pair.

    Returns:
        Integers of shape (batch, pairs), those of each pair behind those of the pair before it.

    Raises:
        ValueError: There are not two columns.
    """
    import keras

    if x.shape[-1] < 2:
        raise ValueError(f"cross_columns crosses two columns or more. Received: {x.shape[-1]}")
    pairs = combinations(each_column(x), 2)
    return side_by_side((keras.layers.HashedCrossing(bins)(pair), bins) for pair in pairs)
