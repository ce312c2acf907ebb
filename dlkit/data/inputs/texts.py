"""Texts to predict for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from dlkit.data.inputs.rows import Rows, the_only_feature
from dlkit.data.reading.texts import SUFFIX, read_text
from dlkit.errors import DlkitError
from dlkit.recipe.facts import Feature

SUFFIXES = (SUFFIX,)


def read(file: Path, features: Mapping[str, Feature]) -> Rows:
    """One file as one row, however many lines its text has; the blanks at its ends are taken away."""
    name, feature = the_only_feature(file, features)
    if feature.kind != "text":
        raise DlkitError(f"{file}: this is a text, and the model takes `{name}` ({feature.kind})")
    text = read_text(file).strip()
    if not text:
        raise DlkitError(f"{file}: the file holds no text")
    return [str(file)], {name: np.array([text], object)}
