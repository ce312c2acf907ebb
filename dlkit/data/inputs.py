"""What `dlkit predict RUN INPUT...` is given: pictures, CSV rows and NumPy arrays, as raw as the model takes them."""

from __future__ import annotations

import csv
import math
import struct
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tokenize import TokenError

import numpy as np
from PIL import Image, ImageOps

from dlkit.errors import DlkitError
from dlkit.recipe.diagnostics import did_you_mean, listing
from dlkit.recipe.facts import Feature

PICTURES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".bmp": "BMP", ".webp": "WEBP", ".gif": "GIF"}
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
_MOST_PROBLEMS = 10  # of one CSV file that are told

Rows = tuple[list[str], dict[str, np.ndarray]]


def read_inputs(paths: Sequence[str | Path], features: Mapping[str, Feature]) -> Rows:
    """Reads inputs into arrays of the types and shapes of the features.

    - A picture is turned upright, made gray or colored as the feature is, and resized to its height and width with a
      bilinear filter, whatever its proportions. Of an animation the first frame counts; transparency does not. Pixels
      are 0 to 255, or 0 to the `maximum` that the feature declares.
    - A folder stands for the pictures in it, by name.
    - A CSV file has a header that names the columns of the vector features and the features of a single number, all of
      them and no others, in any order.
    - A `.npy` file holds one example or a batch.

    Args:
        paths: Files and folders, in the order of the rows.
        features: The features that the model takes.

    Returns:
        A label for each row, as `shoe.png`, `rows.csv:3` (the line) or `x.npy[5]`, and the arrays by feature.

    Raises:
        DlkitError: Some inputs cannot be read or do not fit the model; all of them are named.
    """
    labels: list[str] = []
    parts: dict[str, list[np.ndarray]] = {name: [] for name in features}
    problems: list[str] = []
    for path in paths:
        try:
            for file in _files(Path(path)):
                _append(file, features, labels, parts, problems)
        except DlkitError as error:
            problems.append(str(error))
    if not problems and not labels:
        problems.append("no input is given")
    if problems:
        raise DlkitError("\n".join(problems), code="unreadable-input")
    return labels, {name: _joined(name, arrays) for name, arrays in parts.items()}


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    pictures = sorted(
        file for file in path.iterdir() if file.suffix.lower() in PICTURES and not file.name.startswith(".")
    )
    if not pictures:
        raise DlkitError(f"{path}: this folder holds no pictures ({', '.join(PICTURES)})")
    yield from pictures


def _append(
    file: Path,
    features: Mapping[str, Feature],
    labels: list[str],
    parts: dict[str, list[np.ndarray]],
    problems: list[str],
) -> None:
    try:
        found, arrays = _read(file, features)
    except DlkitError as error:
        problems.append(str(error))
    else:
        labels += found
        for name, array in arrays.items():
            parts[name].append(array)


def _read(file: Path, features: Mapping[str, Feature]) -> Rows:
    suffix = file.suffix.lower()
    if suffix not in PICTURES and suffix not in (".csv", ".npy"):
        raise DlkitError(
            f"{file}: inputs of this kind are not known",
            f"known are {', '.join(PICTURES)}, .csv, .npy and folders of pictures",
        )
    if not file.is_file():
        raise DlkitError(f"{file}: {'this is no file' if file.exists() else 'there is no such file'}")
    if file.stat().st_size == 0:
        raise DlkitError(f"{file}: the file is empty")
    if suffix == ".csv":
        return _read_csv(file, features)
    if len(features) > 1:
        raise DlkitError(
            f"{file}: it can give one feature, and the model takes {listing(features)}",
            "give a CSV file, or call run.predict from Python",
        )
    name, feature = next(iter(features.items()))
    if suffix == ".npy":
        return _read_npy(file, name, feature)
    if feature.kind != "image":
        raise DlkitError(f"{file}: this is a picture, and the model takes `{name}` ({feature.kind})")
    return [str(file)], {name: _read_picture(file, name, feature)[None]}


def _joined(name: str, arrays: list[np.ndarray]) -> np.ndarray:
    shapes = {array.shape[1:] for array in arrays}
    if len(shapes) > 1:
        raise DlkitError(
            f"the inputs give `{name}` in different shapes: {', '.join(map(str, sorted(shapes)))}", "give one at a time"
        )
    return np.concatenate(arrays)


