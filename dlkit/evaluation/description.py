"""Describes examples by few numbers each, so that a classifier of scikit-learn can tell two samples of them apart.

Columns of tables stay as they are. Pictures become their channels' statistics and the principal components of a small
copy, texts and tokens those of their words, series and sounds their statistics.
"""

from __future__ import annotations

import numpy as np

from dlkit.data.arrays import Arrays
from dlkit.data.columns import Column
from dlkit.recipe.facts import DataFacts, Feature

TABLES = ("vector", "number", "category")
_SIDE = 16  # pixels of the small copy of a picture
_COMPONENTS = 30
_WORDS = 2**15  # buckets that words are hashed into
_BANDS = 16  # of a sound's spectrum


def describe(first: Arrays, second: Arrays, facts: DataFacts, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Describes the examples of two samples by the same numbers, without regard to which sample an example is of.

    Returns:
        For each sample, float32 of shape (examples, numbers); NaN where a table has no value.
    """
    size = len(first)
    parts = []
    for name, feature in facts.features.items():
        both = np.concatenate([np.asarray(part.features[name]) for part in (first, second)])
        parts.append(_described(both, feature, seed).astype(np.float32))
    whole = np.concatenate(parts, axis=1)
    return whole[:size], whole[size:]


def table_columns(arrays: Arrays, facts: DataFacts) -> dict[str, np.ndarray]:
    """The columns of tables by their names: numbers as they are, categories as str; other features are left out."""
    columns: dict[str, np.ndarray] = {}
    for name, feature in facts.features.items():
        values = arrays.features[name]
        if feature.kind not in TABLES or isinstance(values, Column):
            continue
        flat = values.reshape(len(values), -1)
        names = feature.columns or ([name] if flat.shape[1] == 1 else [f"{name}[{n}]" for n in range(flat.shape[1])])
        columns.update(zip(names, flat.T, strict=True))
    return columns


def _described(values: np.ndarray, feature: Feature, seed: int) -> np.ndarray:
    match feature.kind:
        case "category":
            return _codes(values.reshape(len(values), -1))
        case "text":
            return _text(["\n".join(row) for row in values.reshape(len(values), -1).tolist()], seed)
        case "sequence" if values.dtype.kind in "iu":
            tokens = values.reshape(len(values), -1)
            return _text([" ".join(str(token) for token in row if token) for row in tokens.tolist()], seed)
        case "image":
            return _image(values, seed)
        case "sequence" | "audio":
            return _series(values)
        case _:
            return values.reshape(len(values), -1)


def _codes(categories: np.ndarray) -> np.ndarray:
    """Categories by number, in the order of their names; NaN where there is none."""
    columns = []
    for column in categories.T:
        names, codes = np.unique(column.astype(str), return_inverse=True)
        columns.append(np.where(names[codes] == "", np.nan, codes))
    return np.stack(columns, axis=1)


def _text(texts: list[str], seed: int) -> np.ndarray:
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

    counts = HashingVectorizer(n_features=_WORDS, token_pattern=r"\S+", alternate_sign=False).transform(texts)
    lengths = np.array([[len(text), len(text.split())] for text in texts], np.float32)
    return np.concatenate([lengths, _components(TfidfTransformer().fit_transform(counts), seed)], axis=1)


def _image(images: np.ndarray, seed: int) -> np.ndarray:
    """Means and deviations of the channels, how much neighboring pixels differ, and components of a small copy."""
    pixels = images.astype(np.float32)
    rough = [np.abs(np.diff(pixels, axis=axis)).mean(axis=(1, 2)) for axis in (1, 2) if pixels.shape[axis] > 1]
    small = _shrunk(pixels).reshape(len(pixels), -1)
    return np.concatenate([pixels.mean(axis=(1, 2)), pixels.std(axis=(1, 2)), *rough, _components(small, seed)], axis=1)


def _shrunk(pixels: np.ndarray) -> np.ndarray:
    """Pictures of at most 16 x 16 pixels, each the mean of a block; what is left over at the edges is cut off."""
    count, height, width, channels = pixels.shape
    down, across = -(-height // _SIDE), -(-width // _SIDE)
    rows, columns = height // down, width // across
    blocks = pixels[:, : rows * down, : columns * across].reshape(count, rows, down, columns, across, channels)
    return blocks.mean(axis=(2, 4))


def _components(values: np.ndarray, seed: int) -> np.ndarray:
    """The principal components of rows that may be sparse, without the mean's being taken off."""
    from sklearn.decomposition import TruncatedSVD

    most = min(_COMPONENTS, values.shape[1] - 1, values.shape[0] - 1)
    if most < 1:
        return np.asarray(values)
    return TruncatedSVD(most, random_state=seed).fit_transform(values)


def _series(values: np.ndarray) -> np.ndarray:
    """Statistics of each variable of a series over its steps: level, spread, ends, roughness; of a sound its spectrum."""
    steps = values.reshape(len(values), values.shape[1], -1).astype(np.float32)
    told = [steps.mean(1), steps.std(1), steps.min(1), steps.max(1), steps[:, 0], steps[:, -1]]
    if steps.shape[1] > 1:
        told.append(np.abs(np.diff(steps, axis=1)).mean(1))
    if steps.shape[1] >= 4 * _BANDS and steps.shape[2] == 1:
        power = np.abs(np.fft.rfft(steps[:, :, 0], axis=1)) ** 2
        told.extend(np.log(band.mean(axis=1, keepdims=True) + 1e-9) for band in np.array_split(power, _BANDS, axis=1))
    return np.concatenate(told, axis=1)
