"""provenance.json: with what, on what and from what a run was made."""

from __future__ import annotations

import json
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from dlkit.errors import DlkitError
from dlkit.runs.folder import RunFolder
from dlkit.runs.status import utc_now

PACKAGES = ("dlkit", "keras", "tensorflow", "numpy", "scikit-learn")
# Names of variables that bear on the result. Anything else may hold a secret and is left out.
ENVIRONMENT_PREFIXES = ("DLKIT_", "TF_")
ENVIRONMENT_NAMES = ("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS")
DIFF_LIMIT_BYTES = 1_000_000
_GIT_SECONDS = 10


def provenance(
    *,
    command: Sequence[str],
    seeds: Mapping[str, int],
    data_fingerprint: str | None,
    chosen: Mapping[str, Any],
    recipe_folder: Path | None = None,
    gpus: Sequence[str] = (),
) -> dict[str, Any]:
    """What provenance.json holds.

    Args:
        command: The command line, as its words.
        seeds: The seeds in use, by what they seed.
        data_fingerprint: The fingerprint of the data.
        chosen: What `auto` and the like chose, by path in the recipe.
        recipe_folder: The folder that holds the recipe, whose git commit is noted.
        gpus: The names of the GPUs in use; finding them takes TensorFlow, which the caller has.
    """
    return {
        "time": utc_now(),
        "command": shlex.join(command),
        "versions": versions(),
        "hardware": {**hardware(), "gpus": list(gpus)},
        "environment": environment(),
        "git": git_state(recipe_folder) if recipe_folder else None,
        "seeds": dict(seeds),
        "data_fingerprint": data_fingerprint,
        "chosen": dict(chosen),
    }


def read_provenance(run: RunFolder) -> dict[str, Any]:
    """What provenance.json of a run holds; nothing where there is none.

    Raises:
        DlkitError: It is damaged (`damaged-file`).
    """
    try:
        return dict(json.loads(run.provenance.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError) as error:
        raise DlkitError(f"{run.provenance} cannot be read: {error}", code="damaged-file") from error


def versions() -> dict[str, str | None]:
    """The versions of Python and of the packages that make the result; None for one that is not installed."""
    return {"python": platform.python_version(), **{package: _version(package) for package in PACKAGES}}


def hardware() -> dict[str, Any]:
    """The machine: processor, cores (those that this process may use), memory in bytes, operating system."""
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": platform.platform(),
    }


def environment() -> dict[str, str]:
    """The environment variables that bear on the result."""
    return {
        name: value
        for name, value in sorted(os.environ.items())
        if name.startswith(ENVIRONMENT_PREFIXES) or name in ENVIRONMENT_NAMES
    }


def git_state(folder: Path) -> dict[str, Any] | None:
    """The commit of the repository that the folder is in, and the diff to it; None without git or a repository.

    A diff of more than `DIFF_LIMIT_BYTES` is cut, and a note says so.
    """
    commit = _git(folder, "rev-parse", "--verify", "HEAD")
    if commit is None:
        return None
    # No program that the repository names for its diffs is started.
    diff = _git(folder, "diff", "--no-ext-diff", "--no-textconv", "--no-color", "HEAD") or b""
    state = {"commit": commit.decode().strip(), "diff": diff[:DIFF_LIMIT_BYTES].decode(errors="replace")}
    if len(diff) > DIFF_LIMIT_BYTES:
        state["note"] = f"The diff has {len(diff)} bytes; the first {DIFF_LIMIT_BYTES} are kept."
    return state


def _git(folder: Path, *arguments: str) -> bytes | None:
    command = ["git", "-C", str(folder), "--no-optional-locks", "-c", "core.fsmonitor=false", *arguments]
    # Inside a git hook GIT_DIR and others name another repository.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(command, capture_output=True, timeout=_GIT_SECONDS, env=environment, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _cpu_model() -> str:
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
