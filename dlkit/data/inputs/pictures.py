"""Pictures to predict for."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from dlkit.data.inputs.rows import Rows, the_only_feature
from dlkit.data.reading import pictures
from dlkit.errors import DlkitError
from dlkit.recipe.facts import Feature

SUFFIXES = tuple(pictures.SUFFIXES)


def read(file: Path, features: Mapping[str, Feature]) -> Rows:
    """One picture as one row."""
    name, feature = the_only_feature(file, features)
    if feature.kind != "image":
        raise DlkitError(f"{file}: this is a picture, and the model takes `{name}` ({feature.kind})")
    return [str(file)], {name: _read_picture(file, name, feature)[None]}


def _read_picture(file: Path, name: str, feature: Feature) -> np.ndarray:
    """A picture as an array of the feature's shape and type."""
    shape = feature.shape or (None, None, 3)
    channels = shape[2] if len(shape) == 3 else 1
    if channels not in pictures.MODES:
        raise DlkitError(f"`{name}` has the shape {shape}, which no picture has", "give a .npy file")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # damaged metadata
        with pictures.opened(file, f"{file}: this") as picture:
            pixels = pictures.pixels(picture, channels, (shape[0], shape[1]))
    if feature.maximum is not None:
        pixels = (pixels * (feature.maximum / 255)).round()
    return pixels.astype(feature.dtype).reshape(pixels.shape if len(shape) == 3 else pixels.shape[:2])
