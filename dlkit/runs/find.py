"""Where runs are kept, and which one a word on the command line means."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from dlkit.errors import DlkitError
from dlkit.runs.folder import GROUP, MEMBERS, STATUS, RunFolder
from dlkit.runs.group import GroupFolder

T = TypeVar("T")

LATEST = "latest"
_TIME_IN_NAME = re.compile(r"\d{8}-\d{6}")
_LISTED = 5


def runs_root(explicit: Path | None = None) -> Path:
    """The folder that holds the runs: --runs-dir, else the environment's DLKIT_RUNS_DIR, else ./runs."""
    return explicit or Path(os.environ.get("DLKIT_RUNS_DIR") or "runs")


def all_runs(root: Path) -> list[RunFolder]:
    """Every run below the folder, newest first; of a group, its members. Without the folder there are none."""
    runs = []
    for folder, subfolders, files in os.walk(root):
        if STATUS in files:
            runs.append(RunFolder(Path(folder)))
            subfolders.clear()
        elif GROUP in files:
            subfolders[:] = [name for name in subfolders if name == MEMBERS]
    return sorted(runs, key=_age, reverse=True)


def find_run(reference: str, root: Path) -> RunFolder:
    """The run that a user means.

    Args:
        reference: A run folder, a unique part of ``<recipe name>/<date-time-id>``, or `latest`.
        root: The folder that holds the runs.

    Raises:
        DlkitError: If no run is meant (`run-not-found`), several are (`ambiguous-run`), or the folder of that name is
            none of a run (`not-a-run`).
    """
    path = Path(reference).expanduser()
    if (path / STATUS).is_file():
        return RunFolder(path)
    runs = all_runs(root)
    if path.is_dir() and not any(reference in _name(run, root) for run in runs):
        raise _not_a_run(path)
    return _chosen(reference, {_name(run, root): run for run in runs}, root)


def find_whole(reference: str, root: Path) -> RunFolder | GroupFolder:
    """The run, or the group of runs, that a user means by the same words; members are not told apart.

    Raises:
        DlkitError: As `find_run`; or it is one member of a group (`member-of-group`).
    """
    path = Path(reference).expanduser()
    if (path / GROUP).is_file():
        return GroupFolder(path)
    if (path / STATUS).is_file():
        group = RunFolder(path).group
        if group:
            raise DlkitError(
                f"{path} is one run of a group.", f"Name the group, which goes on with all: {group}", "member-of-group"
            )
        return RunFolder(path)
    wholes: dict[str, RunFolder | GroupFolder] = {}
    for run in all_runs(root):
        whole = GroupFolder(run.group) if run.group else run
        wholes.setdefault(whole.path.relative_to(root).as_posix(), whole)
    return _chosen(reference, wholes, root)


def _chosen(reference: str, names: Mapping[str, T], root: Path) -> T:
    """What a word means among folders by name, newest first."""
    if reference == LATEST and names:
        return next(iter(names.values()))
    found = [reference] if reference in names else [name for name in names if reference in name]
    if len(found) == 1:
        return names[found[0]]
    if found:
        raise DlkitError(
            f"{reference!r} may mean {len(found)} runs:\n{_listing(found)}", "Write more of the name.", "ambiguous-run"
        )
    raise _not_found(reference, root, list(names))


def _age(run: RunFolder) -> tuple[str, str]:
    """Sorts by the time in the name, for that stays when a folder is copied; then by the number of a member."""
    dated = run.group or run.path
    if _TIME_IN_NAME.match(dated.name):
        return dated.name, run.name
    changed = datetime.fromtimestamp(run.status.stat().st_mtime, UTC)
    return f"{changed:%Y%m%d-%H%M%S}", run.name


def _name(run: RunFolder, root: Path) -> str:
    return run.path.relative_to(root).as_posix()


def _not_a_run(path: Path) -> DlkitError:
    if (path / GROUP).is_file():
        members = GroupFolder(path).members()
        cure = f"Name one of its runs: {members[0].path}" if members else None
        return DlkitError(f"{path} is a group of {len(members)} runs, not a run.", cure, "not-a-run")
    return DlkitError(f"{path} is not a run folder: it has no {STATUS}.", code="not-a-run")


def _not_found(reference: str, root: Path, names: list[str]) -> DlkitError:
    if not names:
        return DlkitError(
            f"There are no runs in {root}.", "Name their folder with --runs-dir or DLKIT_RUNS_DIR.", "run-not-found"
        )
    near = difflib.get_close_matches(reference, names, n=_LISTED, cutoff=0.5)
    listing = f"The nearest names are:\n{_listing(near)}" if near else f"The newest are:\n{_listing(names)}"
    return DlkitError(f"No run in {root} has {reference!r} in its name.", listing, "run-not-found")


def _listing(names: list[str]) -> str:
    more = [f"  and {len(names) - _LISTED} more"] if len(names) > _LISTED else []
    return "\n".join([f"  {name}" for name in names[:_LISTED]] + more)
