"""Finds TensorFlow's record files and reads their records, whose lengths are checked before memory is taken for them.

Format: https://www.tensorflow.org/tutorials/load_data/tfrecord (a length of 8 bytes, its checksum of 4, the record, its
checksum of 4)
"""

from __future__ import annotations

import glob
import io
import os
import re
import struct
import zlib
from bisect import bisect
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from dlkit.data.reading.places import joined, nearest, places_of_path
from dlkit.data.reading.problems import Problems
from dlkit.errors import DlkitError

MOST_BYTES = 2**28  # of one record
_SPLITS = {
    **{"train": "train", "training": "train", "test": "test"},
    **dict.fromkeys(("validation", "valid", "val"), "validation"),
}
_RECORDS = re.compile(r"\.?(tfrecords?|tfrec|tfr|records?)\b|-\d{5}-of-\d{5}", re.IGNORECASE)
_COMES_WITH = re.compile(r"(readme|license).*|.*\.(json|txt|md|pbtxt)", re.IGNORECASE)
_SHARD = re.compile(r"(.*)-(\d{5})-of-(\d{5})(.*)", re.DOTALL)
_ANEW = "get the file anew"
_CHUNK = 2**20
_BATCH = 1024


def find_files(path: str) -> dict[str, list[Path]]:
    """The record files of every split.

    Args:
        path: A file, a folder, or a pattern with `*`. Of several files, a word of the name of a file or of its folder
            tells its split, as in `cifar10-train.tfrecord-00000-of-00002`; without any such words all are for training.

    Raises:
        DlkitError: There are none, some are missing or of no known split; all of these are named.
    """
    places = places_of_path(path)
    for place in places:
        if os.path.isfile(place):
            return {"train": [place]}
        if os.path.isdir(place):
            return _sorted(place, [Path(folder, name) for folder, _, names in os.walk(place) for name in names])
        if glob.has_magic(str(place)) and (found := glob.glob(str(place))):
            files = [Path(name) for name in found if os.path.isfile(name)]
            return _sorted(Path(os.path.commonpath([file.parent for file in files])) if files else place, files)
    raise DlkitError(
        f"There are no record files at `{path}`. Looked at: {joined(places)}",
        nearest(places, "set `path` to a file, a folder, or a pattern as `records/train-*`"),
        "data-not-found",
    )


def _sorted(root: Path, files: list[Path]) -> dict[str, list[Path]]:
    problems = Problems()
    found: dict[str, list[Path]] = defaultdict(list)
    for file in sorted(files):
        name = file.relative_to(root).as_posix()
        if _RECORDS.search(file.name) and not name.startswith("."):
            words = re.split(r"[^a-z]+", name.lower())
            splits = {_SPLITS[word] for word in words if word in _SPLITS}
            if len(splits) > 1:
                problems.add(f"{file} has a name of two splits: {joined(sorted(splits))}", "name it after one")
            else:
                found[splits.pop() if splits else ""].append(file)
        elif not _COMES_WITH.fullmatch(file.name) and not file.name.startswith("."):
            problems.add(
                f"{file} is a stray file: its name is none of a record file, as `train.tfrecord`", "take it out"
            )
    _check_shards([file for group in found.values() for file in group], problems)
    if len(found) > 1 and "" in found:
        problems.add(
            f"The split of {joined(found[''])} is not known",
            "name every file after its split: train, validation or test",
        )
    if not found:
        problems.add(f"{root} holds no record files", "their names end in `.tfrecord`, or in `-00000-of-00002`")
    elif not {"", "train"} & set(found):
        problems.add(f"{root} holds no record files to train on", "name them after their split: `train.tfrecord`")
    problems.raise_any()
    return {split: found[name] for name, split in (("", "train"), *((s, s) for s in _SPLITS.values())) if name in found}


def _check_shards(files: list[Path], problems: Problems) -> None:
    """Every one of several files that make a whole is there."""
    wholes: dict[tuple[str, str, str], set[int]] = defaultdict(set)
    for file in files:
        shard = _SHARD.fullmatch(str(file))
        if shard:
            wholes[shard[1], shard[3], shard[4]].add(int(shard[2]))
    for (start, count, end), numbers in wholes.items():
        missing = [f"{start}-{number:05}-of-{count}{end}" for number in range(int(count)) if number not in numbers]
        if missing:
            more = f" and {len(missing) - 3:,} more" if len(missing) > 3 else ""
            problems.add(f"{joined(missing[:3])}{more} {'is' if len(missing) == 1 else 'are'} missing", "get it anew")


