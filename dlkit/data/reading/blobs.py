"""Where the bytes of a file are: in a file of its own, in an archive, or in memory. Several threads read at once."""

from __future__ import annotations

import os
import struct
import weakref
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dlkit.errors import DlkitError

MOST_BYTES = 2**28  # of one file
ANEW = "get the file anew"


@dataclass(frozen=True, slots=True)
class Blob(ABC):
    """Where the bytes of a file are. Several threads may read at once; reading lets go of the interpreter.

    Args:
        place: The file, for messages.
        size: Bytes it has.
    """

    place: str
    size: int

    @abstractmethod
    def read(self) -> bytes:
        """The content.

        Raises:
            DlkitError: It cannot be read.
        """

    def head(self, size: int) -> bytes:
        """The first bytes, as `read`; perhaps more of them."""
        return self.read()

    def checksum(self) -> bytes:
        """CRC-32 and size of the content: the same in a folder and in an archive.

        Raises:
            DlkitError: It cannot be read.
        """
        content = self.read()
        return _checksum(zlib.crc32(content), len(content))


@dataclass(frozen=True, slots=True)
class PlainFile(Blob):
    """A file of its own; the place is its path."""

    def read(self) -> bytes:
        content = self.head(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise too_large(self.place, len(content))
        return content

    def head(self, size: int) -> bytes:
        with readable(self.place), open(self.place, "rb") as file:
            return file.read(size)


@dataclass(frozen=True, slots=True)
class InMemory(Blob):
    """A file whose content is there already."""

    content: bytes

    def read(self) -> bytes:
        return self.content


@dataclass(frozen=True, slots=True)
class Piece(Blob):
    """A part of a file, as it is: a member of a tar archive."""

    archive: OpenFile
    offset: int

    def read(self) -> bytes:
        return self.head(self.size)

    def head(self, size: int) -> bytes:
        return self.archive.read(self.place, self.offset, min(size, self.size))


@dataclass(frozen=True, slots=True)
class ZipMember(Blob):
    """A member of a zip archive, stored or deflated."""

    archive: OpenFile
    offset: int  # of its local header
    packed_size: int
    deflated: bool
    crc: int

    def read(self) -> bytes:
        # APPNOTE.TXT 6.3.10, 4.3.7: 30 bytes, whose last four are the lengths of the name and of the extra field.
        header = self.archive.read(self.place, self.offset, 30)
        if header[:4] != b"PK\3\4":
            raise DlkitError(f"{self.place} cannot be read: its header is damaged", ANEW)
        start = self.offset + 30 + sum(struct.unpack("<HH", header[26:]))
        content = self.archive.read(self.place, start, self.packed_size)
        if self.deflated:
            try:
                content = zlib.decompressobj(-zlib.MAX_WBITS).decompress(content, self.size + 1)
            except zlib.error as error:
                raise DlkitError(f"{self.place} cannot be read: {error}", ANEW) from None
        if (zlib.crc32(content), len(content)) != (self.crc, self.size):
            raise DlkitError(f"{self.place} is damaged: its checksum is another than the archive tells", ANEW)
        return content

    def checksum(self) -> bytes:
        return _checksum(self.crc, self.size)


class OpenFile:
    """A file from which several threads read pieces; it is closed when nothing refers to it any more."""

    def __init__(self, path: Path) -> None:
        with readable(str(path)):
            self._descriptor = os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self._descriptor)

    def read(self, place: str, offset: int, size: int) -> bytes:
        with readable(place):
            content = os.pread(self._descriptor, size, offset)
        if len(content) < size:
            raise DlkitError(f"{place} cannot be read: the archive is cut short", ANEW)
        return content


@contextmanager
def readable(place: str) -> Iterator[None]:
    """Tells a refusal of the system to read in a sentence.

    Raises:
        DlkitError: In place of an OSError.
    """
    try:
        yield
    except OSError as error:
        raise unreadable(place, error) from None


def unreadable(place: str, error: OSError) -> DlkitError:
    """What is said of a file or a folder that the system refuses to read."""
    return DlkitError(f"{place} cannot be read: {error.strerror or error}", "look at its permissions and its disk")


def too_large(place: str, size: int) -> DlkitError:
    """What is said of a file above the limit."""
    return DlkitError(
        f"{place} has {size:,} bytes, where {MOST_BYTES:,} are the most", "take it out, or make it smaller"
    )


def _checksum(crc: int, size: int) -> bytes:
    return struct.pack("<IQ", crc, size)