def _read_picture(file: Path, name: str, feature: Feature) -> np.ndarray:
    damaged = (OSError, SyntaxError, ValueError, EOFError, struct.error)  # what Pillow's decoders raise
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # damaged metadata
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(file, formats=sorted(set(PICTURES.values()))) as picture:
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


def _read_npy(file: Path, name: str, feature: Feature) -> Rows:
    try:
        # Mapped, not loaded: a header that claims more than the file holds allocates nothing.
        array: np.ndarray = np.lib.format.open_memmap(file, mode="r")
    except (OSError, ValueError, EOFError, TokenError) as error:
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


def _read_csv(file: Path, features: Mapping[str, Feature]) -> Rows:
    columns = _columns(file, features)
    try:
        with file.open(newline="", encoding="utf-8-sig") as text:
            reader = csv.reader(text, strict=True)
            header = [column.strip() for column in next(reader, [])]
            _check_header(file, header, list(columns))
            records = [(reader.line_num, record) for record in reader if record]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DlkitError(f"{file}: this is no CSV file in UTF-8: {error}") from None
    if not records:
        raise DlkitError(f"{file}: there are no rows below the header")
    types = [columns[column] for column in header]
    problems = [
        problem for line, record in records for problem in _row_problems(f"{file}:{line}", header, record, types)
    ]
    if problems:
        more = [f"{file}: {len(problems) - _MOST_PROBLEMS} more"] if len(problems) > _MOST_PROBLEMS else []
        raise DlkitError("\n".join([*problems[:_MOST_PROBLEMS], *more]))
    by_column = dict(zip(header, zip(*(record for _, record in records), strict=True), strict=True))
    arrays = {name: _feature_of(by_column, name, feature) for name, feature in features.items()}
    return [f"{file}:{line}" for line, _ in records], arrays


def _columns(file: Path, features: Mapping[str, Feature]) -> dict[str, np.dtype]:
    """The columns that the features are made of, with their types."""
    columns: dict[str, np.dtype] = {}
    for name, feature in features.items():
        dtype = np.dtype(feature.dtype)
        if dtype.kind not in "biuf" or not (feature.columns or feature.shape == ()):
            raise DlkitError(f"{file}: the model takes `{name}` ({feature.kind}), which CSV rows cannot hold")
        columns |= dict.fromkeys(feature.columns or (name,), dtype)
    return columns


def _check_header(file: Path, header: list[str], wanted: list[str]) -> None:
    problems = []
    missing = [column for column in wanted if column not in header]
    if missing:
        problems.append(f"the header lacks {listing(missing)}")
    for column in dict.fromkeys(header):
        if column not in wanted:
            cure = did_you_mean(column, missing)
            problems.append(f"the model takes no column `{column}`{'; ' if cure else ''}{cure}")
        elif header.count(column) > 1:
            problems.append(f"column `{column}` stands there {header.count(column)} times")
    if problems:
        raise DlkitError("\n".join(f"{file}:1: {problem}" for problem in problems))


def _row_problems(place: str, header: list[str], record: list[str], types: list[np.dtype]) -> Iterator[str]:
    if len(record) != len(header):
        yield f"{place}: {len(record)} values, where the header names {len(header)} columns"
        return
    for column, text, dtype in zip(header, record, types, strict=True):
        if not _is_number(text, dtype):
            wanted = "finite number" if dtype.kind == "f" else f"integer of type {dtype}"
            yield f"{place}: column `{column}`: `{text[:40]}` is no {wanted}"


def _is_number(text: str, dtype: np.dtype) -> bool:
    try:
        if dtype.kind == "f":
            return math.isfinite(value := float(text)) and abs(value) <= float(np.finfo(dtype).max)
        limits = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
        return limits[0] <= int(text) <= limits[1]
    except ValueError:
        return False


def _feature_of(by_column: Mapping[str, tuple[str, ...]], name: str, feature: Feature) -> np.ndarray:
    parse = float if np.dtype(feature.dtype).kind == "f" else int
    values = [
        np.array([parse(text) for text in by_column[column]], feature.dtype) for column in feature.columns or (name,)
    ]
    return np.stack(values, axis=1) if feature.columns else values[0]
