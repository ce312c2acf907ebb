"""Integers for the categories of a table, without a vocabulary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from dlkit.models.layers._columns import each_column, side_by_side
from dlkit.recipe.registry import Range, register

if TYPE_CHECKING:
    import keras

    from dlkit.models.layer import Ids


@register(kind="layer")
def hash_columns(x: keras.KerasTensor, examples: Any, /, *, bins: Annotated[int, Range(min=1)]) -> Ids:
    """Turns categories into integers by hashing each column into bins of its own (`Hashing`): for very many categories.

    Args:
        x: Strings of shape (batch, columns).
        examples: Not looked at.
        bins: Integers of each column.

    Returns:
        Integers of shape (batch, columns), those of each column behind those of the column before it.
    """
    import keras

    return side_by_side((keras.layers.Hashing(bins)(column), bins) for column in each_column(x))
