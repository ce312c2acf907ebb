"""What `dlkit predict RUN INPUT...` is given: files as people have them, read as raw as the model takes them.

A kind of file is one module beside this one, with its `SUFFIXES` and a function `read(file, features)`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from dlkit.data.inputs import arrays, pictures, sounds, tables, texts
from dlkit.data.inputs.rows import Rows
from dlkit.errors import DlkitError
from dlkit.recipe.facts import Feature

_READERS = (pictures, tables, arrays, texts, sounds)
# The kind of feature that a folder may hold -> what it is called and what its files end in.
_IN_FOLDERS = {
    "image": ("pictures", tuple(pictures.SUFFIXES)),
    "text": ("texts", texts.SUFFIXES),
    "audio": ("sounds", sounds.SUFFIXES),
}


def read_inputs(paths: Sequence[str | Path], features: Mapping[str, Feature]) -> Rows:
    """Reads inputs into arrays of the types and shapes of the features.

    - A picture is turned upright, made gray or colored as the feature is, and resized to its height and width with a
      bilinear filter, whatever its proportions. Of an animation the first frame counts; transparency does not. Pixels
      are 0 to 255, or 0 to the `maximum` that the feature declares.
    - A `.txt` file is one text in UTF-8, however many lines it has; the blanks at its ends are taken away.
    - A `.wav` file is one sound, of the rate and the length that the model takes.
    - A folder stands for the pictures in it, by name; or for the texts or sounds, where the model takes these.
    - A CSV file has a header that names the columns of the features of several columns (or the date that columns as
      `sold.month` are parts of) and the features of a single value, in any order; other columns, as targets, are passed
      over. It is separated by commas, semicolons, tabs or bars. A value may be missing where the source says how.
    - A CSV file of a series, for a model of the past steps, is one example: its last steps. Where the model also takes
      the dates of the steps to forecast, these are the rows below them, with the date only.
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
            for file in _files(Path(path), features):
                _append(file, features, labels, parts, problems)
        except DlkitError as error:
            problems.append(str(error))
    if not problems and not labels:
        problems.append("no input is given")
    if problems:
        raise DlkitError("\n".join(problems), code="unreadable-input")
    return labels, {name: _joined(name, arrays) for name, arrays in parts.items()}


def _files(path: Path, features: Mapping[str, Feature]) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    kind = next((feature.kind for feature in features.values() if feature.kind in _IN_FOLDERS), "image")
    held, suffixes = _IN_FOLDERS[kind]
    files = _held(path, suffixes)
    if not files:
        deeper = any(_held(folder, suffixes) for folder in path.iterdir() if folder.is_dir())
        cure = f"its folders do: give these, as {path}/*/" if deeper else None
        raise DlkitError(f"{path}: this folder holds no {held} ({', '.join(suffixes)})", cure)
    yield from files


def _held(folder: Path, suffixes: Sequence[str]) -> list[Path]:
    """The files of a folder that end in one of the suffixes, by name."""
    return sorted(
        file for file in folder.iterdir() if file.suffix.lower() in suffixes and not file.name.startswith(".")
    )


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
    reader = next((reader for reader in _READERS if file.suffix.lower() in reader.SUFFIXES), None)
    if reader is None:
        raise DlkitError(
            f"{file}: inputs of this kind are not known",
            f"known are {', '.join(suffix for reader in _READERS for suffix in reader.SUFFIXES)} and folders of them",
        )
    if not file.is_file():
        raise DlkitError(f"{file}: {'this is no file' if file.exists() else 'there is no such file'}")
    if file.stat().st_size == 0:
        raise DlkitError(f"{file}: the file is empty")
    return reader.read(file, features)


def _joined(name: str, arrays: list[np.ndarray]) -> np.ndarray:
    shapes = {array.shape[1:] for array in arrays}
    if len(shapes) > 1:
        raise DlkitError(
            f"the inputs give `{name}` in different shapes: {', '.join(map(str, sorted(shapes)))}", "give one at a time"
        )
    return np.concatenate(arrays)
