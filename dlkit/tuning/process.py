"""What a chief and a worker agree on about the worker's process. Nothing here needs TensorFlow."""

from __future__ import annotations

import itertools
import os
import secrets
import socket
from collections.abc import Sequence

CORES = "DLKIT_CORES"  # environment variable: the cores that a worker keeps to
RENEW = 75  # the exit status of a worker whose memory has grown


def worker_name() -> str:
    """A name for this process that no other worker has."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(2)}"


def keep_to_cores() -> None:
    """Keeps this process to the cores that it was launched for; to be called before TensorFlow is imported."""
    written = os.environ.get(CORES)
    if written and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(core) for core in written.split(",")})


def shares(here: Sequence[int], count: int) -> list[Sequence[int]]:
    """The cores of each worker; where there are fewer than workers, some share one."""
    if count >= len(here):
        return [[here[number % len(here)]] for number in range(count)]
    ends = [len(here) * number // count for number in range(count + 1)]
    return [here[first:last] for first, last in itertools.pairwise(ends)]


def cores() -> list[int]:
    """The cores that this process may use."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))
