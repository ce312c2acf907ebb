"""Sounds to predict for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dlkit.data.inputs.rows import Rows, the_only_feature
from dlkit.data.reading.sounds import SUFFIXES as SUFFIXES
from dlkit.data.reading.sounds import decode
from dlkit.errors import DlkitError
from dlkit.recipe.facts import Feature


def read(file: Path, features: Mapping[str, Feature]) -> Rows:
    """One sound as one row, of the rate and length of the feature."""
    name, feature = the_only_feature(file, features)
    if feature.kind != "audio":
        raise DlkitError(f"{file}: this is a sound, and the model takes `{name}` ({feature.kind})")
    try:
        content = file.read_bytes()
    except OSError as error:
        raise DlkitError(f"{file}: it cannot be read: {error.strerror}") from None
    samples = feature.shape[0] if feature.shape else None
    return [str(file)], {name: decode(content, str(file), feature.sample_rate, samples)[None]}
