"""Texts out of files: UTF-8 and nothing else, with one kind of line end.

Not to be guessed: a text in Windows-1252 that is read as UTF-8 with its errors replaced teaches a model wrong words.
"""

from __future__ import annotations

from pathlib import Path

from dlkit.data.reading.blobs import readable
from dlkit.errors import DlkitError

SUFFIX = ".txt"
MOST_BYTES = 2**31  # of one file
_OTHER_ENCODINGS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}  # by the mark that such a file begins with


def read_text(file: Path) -> str:
    """The text of a file; `decoded` tells how it is read.

    Raises:
        DlkitError: The file cannot be read, or is no UTF-8.
    """
    with readable(str(file)), file.open("rb") as opened:
        content = opened.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise DlkitError(f"{file} is larger than {MOST_BYTES:,} bytes", "cut it into several files")
    return decoded(content, str(file))


def decoded(content: bytes, origin: str) -> str:
    """The text of a file's content; a byte order mark is passed over, and every line ends in a line feed.

    Args:
        content: The bytes of the file.
        origin: What the file is called in messages.

    Raises:
        DlkitError: It is no UTF-8; the message names the line and the byte.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = error.object[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        other = _OTHER_ENCODINGS.get(content[:2])
        raise DlkitError(
            f"{origin}:{line}: byte {column} of the line, 0x{error.object[error.start]:02x}, is no UTF-8"
            f"{f': the file is in {other}' if other else ''}",
            "save the file as UTF-8",
            code="damaged-data",
        ) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")
