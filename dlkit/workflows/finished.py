"""Runs that are done, as those commands want them that look back. Nothing here needs TensorFlow."""

from __future__ import annotations

from pathlib import Path

from dlkit.errors import DlkitError
from dlkit.runs.find import find_run, find_whole
from dlkit.runs.folder import RunFolder
from dlkit.runs.group import GroupFolder
from dlkit.runs.sweeps import SWEEP, is_trial


def find_any(reference: str, root: Path) -> RunFolder | GroupFolder:
    """The run or the group that a user means; also a single member of a group.

    Raises:
        DlkitError: As `find_run`.
    """
    try:
        return find_whole(reference, root)
    except DlkitError as error:
        if error.code not in ("member-of-group", "run-not-found"):
            raise
        return find_run(reference, root)


def finished_runs(whole: RunFolder | GroupFolder) -> list[RunFolder]:
    """The run itself, or every member of a group of seeds or folds; all of them are done.

    Raises:
        DlkitError: It is a sweep or a trial of one (`not-tested`), it is not finished (`unfinished-run`), or something
            of it is missing or damaged.
    """
    if isinstance(whole, RunFolder):
        return [_finished(whole)]
    told = whole.read()
    if told.get("kind") == SWEEP:
        raise DlkitError(
            f"{whole.path} is a sweep: its trials follow from one another, and none of them was tested.",
            f"Train what it found as a run of its own: dlkit train {whole.path / 'best.yaml'}",
            "not-tested",
        )
    wanted = told.get(str(told.get("kind")))
    count = len(wanted) if isinstance(wanted, list) else wanted
    members = whole.members()
    if len(members) != count:
        raise _unfinished(f"Of the group {whole.path} {len(members)} of {count} members are there.", whole)
    return [_finished(member, whole) for member in members]


def _finished(run: RunFolder, group: GroupFolder | None = None) -> RunFolder:
    if is_trial(run):
        raise DlkitError(
            f"{run.path} is a trial of a sweep, which was not tested and may have been ended early by the others.",
            f"Train its recipe as a run of its own: dlkit train {run.recipe}",
            "not-tested",
        )
    state = run.state()
    if state != "finished":
        raise _unfinished(f"The run {run.path} is not finished: it is {state}.", group or run)
    if not run.recipe.is_file():
        raise DlkitError(f"{run.recipe} is missing, which says what was trained.", code="damaged-file")
    return run


def _unfinished(message: str, whole: RunFolder | GroupFolder) -> DlkitError:
    return DlkitError(message, f"Bring it to its end first: dlkit resume {whole.path}", "unfinished-run")
