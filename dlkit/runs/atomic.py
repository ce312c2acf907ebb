"""Files that appear whole or not at all: a hidden temporary file, fsync, rename.

After a kill or on a full disk the old file is still there, complete. See `rename(2)`, and Pillai et al., "All File
Systems Are Not Created Equal" (OSDI 2014), for why the file and then its folder are synced.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dlkit.errors import DlkitError
from dlkit.runs import json_text

_MARK = ".tmp"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Gives a temporary path in the same folder, with the same suffix, that replaces `path` when the block ends well.

        with replacing(run.last_model) as temporary:
            model.save(temporary)

    Raises:
        DlkitError: If the system refuses to write (`cannot-write`); `path` is then as it was.
    """
    temporary = path.with_name(f".{path.stem}.{secrets.token_hex(4)}{_MARK}{path.suffix}")
    with writing(path):
        try:
            yield temporary
            _sync(temporary)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        _sync(path.parent)


def write_bytes(path: Path, content: bytes) -> None:
    """Replaces the file at `path`, whole."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Replaces the file at `path`, whole, in UTF-8 with the line ends as they are."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    """Replaces the file at `path` by the value as indented JSON (see `json_text` for NaN and infinity)."""
    write_text(path, json_text.dumps(value, indent=2) + "\n")


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Tells a refusal of the system to write `path` in a sentence.

    Raises:
        DlkitError: With the code `cannot-write`.
    """
    try:
        yield
    except OSError as error:
        raise DlkitError(f"Cannot write {path}: {error.strerror or error}", _cure(error), "cannot-write") from error


def remove_leftovers(folder: Path) -> None:
    """Removes what writers that were killed left in the folder and below it. Nobody else may be writing there."""
    for leftover in list(folder.rglob(f".*{_MARK}*")):
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)


@contextmanager
def replacing_folder(place: Path) -> Iterator[Path]:
    """Gives a temporary folder beside `place` that takes its place when the block ends well, and is gone when it does not.

    Raises:
        DlkitError: If the system refuses to write (`cannot-write`); `place` is then as it was.
    """
    temporary, old = (place.with_name(f".{place.name}.{secrets.token_hex(4)}{_MARK}") for _ in range(2))
    with writing(place):
        temporary.mkdir(parents=True)
    try:
        yield temporary
        with writing(place):
            if place.exists():
                os.replace(place, old)
            os.replace(temporary, place)
            _sync(place.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _cure(error: OSError) -> str | None:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "Free some space, or write the runs to another disk with --runs-dir."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "Choose a folder that can be written with --runs-dir, or set DLKIT_RUNS_DIR."
    return None
