"""The workers of a sweep on this machine: processes that are started, renewed, replaced and ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from dlkit.errors import DlkitError
from dlkit.training.together import LAUNCHED
from dlkit.tuning.process import CORES, RENEW, cores, shares, worker_name
from dlkit.workflows.workers import gpus_here

_SAVE_SECONDS = 60.0  # for a trial to come to the end of its step, and to be saved
_LAST_LINES = 12
_FAILURES = 3  # of one worker in a row, each without a trial


@dataclass(slots=True)
class _Place:
    """Where one worker after another runs."""

    number: int
    cores: Sequence[int]
    output: Path
    process: subprocess.Popen[bytes] | None = None
    name: str = ""
    failures: int = 0


@dataclass(slots=True)
class LocalWorkers:
    """The workers of this machine.

    Args:
        count: How many at a time.
        command: What a worker runs, without its name.
        logs: The folder that what they say is kept in.
        lost: Told of a worker that was lost, and how; gives the trials that it had.
    """

    count: int
    command: Sequence[str]
    logs: Path
    lost: Callable[[str, str], Sequence[int]]
    _places: list[_Place] = field(default_factory=list)

    def start(self) -> None:
        """Starts all.

        Raises:
            DlkitError: There are fewer GPUs than workers (`too-few-gpus`).
        """
        if not self.count:
            return
        gpus = gpus_here()
        if gpus and gpus < self.count:
            raise DlkitError(
                f"{self.count} workers take a GPU each, and this machine has {gpus}.",
                f"Ask for {gpus}, or hide the GPUs with CUDA_VISIBLE_DEVICES= to train on the CPU.",
                "too-few-gpus",
            )
        self.logs.mkdir(exist_ok=True)
        for number, share in enumerate(shares(cores(), self.count)):
            place = _Place(number, share, self.logs / f"worker-{number + 1}.txt")
            self._places.append(place)
            self._launch(place, bool(gpus))

    def look(self, is_done: bool) -> bool:
        """Replaces workers that have ended, as long as there is work.

        Args:
            is_done: Whether nothing is left to do.

        Returns:
            Whether any worker runs.

        Raises:
            DlkitError: A worker fails again and again without having had a trial (`worker-lost`).
        """
        for place in self._places:
            if place.process is None or place.process.poll() is None:
                continue
            status, place.process = place.process.returncode, None
            if status not in (0, RENEW):
                how = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
                had = self.lost(place.name, how)
                place.failures = 0 if had else place.failures + 1
                if place.failures >= _FAILURES:
                    raise DlkitError(f"Worker {place.number + 1} {how}.{_said(place.output)}", code="worker-lost")
            if not is_done and status != 0:
                self._launch(place, bool(gpus_here()))
        return any(place.process is not None for place in self._places)

    def stop(self) -> None:
        """Lets them save what they are at, and ends them."""
        running = [place.process for place in self._places if place.process is not None]
        for process in running:
            with suppress(ProcessLookupError):
                process.terminate()
        deadline = time.monotonic() + _SAVE_SECONDS
        for process in running:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
        self.kill()

    def kill(self) -> None:
        """Ends them at once."""
        for place in self._places:
            if place.process is not None and place.process.poll() is None:
                with suppress(ProcessLookupError):
                    os.killpg(place.process.pid, signal.SIGKILL)
                place.process.wait()

    def _launch(self, place: _Place, has_gpus: bool) -> None:
        place.name = f"{worker_name()}-{place.number + 1}"
        threads = str(len(cores()))
        environment = {
            **os.environ,
            LAUNCHED: "1",
            CORES: ",".join(map(str, place.cores)),
            # As many threads as a training alone has, on fewer cores: how sums are split over threads is part of the
            # result, and `dlkit train best.yaml` is to give it again.
            "TF_NUM_INTRAOP_THREADS": os.environ.get("TF_NUM_INTRAOP_THREADS", threads),
            "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", threads),
            **({"CUDA_VISIBLE_DEVICES": str(place.number)} if has_gpus else {}),
        }
        with open(place.output, "wb") as file:
            place.process = subprocess.Popen(
                [sys.executable, "-m", "dlkit", *self.command, "--worker-name", place.name],
                env=environment,
                stdin=subprocess.PIPE,  # whose end tells the worker that the chief is gone
                stdout=file,
                stderr=file,
                start_new_session=True,  # Ctrl-C is the chief's
            )


def _said(output: Path) -> str:
    lines = output.read_text(encoding="utf-8", errors="replace").splitlines()[-_LAST_LINES:]
    return "\nIts last lines:\n" + "\n".join(f"  {line}" for line in lines) if lines else ""
