"""Pictures to predict for."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from dlkit.data.inputs.rows import Rows, the_only_feature
from dlkit.errors import DlkitError
from dlkit.recipe.facts import Feature

SUFFIXES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".bmp": "BMP", ".webp": "WEBP", ".gif": "GIF"}
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}


def read(file: Path, features: Mapping[str, Feature]) -> Rows:
    """One picture as one row."""
    name, feature = the_only_feature(file, features)
    if feature.kind != "image":
        raise DlkitError(f"{file}: this is a picture, and the model takes `{name}` ({feature.kind})")
    return [str(file)], {name: _read_picture(file, name, feature)[None]}


def _read_picture(file: Path, name: str, feature: Feature) -> np.ndarray:
    damaged = (OSError, SyntaxError, ValueError, EOFError, struct.error)  # what Pillow's decoders raise
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # damaged metadata
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(file, formats=sorted(set(SUFFIXES.values()))) as picture:
                return _pixels(ImageOps.exif_transpose(picture), name, feature)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise DlkitError(
                f"{file}: more than {Image.MAX_IMAGE_PIXELS:,} pixels", "make the picture smaller"
            ) from None
        except Image.UnidentifiedImageError:
            raise DlkitError(f"{file}: this is no picture, or a damaged one") from None
        except damaged as error:
            raise DlkitError(f"{file}: the picture is damaged: {error}") from None


def _pixels(picture: Image.Image, name: str, feature: Feature) -> np.ndarray:
    """A picture as an array of the feature's shape and type."""
    shape = feature.shape or (None, None, 3)
    channels = shape[2] if len(shape) == 3 else 1
    if channels not in _MODES:
        raise DlkitError(f"`{name}` has the shape {shape}, which no picture has", "give a .npy file")
    if picture.mode.startswith("I"):  # 16 bits; Pillow would cut them off at 255
        picture = Image.fromarray((np.asarray(picture) / 257).round().astype(np.uint8))
    picture = picture.convert(_MODES[channels])
    height, width = shape[0] or picture.height, shape[1] or picture.width
    pixels = np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR))
    if feature.maximum is not None:
        pixels = (pixels * (feature.maximum / 255)).round()
    return pixels.astype(feature.dtype).reshape((height, width, channels) if len(shape) == 3 else (height, width))
