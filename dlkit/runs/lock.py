"""A run is locked while it runs, so that two processes never write into one folder.

The lock is the kernel's (`flock`), so it goes with its process however that ends. It also tells a run that goes on from
one that was killed, where a process id would mislead: ids are used again, and a folder may be moved or copied.
"""

from __future__ import annotations

import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from dlkit.errors import DlkitError
from dlkit.runs.atomic import writing

# `is_locked` holds the lock for an instant; a run that starts just then must not take it for another run.
_PATIENCE_SECONDS = 0.5


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds the lock file at `path`.

    Raises:
        DlkitError: If another process, or another part of this one, holds it (`run-in-use`).
    """
    with writing(path):
        file = path.open("a+", encoding="utf-8")
    with file:
        if not _acquire(file, path):
            file.seek(0)
            holder = file.read().strip() or "another process"
            raise DlkitError(
                f"The run {path.parent} is in use by {holder}.", "Wait until it has ended, or end it.", "run-in-use"
            )
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
        file.flush()
        yield


def is_locked(path: Path) -> bool:
    """Whether a process holds the lock file at `path`."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _acquire(file: IO[str], path: Path) -> bool:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    with writing(path):
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            except BlockingIOError:
                if time.monotonic() > deadline:
                    return False
            time.sleep(0.02)
