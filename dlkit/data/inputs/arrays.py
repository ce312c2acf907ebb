"""NumPy arrays to predict for: an example or a batch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tokenize import TokenError

import numpy as np

from dlkit.data.inputs.rows import Rows, the_only_feature
from dlkit.errors import DlkitError
from dlkit.recipe.facts import Feature

SUFFIXES = (".npy",)


def read(file: Path, features: Mapping[str, Feature]) -> Rows:
    """The examples of a file, as rows `x.npy[5]`."""
    name, feature = the_only_feature(file, features)
    try:
        # Mapped, not loaded: a header that claims more than the file holds allocates nothing.
        array: np.ndarray = np.lib.format.open_memmap(file, mode="r")
    except (OSError, ValueError, TypeError, EOFError, TokenError) as error:
        raise DlkitError(f"{file}: this is no .npy file of numbers, or a damaged one: {error}") from None
    shape = feature.shape if feature.shape is not None else array.shape[1:]
    if shape[-1:] == (1,) and any(_fits(part, shape[:-1]) for part in (array.shape, array.shape[1:])):
        array = array[..., None]  # pictures of one channel are as often kept without its axis
    if _fits(array.shape, shape):
        labels, batch = [str(file)], array[None]
    elif _fits(array.shape[1:], shape) and array.ndim and len(array):
        labels, batch = [f"{file}[{row}]" for row in range(len(array))], array
    else:
        one = ", ".join("any" if length is None else str(length) for length in shape)
        raise DlkitError(f"{file}: an array of shape {array.shape}, where `{name}` is ({one}) or a batch (rows, {one})")
    return labels, {name: _cast(batch, file, name, np.dtype(feature.dtype))}


def _fits(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(shape) == len(wanted) and all(w in (None, s) for w, s in zip(wanted, shape, strict=True))


def _cast(array: np.ndarray, file: Path, name: str, dtype: np.dtype) -> np.ndarray:
    """The values in the type of the feature, if each of them is still what it was; floats may be rounded."""
    if array.dtype.kind not in "biuf":
        raise DlkitError(f"{file}: holds {array.dtype}, where `{name}` takes {dtype}")
    with np.errstate(over="ignore", invalid="ignore"):
        cast = np.asarray(array).astype(dtype)
    if dtype.kind == "f" and not np.isfinite(cast).all():
        raise DlkitError(f"{file}: holds values that are no finite {dtype}")
    if dtype.kind != "f" and not np.array_equal(cast, array):
        raise DlkitError(
            f"{file}: holds values from {array.min()} to {array.max()}, which do not fit {dtype}, the type of `{name}`"
        )
    return cast
