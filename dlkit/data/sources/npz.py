"""Arrays saved by `numpy.savez`, read without ever running a pickle.

Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import math
import os
import zipfile
import zlib
from pathlib import Path
from tokenize import TokenError
from typing import IO, TYPE_CHECKING

from dlkit.data.arrays import Splits
from dlkit.data.memory import available_memory
from dlkit.data.reading.archives import leads_out
from dlkit.data.reading.named_arrays import Said, as_splits, plan
from dlkit.data.reading.places import joined, nearest, places_of_path
from dlkit.data.reading.problems import Problems
from dlkit.errors import DlkitError
from dlkit.recipe.registry import register

if TYPE_CHECKING:
    import numpy as np

_ENDING = ".npy"
_HIGHEST_RATIO = 1_100  # that deflate reaches, 1,032, and a little more
_CHUNK = 2**24
_ANEW = "save the file anew"
_UNREADABLE = (OSError, EOFError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error)


@register(kind="source")
def npz(
    path: Path,
    features: list[str] | None = None,
    targets: list[str] | None = None,
    kinds: dict[str, str] | None = None,
    labels: list[str] | None = None,
) -> Splits:
    """NumPy's archive of arrays, one a feature or target: `x_train`, `y_train`, `x_test`, `y_test`, or other names.

    Splits are told by `train`, `validation` (`val`), and `test` before or behind a name; an array without is for training.
    Kinds are told by shape and type. Features: 8-bit (height, width), or with 1 or 3 channels, are an image; texts are
    text; one number an example is a number; a row is a vector of columns `0`, `1`, ..., but one of integers a sequence
    of tokens, as is whatever has more axes a sequence of values. Targets: an integer or a text is a class, a row of
    integers 0 and 1 multi-label, floats are numbers.

    Args:
        path: The file. An array `class_names` or `label_names` in it names the classes.
        features: The arrays to learn from, without the names of splits; left out, those called `x`, `image`, `images`,
            `data`, `features`, `inputs`.
        targets: The arrays to predict; left out, those called `y`, `label`, `labels`, `target`, `targets`.
        kinds: The kind of a feature (`image`, `vector`, `number`, `sequence`, `text`, `audio`) or of a target (`classes`,
            `multi_label`, `number`, `sequence`) whose array would tell another.
        labels: The names of the classes, in the order of their numbers; left out, the numbers.

    Raises:
        DlkitError: The file is damaged, holds objects, or its arrays do not fit each other; each is named.
    """
    file = _find(str(path))
    said = Said(features, targets, kinds or {}, labels)
    try:
        with zipfile.ZipFile(file) as opened:
            members = _members(opened, file)
            planned = plan(members, said, str(file))
            arrays = _read(opened, file, {name: members[name] for name in planned.names()})
    except _UNREADABLE as error:
        reason = getattr(error, "strerror", None) or error
        raise DlkitError(
            f"{file} is no archive of NumPy's, or a damaged one: {reason}", _ANEW, "damaged-data"
        ) from None
    return as_splits(planned, arrays, said, lambda name: f"{file}: {name}")


def _find(path: str) -> Path:
    places = places_of_path(path)
    found = next((place for place in places if os.path.isfile(place)), None)
    if found is None:
        cure = nearest(places, "set `path` to a .npz file")
        raise DlkitError(f"There is no file {joined(places)}", cure, "data-not-found")
    return found


def _members(opened: zipfile.ZipFile, file: Path) -> dict[str, zipfile.ZipInfo]:
    """The arrays by name."""
    problems = Problems()
    found: dict[str, zipfile.ZipInfo] = {}
    for member in opened.infolist():
        name = member.filename.removesuffix(_ENDING)
        if leads_out(member.filename):
            problems.add(f"{file}: {member.filename} leads out of the archive", _ANEW)
        elif name == member.filename or not name:
            problems.add(f"{file}: {member.filename} is no array: its name does not end in {_ENDING}", "take it out")
        elif name in found:
            problems.add(f"{file}: {member.filename} is there more than once", _ANEW)
        elif member.file_size > _HIGHEST_RATIO * (member.compress_size + 1):
            problems.add(
                f"{file}: {member.filename} claims {member.file_size:,} bytes, more than its {member.compress_size:,} "
                "can hold",
                _ANEW,
            )
        found[name] = member
    problems.raise_any()
    return found


def _read(opened: zipfile.ZipFile, file: Path, members: dict[str, zipfile.ZipInfo]) -> dict[str, np.ndarray]:
    size, memory = sum(member.file_size for member in members.values()), available_memory()
    if size > memory:
        raise DlkitError(
            f"{file} needs {size:,} bytes of memory, and {memory:,} are left",
            "keep the examples in files of their own, as for `image_folder`",
            "too-large",
        )
    problems = Problems()
    arrays = {}
    for name, member in members.items():
        place = f"{file}: {member.filename}"
        with problems.noted():
            try:
                with opened.open(member) as stream:
                    arrays[name] = _read_member(stream, member, place)
            except _UNREADABLE as error:
                raise DlkitError(f"{place} cannot be read: {error or 'it is cut short'}", _ANEW) from None
    problems.raise_any()
    return arrays


def _read_member(stream: IO[bytes], member: zipfile.ZipInfo, place: str) -> np.ndarray:
    """An array, for which memory is taken only when its header and its size agree."""
    import numpy as np

    shape, is_fortran, dtype = _header(stream, place)
    size, held = math.prod(shape) * dtype.itemsize, member.file_size - stream.tell()
    if min(shape, default=0) < 0 or size != held:
        raise DlkitError(f"{place} claims {size:,} bytes, as {dtype} of shape {shape}, and holds {held:,}", _ANEW)
    array = np.empty(math.prod(shape), dtype)
    left = array.view(np.uint8).data if size else memoryview(b"")
    while left:
        content = stream.read(min(len(left), _CHUNK))
        if not content:
            raise EOFError
        left[: len(content)] = content
        left = left[len(content) :]
    return array.reshape(shape, order="F" if is_fortran else "C")


def _header(stream: IO[bytes], place: str) -> tuple[tuple[int, ...], bool, np.dtype]:
    from numpy.lib import format as npy

    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    try:
        version = npy.read_magic(stream)
        if version not in readers:
            raise ValueError(f"of the version {version[0]}.{version[1]}")
        shape, is_fortran, dtype = readers[version](stream)
    except (ValueError, TypeError, SyntaxError, TokenError, OverflowError, RecursionError) as error:
        reason = str(error).split("\n")[0]
        raise DlkitError(f"{place} is no array of NumPy's, or a damaged one: {reason}", _ANEW) from None
    if dtype.hasobject:
        raise DlkitError(
            f"{place} holds Python objects, which are never loaded: loading them can run any code",
            "save it as an array of numbers or texts: `array.astype(str)`",
        )
    if dtype.fields is not None or not dtype.itemsize:
        raise DlkitError(f"{place} holds {dtype}", "save its fields as arrays of their own")
    return tuple(map(int, shape)), is_fortran, dtype
