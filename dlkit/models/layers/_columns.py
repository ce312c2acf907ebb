"""Integers for the columns of a table, a range of its own for each column, so that one `Embedding` serves them all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dlkit.models.layer import Ids


def side_by_side(columns: Iterable[tuple[Any, int]]) -> Ids:
    """Columns of integers, each moved behind the range of the one before it.

    Args:
        columns: Each as a tensor of shape (batch, 1), and how many different integers it has from 0.

    Returns:
        Of shape (batch, columns), int32.
    """
    from keras import ops

    from dlkit.models.layer import Ids

    tensors, first = [], 0
    for tensor, size in columns:
        tensors.append(ops.cast(tensor, "int32") + first)
        first += size
    return Ids(tensors[0] if len(tensors) == 1 else ops.concatenate(tensors, axis=-1), first)


def each_column(x: Any) -> list[Any]:
    """The columns of a tensor of shape (batch, columns), each of shape (batch, 1)."""
    return [x[:, number : number + 1] for number in range(x.shape[-1])]
