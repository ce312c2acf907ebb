"""Reads an archive of small pictures, a folder a class in a folder a split: `train/cat/0001.jpg`."""

from __future__ import annotations

import os
import stat
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dlkit.data.reading.archives import leads_out
from dlkit.data.reading.problems import Problems
from dlkit.errors import DlkitError

if TYPE_CHECKING:
    import numpy as np

SPLITS = ("train", "test")
SUFFIXES = (".jpg", ".jpeg", ".png")
_FORMATS = ("JPEG", "PNG")
_MOST_BYTES = 2**20  # of one member
_RESIZE = "resize the picture"
_UNREADABLE = (OSError, EOFError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error)


def read_pictures(
    archive: Path, classes: Sequence[str], size: tuple[int, int]
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The pictures and classes of a zip archive, by split, in the order of their names.

    The pictures are read in memory, in one thread: of 32 x 32 pixels two threads decode a fifth fewer a second.

    Args:
        archive: The file.
        classes: The names of the folders, in the order of the numbers of the classes.
        size: The width and height in pixels that every picture has.

    Returns:
        By split, images as uint8 of shape (examples, height, width, 3) and classes as int32.

    Raises:
        DlkitError: The archive or members of it are damaged, lead out of it, or are no pictures of a class.
    """
    problems = Problems()
    try:
        with zipfile.ZipFile(archive) as opened:
            found = _find(opened, archive, classes, problems)
            read = {split: _read(opened, archive, members, size, problems) for split, members in found.items()}
    except (OSError, zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError) as error:
        raise DlkitError(f"{archive} is no zip archive, or a damaged one: {error}", "get the file anew") from None
    problems.raise_any()
    return read


Members = list[tuple[zipfile.ZipInfo, int]]  # with their classes


def _find(opened: zipfile.ZipFile, archive: Path, classes: Sequence[str], problems: Problems) -> dict[str, Members]:
    """The pictures of every split."""
    numbers = {name: number for number, name in enumerate(classes)}
    found: dict[str, Members] = {split: [] for split in SPLITS}
    before = None
    for member in sorted(opened.infolist(), key=lambda member: member.filename):
        problem = _problem(member, numbers, repeated=member.filename == before)
        before = member.filename
        if problem:
            problems.add(f"{archive}: {member.filename} {problem}", _layout(classes))
        elif not _passed_over(member):
            split, name, _ = member.filename.split("/")
            found[split].append((member, numbers[name]))
    for split, members in found.items():
        present = {number for _, number in members}
        for name, number in numbers.items():
            if number not in present:
                problems.add(f"{archive}: there are no pictures in {split}/{name}", _layout(classes))
    return found


def _layout(classes: Sequence[str]) -> str:
    return f"the archive holds pictures only, as train/{classes[0]}/0001.jpg and test/{classes[-1]}/0001.jpg"


def _passed_over(member: zipfile.ZipInfo) -> bool:
    """Whether a member is a folder, or was added by the system that packed the archive."""
    parts = member.filename.split("/")
    return member.is_dir() or parts[0] == "__MACOSX" or parts[-1] in (".DS_Store", "Thumbs.db", "desktop.ini")


def _problem(member: zipfile.ZipInfo, classes: Mapping[str, int], *, repeated: bool) -> str | None:
    if leads_out(member.filename):
        return "leads out of the archive"
    if stat.S_ISLNK(member.external_attr >> 16):
        return "is a link"
    if _passed_over(member):
        return None
    parts = member.filename.split("/")
    if len(parts) != 3 or parts[0] not in SPLITS or os.path.splitext(parts[2])[1].lower() not in SUFFIXES:
        return "is a stray file"
    if parts[1] not in classes:
        return f"is of no known class: {parts[1]}"
    return "is there more than once" if repeated else None


def _read(
    opened: zipfile.ZipFile, archive: Path, members: Members, size: tuple[int, int], problems: Problems
) -> tuple[np.ndarray, np.ndarray]:
    import numpy as np

    images = np.empty((len(members), size[1], size[0], 3), np.uint8)
    labels = np.array([number for _, number in members], np.int32)
    for row, (member, _) in enumerate(members):
        with problems.noted():
            images[row] = _decode(_content(opened, archive, member), f"{archive}: {member.filename}", size)
    return images, labels


def _content(opened: zipfile.ZipFile, archive: Path, member: zipfile.ZipInfo) -> bytes:
    place = f"{archive}: {member.filename}"
    try:
        with opened.open(member) as file:
            content = file.read(_MOST_BYTES + 1)
    except _UNREADABLE as error:
        raise DlkitError(f"{place} cannot be read: {error}", "pack the archive anew") from None
    if len(content) > _MOST_BYTES:
        raise DlkitError(f"{place} is larger than {_MOST_BYTES:,} bytes", "pack the archive anew")
    return content


def _decode(content: bytes, place: str, size: tuple[int, int]) -> np.ndarray:
    from dlkit.data.reading.pictures import opened, pixels

    with opened(content, place, _FORMATS) as picture:
        if picture.size != size:
            raise DlkitError(f"{place} has {_times(picture.size)} pixels, where {_times(size)} are expected", _RESIZE)
        return pixels(picture, 3)


def _times(size: tuple[int, int]) -> str:
    return f"{size[0]:,} x {size[1]:,}"
