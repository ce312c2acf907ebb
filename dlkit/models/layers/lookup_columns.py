"""Integers for the categories of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from dlkit.models.layers._columns import each_column, side_by_side
from dlkit.recipe.registry import Range, register

if TYPE_CHECKING:
    import keras
    import numpy as np

    from dlkit.models.layer import Ids


@register(kind="layer")
def lookup_columns(
    x: keras.KerasTensor,
    examples: np.ndarray | None,
    /,
    *,
    min_count: Annotated[int, Range(min=1)] = 1,
    max_tokens: Annotated[int, Range(min=2)] | None = None,
) -> Ids:
    """Turns categories into integers, by a vocabulary of each column's own (`StringLookup`), learned in training.

    In every column the first integer stands for categories unseen in training (and for those too rare), a missing one
    ("") for a category of its own. The ranges of the columns lie behind each other, so that one `Embedding` with
    `input_dim: $data.features.NAME.vocabulary_size` holds an embedding for each category of each column, and
    `CategoryEncoding: {output_mode: multi_hot}` is one-hot by column.

    Args:
        x: Strings of shape (batch, columns).
        examples: Of shape (examples, columns).
        min_count: How often a category must occur in training to be known.
        max_tokens: The most integers of a column; None: as many as it has categories.

    Returns:
        Integers of shape (batch, columns).
    """
    import keras
    import numpy as np

    made = []
    for number, column in enumerate(each_column(x)):
        known: list[str] = []
        if examples is not None:
            names, counts = np.unique(examples[:, number].astype(str), return_counts=True)
            frequent = np.lexsort((names, -counts))  # the frequent first; among equals, by the alphabet
            known = [str(names[place]) for place in frequent if counts[place] >= min_count]
        known = known[: max_tokens - 1] if max_tokens else known
        made.append((keras.layers.StringLookup(vocabulary=known or [""])(column), max(1, len(known)) + 1))
    return side_by_side(made)
