"""Recording what the recipes that ship were measured to reach. Nothing here needs TensorFlow."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dlkit
from dlkit.errors import DlkitError
from dlkit.recipe.digest import digest
from dlkit.recipe.library import PACKAGE, results_file
from dlkit.recipe.load import Recipe
from dlkit.runs.provenance import git_state, hardware, versions
from dlkit.runs.results import Result, read_results, record
from dlkit.runs.status import utc_now

if TYPE_CHECKING:
    from dlkit.workflows.verify import Verified

_MACHINE = ("cpu", "cores", "memory_bytes")
_VERSIONS = ("python", "dlkit", "keras", "tensorflow")


def file_for_results(recipes: Sequence[Recipe]) -> Path:
    """The file that the results of these recipes are recorded in; to be asked for before the work.

    Raises:
        DlkitError: A recipe does not ship (`not-shipped`); or the file is that of an installed dlkit, or cannot be
            written (`cannot-write`), or is damaged (`damaged-file`).
    """
    file = results_file()
    if file.parent.is_relative_to(PACKAGE):
        told = f"{file.parent} belongs to an installed dlkit, where results would be lost with the next installation."
        raise DlkitError(told, "Record them from a checkout: ./scripts/dlkit verify ... --record", "cannot-write")
    if not os.access(file.parent, os.W_OK):
        raise DlkitError(f"Cannot write {file}: {file.parent} cannot be written.", code="cannot-write")
    home = file.parent.resolve()
    foreign = [recipe.name for recipe in recipes if not (recipe.path and recipe.path.resolve().is_relative_to(home))]
    if foreign:
        told = f"Results are recorded of the recipes that ship, in {home}, which are not: {', '.join(foreign)}."
        raise DlkitError(told, "Verify these without --record.", "not-shipped")
    read_results(file)
    return file


def code_state() -> Mapping[str, Any] | None:
    """The git commit of dlkit, and whether its code has changes that are uncommitted; None outside a repository."""
    state = git_state(PACKAGE)
    if state is None:
        return None
    changed = any(line.startswith("diff --git a/dlkit/") for line in state["diff"].splitlines())
    return {"commit": state["commit"], "uncommitted": changed}


def record_result(
    file: Path,
    recipe: Recipe,
    verified: Verified,
    gpus: Sequence[str],
    git: Mapping[str, Any] | None,
    logical_devices: int = 1,
) -> None:
    """Records what was measured of a recipe, whether it is what the recipe expects or not; or why it was skipped.

    Args:
        file: As `file_for_results` gives it.
        gpus: The names of those that did the work.
        git: The state of the code when the work began.
        logical_devices: How many devices the CPU was split into.

    Raises:
        DlkitError: The file cannot be written.
    """
    # A checkout that was not installed has no version to look up.
    machine, known = hardware(), {**versions(), "dlkit": dlkit.__version__}
    split = {"logical_devices": logical_devices} if logical_devices > 1 else {}
    result = Result(
        met=verified.verdict == "met",
        metrics=dict(verified.metrics),
        intervals={name: list(bounds) for name, bounds in verified.intervals.items()},
        expectations=[found.as_dict() for found in verified.expectations],
        seconds=round(verified.seconds, 1),
        seed=recipe.config.seed,
        date=utc_now(),
        digest=digest(recipe.root),
        machine={**{name: machine[name] for name in _MACHINE}, "gpus": list(gpus), **split},
        versions={name: known[name] for name in _VERSIONS},
        git=git,
        deviations=dict(verified.deviations),
        mean_of=dict(verified.mean_of) if verified.mean_of else None,
        skipped=verified.reason if verified.verdict == "skipped" else None,
    )
    record(file, recipe.name, result)
