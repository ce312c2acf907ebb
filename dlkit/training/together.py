"""Stopping at the same step in all processes that train together.

All of them ask before every step. Between two questions lies a step, which none can finish without all the others; so what
the chief writes down at one question, every worker sees at the next.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from dlkit.runs.atomic import write_text

JOINED = "DLKIT_JOINED"  # environment variable: the file that a worker makes when it has joined the others
LAUNCHED = "DLKIT_LAUNCHED"  # environment variable: set for workers that do not train together
STOP = "DLKIT_STOP"  # environment variable: the file that says at which question all stop


def tell_joined() -> None:
    """Tells the launcher, if there is one, that this worker has joined the others."""
    if path := os.environ.get(JOINED):
        Path(path).touch()


def end_with_launcher() -> None:
    """Lets a process that was launched end when its launcher does, however that ends: it holds the other end of standard input."""
    if JOINED in os.environ or LAUNCHED in os.environ:
        threading.Thread(target=_wait_for_end_of_input, daemon=True).start()


def _wait_for_end_of_input() -> None:
    while os.read(0, 1):
        pass
    os._exit(1)  # at once: what waits for another worker hears nothing


def can_agree() -> bool:
    """Whether a launcher lets the workers agree on a step to stop at."""
    return STOP in os.environ


class StopTogether:
    """Whether to stop, asked by every worker before each step.

    Args:
        is_chief: Whether this process decides.
        received: Whether a signal asks this process to stop.
    """

    def __init__(self, is_chief: bool, received: Callable[[], bool]) -> None:
        self._is_chief = is_chief
        self._received = received
        self._file = Path(os.environ[STOP]) if STOP in os.environ else None
        self._questions = 0
        self._at: int | None = None

    def __call__(self) -> bool:
        self._questions += 1
        if self._file is None:
            return False  # a cluster without a launcher ends all processes alike: the last state stands
        if self._at is None and self._is_chief and self._received():
            self._at = self._questions + 1
            write_text(self._file, str(self._at))
        elif self._at is None and not self._is_chief:
            with suppress(FileNotFoundError, ValueError):
                self._at = int(self._file.read_text(encoding="utf-8"))
        return self._at is not None and self._questions >= self._at
