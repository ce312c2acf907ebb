"""Reads archives in memory and unpacks nothing; a member that leads out of its archive is refused by name."""

from __future__ import annotations

import lzma
import posixpath
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from dlkit.data.sources._problems import Problems

_CHUNK = 2**20


def leads_out(name: str) -> bool:
    """Whether a member's name is absolute or goes up by `..`, in the way of POSIX or of Windows."""
    parts = name.replace("\\", "/").split("/")
    return not parts[0] or parts[0][1:2] == ":" or ".." in parts


def read_tar(
    archive: Path, wanted: Callable[[str], bool], limit: int, problems: Problems
) -> Iterator[tuple[str, bytes]]:
    """The wanted files of a tar archive, however compressed, in their order: names and contents; see `tar_members`."""
    for member, content in tar_members(archive, wanted, limit, problems):
        if content is not None:
            yield member.name, content


def tar_members(
    archive: Path, wanted: Callable[[str], bool], limit: int, problems: Problems
) -> Iterator[tuple[tarfile.TarInfo, bytes | None]]:
    """The files and folders of a tar archive, however compressed, in their order, with the contents of wanted files.

    Args:
        archive: The file.
        wanted: Tells by its name whether a file is to be read.
        limit: The most bytes that a member may have.
        problems: Takes links, members that lead out of the archive, and what else cannot be read.
    """
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                problem = _problem(member, limit)
                if problem:
                    problems.add(f"{archive}: {member.name} {problem}", "pack the plain files only, by relative names")
                elif member.isreg() and wanted(member.name):
                    file = tar.extractfile(member)
                    assert file is not None  # as of every regular file
                    yield member, file.read()
                else:
                    yield member, None
            assert tar.fileobj is not None  # as of every open archive
            if tar.fileobj.tell() <= tar.offset:  # where the block of zeros stands that ends an archive
                problems.add(f"{archive} is cut short: the mark of its end is missing", "get the file anew")
            while tar.fileobj.read(_CHUNK):
                pass  # the checksum of the compressed data stands at its end
    except tarfile.ReadError as error:
        reason = str(error).split("\n")[0].rstrip(":")  # the rest tells of every compression that was tried
        problems.add(f"{archive} is no tar archive, or a damaged one: {reason}", "get the file anew")
    except EOFError:
        problems.add(f"{archive} is cut short: its compressed data ends too early", "get the file anew")
    except (tarfile.TarError, OSError, zlib.error, lzma.LZMAError) as error:
        problems.add(f"{archive} cannot be read: {error}", "get the file anew")


def _problem(member: tarfile.TarInfo, limit: int) -> str | None:
    if leads_out(member.name):
        return "leads out of the archive"
    if member.issym() or member.islnk():
        start = posixpath.dirname(member.name) if member.issym() else ""
        target = posixpath.normpath(posixpath.join(start, member.linkname))
        return f"is a link{' that leads out of the archive' if leads_out(target) else ''}, to {member.linkname}"
    if not member.isreg() and not member.isdir():
        return "is neither a file nor a folder"
    if member.size > limit:
        return f"claims {member.size:,} bytes, where {limit:,} are the most"
    return None
