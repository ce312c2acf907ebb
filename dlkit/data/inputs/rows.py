"""What every reader of inputs hands over."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from dlkit.errors import DlkitError
from dlkit.recipe.diagnostics import listing
from dlkit.recipe.facts import Feature

if TYPE_CHECKING:
    import numpy as np

# A label for each row, as `shoe.png`, `rows.csv:3` (the line) or `x.npy[5]`, and the arrays by feature.
Rows = tuple[list[str], dict[str, "np.ndarray"]]


def the_only_feature(file: Path, features: Mapping[str, Feature]) -> tuple[str, Feature]:
    """The feature that a file of one kind of value can give.

    Raises:
        DlkitError: The model takes several.
    """
    if len(features) > 1:
        raise DlkitError(
            f"{file}: it can give one feature, and the model takes {listing(features)}",
            "give a CSV file, or call run.predict from Python",
        )
    return next(iter(features.items()))
