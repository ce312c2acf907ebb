"""How much memory there is for data."""

from __future__ import annotations

import os
from pathlib import Path

_GROUP = Path("/sys/fs/cgroup")


def available_memory() -> int:
    """Bytes of memory that the process may still take without pushing others out, where the system tells that."""
    told = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), *_of_system(), *_of_group()]
    return min(told)


def _of_system() -> list[int]:
    # Of the pages of sysconf, those that hold files would be missing, which are given back at once.
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return []
    return [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]


def _of_group() -> list[int]:
    """What a container leaves, by version 2 of Linux's control groups."""
    try:
        most, taken = ((_GROUP / name).read_text().strip() for name in ("memory.max", "memory.current"))
        return [] if most == "max" else [max(0, int(most) - int(taken))]
    except (OSError, ValueError):
        return []