def read_records(file: Path, compression: str | None) -> list[bytes]:
    """The records of a file, in their order.

    Args:
        file: The file.
        compression: `gzip` or `zlib`; None for none.

    Raises:
        DlkitError: The file cannot be read, is cut short or damaged; the message names the record.
    """
    import tensorflow as tf

    starts = _starts(file, compression)
    if not starts:
        raise DlkitError(f"{file} holds no records", "take the file out, or get it anew")
    data = tf.data.TFRecordDataset(str(file), (compression or "").upper()).batch(_BATCH)
    try:
        return [record for batch in data.as_numpy_iterator() for record in batch.tolist()]
    except tf.errors.DataLossError as error:
        at = re.search(r"record at (\d+)", error.message)
        told = f"record {bisect(starts, int(at[1]))} is damaged: its checksum is another" if at else "is damaged"
        raise DlkitError(f"{file}: {told}", _ANEW) from None
    except tf.errors.OpError as error:
        raise DlkitError(f"{file} cannot be read: {error.message}", "look at its permissions and its disk") from None


def _starts(file: Path, compression: str | None) -> list[int]:
    """The bytes at which the records begin; only their lengths are read, of which TensorFlow believes any."""
    starts: list[int] = []
    at = 0
    try:
        with file.open("rb") as opened:
            stream: IO[bytes] = io.BufferedReader(_Inflated(opened), _CHUNK) if compression else opened
            left = None if compression else os.fstat(opened.fileno()).st_size
            while head := stream.read(12):
                (length,) = struct.unpack("<Q", head[:8].ljust(8, b"\0"))
                end = at + 16 + length
                if len(head) < 12 or length > MOST_BYTES or (left is not None and end > left):
                    raise _cut(file, len(starts) + 1, length, compression)
                _skip(stream, length + 4, seek=not compression)
                starts.append(at)
                at = end
    except EOFError:
        raise _cut(file, len(starts) + 1, 0, compression) from None
    except zlib.error as error:
        raise DlkitError(f"{file}: its compressed data are damaged, or not of {compression}: {error}", _ANEW) from None
    except OSError as error:
        raise DlkitError(f"{file} cannot be read: {error.strerror}", "look at its permissions and its disk") from None
    return starts


def _cut(file: Path, number: int, length: int, compression: str | None) -> DlkitError:
    too_large = f"claims {length:,} bytes, where {MOST_BYTES:,} are the most"
    told = too_large if length > MOST_BYTES else "is cut short"
    cure = "" if compression or number > 1 else "; if the file is compressed, say so: `compression: gzip`"
    return DlkitError(f"{file}: record {number} {told}", f"{_ANEW}{cure}")


def _skip(stream: IO[bytes], count: int, *, seek: bool) -> None:
    if seek:
        stream.seek(count, os.SEEK_CUR)
        return
    while count:
        content = stream.read(min(count, _CHUNK))
        if not content:
            raise EOFError
        count -= len(content)


class _Inflated(io.RawIOBase):
    """The content of a file compressed by gzip or zlib; a file cut short is an EOFError."""

    def __init__(self, file: IO[bytes]) -> None:
        self._pieces = self._inflate(file)
        self._rest = b""

    @staticmethod
    def _inflate(file: IO[bytes]) -> Iterator[bytes]:
        packed = file.read(_CHUNK)
        while packed:
            stream = zlib.decompressobj(zlib.MAX_WBITS | 32)  # either of the two
            while not stream.eof:
                piece = stream.decompress(packed, _CHUNK)
                packed = stream.unconsumed_tail
                if piece:
                    yield piece
                elif not packed and not stream.eof:
                    packed = file.read(_CHUNK)
                    if not packed:
                        raise EOFError
            packed = stream.unused_data or file.read(_CHUNK)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = piece
        taken, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)
