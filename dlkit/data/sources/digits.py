"""Handwritten digits: 1,797 images of 8 x 8 pixels with 17 shades, from scikit-learn.

Source: https://archive.ics.uci.edu/dataset/80
"""

from __future__ import annotations

from dlkit.data.arrays import Arrays, Splits
from dlkit.data.sources._sklearn import read_bunch
from dlkit.recipe.registry import register


@register(
    kind="source",
    features={"image": {"kind": "image", "shape": [8, 8, 1], "dtype": "uint8", "maximum": 16}},
    targets={"digit": {"kind": "classes", "labels": ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]}},
)
def digits() -> Splits:
    """Handwritten digits, 8 x 8 pixels from 0 (paper) to 16 (ink): 1,797 images of 10 classes."""
    bunch = read_bunch("digits")
    return Splits(Arrays({"image": bunch.images[..., None].astype("uint8")}, {"digit": bunch.target.astype("int32")}))
