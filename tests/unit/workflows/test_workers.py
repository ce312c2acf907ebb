"""What the launcher of several workers makes of their ends."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from dlkit.errors import DlkitError
from dlkit.workflows.workers import _watch, _Worker


def workers(folder: Path, *scripts: str) -> list[_Worker]:
    (folder / "joined").touch()
    processes = [subprocess.Popen(["sh", "-c", script], start_new_session=True) for script in scripts]
    return [_Worker(number, process, None, folder / "joined") for number, process in enumerate(processes)]


def test_one_that_stops_before_the_chief_when_all_are_asked_to_is_not_lost(tmp_path: Path) -> None:
    """It stops with the others at a step, and does not write the run: it may be gone a second earlier."""
    assert _watch(workers(tmp_path, "sleep 0.6; exit 143", "exit 130"), [1], print) == 143


def test_one_that_ends_when_nobody_asked_is_lost(tmp_path: Path) -> None:
    with pytest.raises(DlkitError, match="worker 1 ended with status 9"):
        _watch(workers(tmp_path, "sleep 0.6; exit 143", "exit 9"), [0], print)
