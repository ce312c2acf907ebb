"""Starts the processes of a training on this machine, and ends them together."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dlkit.errors import DlkitError
from dlkit.training.cluster import Cluster
from dlkit.training.interruption import Interrupted
from dlkit.training.together import JOINED, STOP

_START_SECONDS = 180.0
_GRACE_SECONDS = 20.0  # for the others to notice, and to write down, that one is gone
_END_SECONDS = 30.0
_LAST_LINES = 12


@dataclass(frozen=True, slots=True)
class _Worker:
    number: int
    process: subprocess.Popen[bytes]
    output: Path | None
    joined: Path

    def told(self) -> str:
        """How it ended."""
        status = self.process.returncode
        how = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        return f"worker {self.number} {how}"


def train_with_workers(words: Sequence[str], workers: int, tell: Callable[[str], None]) -> int:
    """Runs a command line in several processes that train together.

    The first of them, the chief, speaks for all; what the others say is told where one of them fails.

    Args:
        words: The words after `dlkit`, without the number of workers.
        workers: Number of processes.
        tell: Told what a worker said that ended the training.

    Returns:
        The exit status of the chief.

    Raises:
        Interrupted: By a second signal, or before the workers were started.
        DlkitError: There are fewer GPUs than workers (`too-few-gpus`), or a worker was lost (`worker-lost`).
    """
    gpus = gpus_here()
    if gpus and gpus < workers:
        raise DlkitError(
            f"{workers} workers take a GPU each, and this machine has {gpus}.",
            f"Ask for {gpus}, or hide the GPUs with CUDA_VISIBLE_DEVICES= to train on the CPU.",
            "too-few-gpus",
        )
    with tempfile.TemporaryDirectory(prefix="dlkit-workers-") as folder:
        launched: list[_Worker] = []
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        asked = [0]

        def forward(number: int, frame: object) -> None:
            asked[0] += 1
            if asked[0] > 1 or not launched:
                _kill(launched)
                raise Interrupted(signal.Signals(number))
            with suppress(ProcessLookupError):
                launched[0].process.send_signal(number)

        try:
            for number in before:
                signal.signal(number, forward)
            _launch(launched, words, workers, Path(folder), bool(gpus))
            return _watch(launched, asked, tell)
        finally:
            _kill(launched)
            for number, handler in before.items():
                signal.signal(number, handler)


def _launch(launched: list[_Worker], words: Sequence[str], workers: int, folder: Path, has_gpus: bool) -> None:
    """Starts the workers, and notes each as it is started."""
    cluster = [f"127.0.0.1:{port}" for port in free_ports(workers)]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = str(max(1, cores // workers))
    for number in range(workers):
        joined = folder / f"joined-{number}"
        environment = {
            **os.environ,
            "TF_CONFIG": json.dumps(Cluster(tuple(cluster), number).tf_config()),
            JOINED: str(joined),
            STOP: str(folder / "stop"),
            # The same number in every run: how sums are split over threads is part of the result.
            "TF_NUM_INTRAOP_THREADS": threads,
            "OMP_NUM_THREADS": threads,
            **({"CUDA_VISIBLE_DEVICES": str(number)} if has_gpus else {}),
            **({"TMPDIR": str(folder)} if number else {}),  # so that what a killed one leaves goes with the folder
        }
        output = folder / f"worker-{number}.txt" if number else None
        with open(output or os.devnull, "wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "dlkit", *words],
                env=environment,
                stdin=subprocess.PIPE,  # whose end tells the workers that the launcher is gone
                stdout=file if output else None,
                stderr=file if output else None,
                start_new_session=True,  # Ctrl-C is the launcher's, which passes it on to the chief alone
            )
        launched.append(_Worker(number, process, output, joined))


def _watch(workers: list[_Worker], asked: list[int], tell: Callable[[str], None]) -> int:
    """Waits for the end of all; gives the chief's exit status."""
    chief, began = workers[0], time.monotonic()
    while True:
        time.sleep(0.1)
        ended = [worker for worker in workers if worker.process.poll() is not None]
        if chief in ended and (chief.process.returncode == 0 or asked[0]):
            _wait(workers, _END_SECONDS)
            status = chief.process.returncode
            return status if status >= 0 else 128 - status
        failed = [worker for worker in ended if worker.process.returncode != 0]
        if failed:
            first = failed[0]
            # Asked to stop, the others may end before the chief has written the run.
            _wait(workers, _END_SECONDS if asked[0] else _GRACE_SECONDS)
            if asked[0] and chief.process.poll() is not None:
                continue
            _kill(workers)
            lost = _lost(first)
            if chief.process.returncode not in (1, 2, 3):
                raise lost
            # The chief has said why it ended; where it was for another, that one's words are the reason.
            if first is not chief:
                tell(f"{lost.message}\n{lost.cure}")
            return chief.process.returncode
        missing = [worker for worker in workers if not worker.joined.exists()]
        if missing and not ended and time.monotonic() - began > _START_SECONDS:
            names = ", ".join(str(worker.number) for worker in missing)
            message = f"After {_START_SECONDS:.0f} s, worker {names} had not joined the others."
            raise DlkitError(message + _said(missing[-1]), "See whether the machine is overloaded.", "worker-lost")


def _lost(worker: _Worker) -> DlkitError:
    others = "" if worker.number else " It was the chief, which writes the run."
    return DlkitError(
        f"The training has ended, since {worker.told()}.{others}{_said(worker)}",
        "`dlkit resume latest` goes on from the last state, with as many workers.",
        "worker-lost",
    )


def _said(worker: _Worker) -> str:
    if worker.output is None:
        return ""
    lines = worker.output.read_text(encoding="utf-8", errors="replace").splitlines()[-_LAST_LINES:]
    return "\nIts last lines:\n" + "\n".join(f"  {line}" for line in lines) if lines else ""


def _wait(workers: list[_Worker], seconds: float) -> None:
    """Waits until all have ended, but no longer than that."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and any(worker.process.poll() is None for worker in workers):
        time.sleep(0.1)


def _kill(workers: list[_Worker]) -> None:
    """Ends them at once: while it waits for another worker, TensorFlow does not answer SIGTERM."""
    for worker in workers:
        if worker.process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(worker.process.pid, signal.SIGKILL)
            worker.process.wait()


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def gpus_here() -> int:
    """NVIDIA's GPUs that this process may use."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([name for name in visible.split(",") if name.strip() not in ("", "-1")])
    folder = Path("/proc/driver/nvidia/gpus")
    return len(list(folder.iterdir())) if folder.is_dir() else 0
