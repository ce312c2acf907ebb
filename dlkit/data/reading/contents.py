"""Lists the files of a folder, of a zip or of a tar archive; nothing is unpacked, and nothing outside is touched."""

from __future__ import annotations

import os
import posixpath
import stat
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from dlkit.data.memory import available_memory
from dlkit.data.reading.archives import leads_out, tar_members
from dlkit.data.reading.blobs import (
    ANEW,
    MOST_BYTES,
    Blob,
    InMemory,
    OpenFile,
    Piece,
    PlainFile,
    ZipMember,
    readable,
    too_large,
    unreadable,
)
from dlkit.data.reading.problems import Problems
from dlkit.errors import DlkitError

ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
_PLAIN = "pack the plain files only, by relative names"
_COMPRESSED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0")  # how gzip's, bzip2's and xz's files begin
_SYSTEM_FILES = ("__MACOSX", "Thumbs.db", "desktop.ini")  # that systems leave beside a user's own


@dataclass
class Contents:
    """What a folder or an archive holds, by names with slashes; what systems hide or leave behind is left out.

    Args:
        files: The files; None in place of those that are not wanted.
        folders: The folders.
    """

    files: dict[str, Blob | None] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)


def contents_of(place: Path, wanted: Callable[[str], bool], problems: Problems) -> Contents:
    """Lists a folder or an archive.

    Args:
        place: The folder, or the archive: zip, or tar however compressed. Of a compressed tar archive the wanted files
            are kept in memory.
        wanted: Tells by its name whether a file is to be read.
        problems: Takes links and names that lead out, files that are too large, and what cannot be read.

    Raises:
        DlkitError: It is neither a folder nor an archive, or a damaged one.
    """
    found = Contents()
    name = place.name.lower()
    if os.path.isdir(place):
        _list_folder(place, wanted, problems, found)
    elif name.endswith(".zip"):
        _list_zip(place, wanted, problems, found)
    elif name.endswith(ARCHIVES):
        _list_tar(place, wanted, problems, found)
    else:
        raise DlkitError(f"{place} is neither a folder nor a known archive", f"known are {', '.join(ARCHIVES)}")
    return found


def _hidden(name: str) -> bool:
    return any(part.startswith(".") or part in _SYSTEM_FILES for part in name.split("/"))


def _list_folder(root: Path, wanted: Callable[[str], bool], problems: Problems, found: Contents) -> None:
    top = os.path.realpath(root)
    left: list[tuple[str, tuple[str, ...]]] = [("", (top,))]  # folders to look into, with the true paths around them
    while left:
        folder, around = left.pop()
        for entry in _entries(root / folder, problems):
            name = f"{folder}{entry.name}"
            with problems.noted(), readable(entry.path):
                if _hidden(entry.name):
                    continue
                if entry.is_symlink():
                    _check_link(entry, top, around)
                if entry.is_dir():
                    found.folders.add(name)
                    left.append((f"{name}/", (*around, os.path.realpath(entry.path))))
                else:
                    found.files[name] = _plain_file(entry) if wanted(name) else None


def _entries(folder: Path, problems: Problems) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        problems.found.append(unreadable(str(folder), error))
        return []


def _plain_file(entry: os.DirEntry[str]) -> PlainFile:
    size = entry.stat().st_size
    if not entry.is_file():
        raise DlkitError(f"{entry.path} is neither a file nor a folder", "take it out")
    if size > MOST_BYTES:
        raise too_large(entry.path, size)
    return PlainFile(entry.path, size)


def _check_link(entry: os.DirEntry[str], top: str, around: tuple[str, ...]) -> None:
    target = os.path.realpath(entry.path)
    problem = None
    if os.path.commonpath([top, target]) != top:
        problem = f"leads out of the folder, to {target}"
    elif not os.path.exists(target):
        problem = f"leads to {target}, which is not there"
    elif target in around:
        problem = f"leads to the folder that it lies in, {target}"
    if problem:
        raise DlkitError(f"{entry.path} is a link that {problem}", "put the files themselves there")


def _list_zip(archive: Path, wanted: Callable[[str], bool], problems: Problems, found: Contents) -> None:
    opened = OpenFile(archive)
    for member in _zip_members(archive):
        name = posixpath.normpath(member.filename.replace("\\", "/"))
        place = f"{archive}: {member.filename}"
        problem = _zip_problem(member, wanted(name))
        if problem:
            problems.add(f"{place} {problem}", _PLAIN)
        elif _hidden(name):
            continue
        elif member.is_dir():
            found.folders.add(name)
        elif name in found.files:
            problems.add(f"{place} is there more than once", _PLAIN)
        else:
            deflated = member.compress_type == zipfile.ZIP_DEFLATED
            blob = ZipMember(
                place, member.file_size, opened, member.header_offset, member.compress_size, deflated, member.CRC
            )
            found.files[name] = blob if wanted(name) else None


def _zip_members(archive: Path) -> list[zipfile.ZipInfo]:
    try:
        with zipfile.ZipFile(archive) as opened:
            return opened.infolist()
    except (OSError, zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError) as error:
        raise DlkitError(f"{archive} is no zip archive, or a damaged one: {error}", ANEW) from None


def _zip_problem(member: zipfile.ZipInfo, wanted: bool) -> str | None:
    if leads_out(member.filename):
        return "leads out of the archive"
    if stat.S_ISLNK(member.external_attr >> 16):
        return "is a link"
    if not wanted:
        return None
    if member.flag_bits & 1:
        return "is encrypted"
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "is compressed in another way than by deflate"
    if max(member.file_size, member.compress_size) > MOST_BYTES:
        return f"claims {member.file_size:,} bytes, where {MOST_BYTES:,} are the most"
    return None


def _list_tar(archive: Path, wanted: Callable[[str], bool], problems: Problems, found: Contents) -> None:
    opened = OpenFile(archive)
    with readable(str(archive)), archive.open("rb") as file:
        compressed = file.read(6).startswith(_COMPRESSED)
    kept, most = 0, available_memory() // 2
    for member, content in tar_members(archive, lambda name: compressed and wanted(name), MOST_BYTES, problems):
        name, place = posixpath.normpath(member.name), f"{archive}: {member.name}"
        if _hidden(name):
            continue
        if member.isdir():
            found.folders.add(name)
        elif name in found.files:
            problems.add(f"{place} is there more than once", _PLAIN)
        elif not wanted(name):
            found.files[name] = None
        elif content is not None:
            found.files[name] = InMemory(place, len(content), content)
            kept += len(content)
            if kept > most:
                raise DlkitError(
                    f"{archive} does not fit into memory unpacked", "pack it as .zip or .tar, or unpack it"
                )
        elif member.issparse():
            problems.add(f"{place} is a sparse file", _PLAIN)
        else:
            found.files[name] = Piece(place, member.size, opened, member.offset_data)
