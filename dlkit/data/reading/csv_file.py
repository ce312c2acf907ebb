"""Reads a CSV file as text, column by column; what is wrong with it is told by its line."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dlkit.data.reading.blobs import readable
from dlkit.data.reading.problems import Problems
from dlkit.errors import DlkitError
from dlkit.recipe.diagnostics import listing

if TYPE_CHECKING:
    import pyarrow as pa

_SEPARATORS = (";", "\t", "|", ",")
_BLOCK = 2**24  # bytes; pyarrow wants a block to hold a whole row


@dataclass(frozen=True, eq=False)
class CsvFile:
    """The text of a CSV file.

    Args:
        path: The file.
        separator: What stands between two cells.
        has_header: Whether its first record names the columns.
        columns: The cells by column, as strings.
    """

    path: Path
    separator: str
    has_header: bool
    columns: dict[str, pa.ChunkedArray]

    def lines(self) -> list[int]:
        """The line at which each row begins; the file is read again for it."""
        lines = [line for line, _ in _records(self.path, self.separator)]
        return lines[1:] if self.has_header else lines


def read_csv(path: Path, separator: str = ",", header: Sequence[str] | None = None) -> CsvFile:
    """Reads a CSV file in UTF-8, with quotes as in RFC 4180; empty lines are passed over.

    Args:
        path: The file.
        separator: What stands between two cells, one character.
        header: The names of the columns, where the file has no line that names them.

    Raises:
        DlkitError: The file is empty, has no rows, is no UTF-8, is separated by something else, has rows of another
            length than its header, or two columns of one name; all such lines are named.
    """
    import pyarrow as pa
    from pyarrow import csv as arrow

    content = _content(path)
    names = list(header) if header is not None else _header(path, separator)
    _check_names(path, names)
    if header is None and len(names) == 1:
        _check_separator(path, separator, names[0])
    if content.count(b'"') % 2:  # an unclosed quote swallows the rest of the file
        _check(path, separator, len(names))
    try:
        table = arrow.read_csv(
            pa.BufferReader(content),
            arrow.ReadOptions(
                column_names=names, skip_rows_after_names=0 if header is not None else 1, block_size=_BLOCK
            ),
            arrow.ParseOptions(delimiter=separator, newlines_in_values=True),
            arrow.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
        )
    except pa.ArrowInvalid as error:
        _check(path, separator, len(names))
        reason = f"{path} cannot be read as CSV: {error}"
        raise DlkitError(reason, "mend the file", code="damaged-data") from None
    if not table.num_rows:
        raise DlkitError(f"{path}: there are no rows below the header", "give a file with data", code="damaged-data")
    return CsvFile(path, separator, header is None, {name: table[name] for name in names})


def _content(path: Path) -> bytes:
    with readable(str(path)):
        content = path.read_bytes()
    # Empty lines above the header would be taken for it.
    content = content.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    if not content:
        raise DlkitError(f"{path}: the file is empty", "give a file with data", code="damaged-data")
    return content if content.endswith((b"\n", b"\r")) else content + b"\n"


def _records(path: Path, separator: str) -> Iterator[tuple[int, list[str]]]:
    """The records that are not empty, with the line at which each begins; bytes that are no UTF-8 become surrogates.

    Raises:
        csv.Error: As it is, with the line in `args[1]`.
    """
    csv.field_size_limit(sys.maxsize)
    with path.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as text:
        reader = csv.reader(text, delimiter=separator, strict=True)
        line = 1
        while True:
            try:
                record = next(reader, None)
            except csv.Error as error:
                raise csv.Error(str(error), line) from None
            if record is None:
                return
            if record:
                yield line, record
            line = reader.line_num + 1


def _header(path: Path, separator: str) -> list[str]:
    try:
        record = next(_records(path, separator))[1]
    except csv.Error as error:
        raise _no_csv(path, error) from None
    if not _is_utf8(record):
        raise DlkitError(f"{path}:1: the header is no UTF-8", "save the file as UTF-8", code="damaged-data")
    return [name.strip() for name in record]


def _check_names(path: Path, names: Sequence[str]) -> None:
    repeated = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if repeated:
        raise DlkitError(
            f"{path}:1: columns of the same name: {listing(repeated)}", "give each column a name", code="damaged-data"
        )


def _check_separator(path: Path, separator: str, only: str) -> None:
    """Refuses a file of a single column whose name holds what usually separates columns."""
    other = max((each for each in _SEPARATORS if each != separator), key=only.count)
    if other in only:
        message = f"{path}:1: {separator!r} separates no columns here, and {other!r} stands {only.count(other)} times"
        raise DlkitError(message, f"write `separator: {json.dumps(other)}`", code="damaged-data")


def _check(path: Path, separator: str, columns: int) -> None:
    """Tells every record that is no UTF-8 or has another number of cells than there are columns."""
    problems = Problems()
    try:
        for line, record in _records(path, separator):
            if not _is_utf8(record):
                problems.add(f"{path}:{line}: this is no UTF-8", "save the file as UTF-8")
            if len(record) != columns:
                problems.add(
                    f"{path}:{line}: {len(record)} {'value' if len(record) == 1 else 'values'}, where there "
                    f"{'is one column' if columns == 1 else f'are {columns} columns'}",
                    "give every row one value a column; quote values that hold the separator",
                )
    except csv.Error as error:
        problems.found.append(_no_csv(path, error))
    problems.raise_any()


def _no_csv(path: Path, error: csv.Error) -> DlkitError:
    reason, line = error.args
    if reason == "unexpected end of data":
        reason = "a quote is opened here and never closed"
    return DlkitError(f"{path}:{line}: {reason}", 'write a quote within quotes twice: ""', code="damaged-data")


def _is_utf8(record: Sequence[str]) -> bool:
    return not any("\udc80" <= character <= "\udcff" for cell in record if not cell.isascii() for character in cell)
