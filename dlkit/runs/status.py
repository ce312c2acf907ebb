"""status.json: how far a run is, and how it ended."""

from __future__ import annotations

import dataclasses
import json
import os
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from dlkit.errors import DlkitError
from dlkit.runs.atomic import write_json

Outcome = Literal["running", "finished", "interrupted", "failed"]
State = Literal["running", "finished", "interrupted", "failed", "killed"]


@dataclasses.dataclass(frozen=True, slots=True)
class Status:
    """What status.json holds.

    Args:
        state: What the run says of itself; `RunFolder.state` adds `killed`, which a run cannot say.
        started: When this process took the run up, in UTC, as `2025-01-31T14:25:30Z`.
        updated: When the file was written.
        pid: The process, on `host`.
        workers: Number of processes that train together.
        stage: Name of the stage of training.
        epoch: Epochs of the stage that are done.
        epochs: Epochs that the stage has at most.
        step: Steps (batches) of the stage that are done.
        error: What went wrong, where the run failed.
        seconds_before: Time that earlier processes spent on what this one goes on from.
    """

    state: Outcome
    started: str
    updated: str
    pid: int
    host: str
    workers: int = 1
    stage: str | None = None
    epoch: int = 0
    epochs: int | None = None
    step: int = 0
    error: str | None = None
    seconds_before: float = 0.0

    @classmethod
    def of_this_process(cls, workers: int = 1, seconds_before: float = 0.0) -> Status:
        """A run that this process starts, or takes up, now."""
        now, host = utc_now(), socket.gethostname()
        return cls("running", now, now, os.getpid(), host, workers, seconds_before=seconds_before)

    @classmethod
    def read(cls, path: Path) -> Status:
        """Reads status.json.

        Raises:
            DlkitError: If there is none, or none that dlkit wrote (`not-a-run`).
        """
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise DlkitError(f"{path} cannot be read as the state of a run: {error}", code="not-a-run") from error

    @property
    def seconds(self) -> float:
        """Time spent, from the first process on up to when the file was written."""
        first, last = (datetime.fromisoformat(each) for each in (self.started, self.updated))
        return self.seconds_before + (last - first).total_seconds()

    def write(self, path: Path) -> None:
        """Replaces status.json, whole."""
        write_json(path, dataclasses.asdict(self))


def utc_now() -> str:
    """The time in UTC to the second, as `2025-01-31T14:25:30Z`."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
