"""Sweeps among the runs: groups whose members are the trials of a search."""

from __future__ import annotations

from pathlib import Path

from dlkit.errors import DlkitError
from dlkit.runs.folder import GROUP, RunFolder
from dlkit.runs.group import GroupFolder

SWEEP = "sweep"  # the kind of such a group in its group.json


def newest_sweep(root: Path, recipe_name: str) -> GroupFolder:
    """The newest sweep of a recipe.

    Raises:
        DlkitError: There is none (`no-sweep`).
    """
    for path in sorted((root / recipe_name).glob("*"), reverse=True):
        if (path / GROUP).is_file() and GroupFolder(path).read().get("kind") == SWEEP:
            return GroupFolder(path)
    raise DlkitError(
        f"There is no sweep of {recipe_name} in {root} to go on with.", "Begin one: leave --resume out.", "no-sweep"
    )


def is_trial(run: RunFolder) -> bool:
    """Whether a run is a trial of a search: it was not tested, and is none that others refer to."""
    return run.group is not None and GroupFolder(run.group).read().get("kind") == SWEEP
