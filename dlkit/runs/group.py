"""A group of runs that belong together: the folds of a recipe, its seeds, the trials of a sweep."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dlkit.runs.atomic import write_json, writing
from dlkit.runs.folder import GROUP, MEMBERS, RunFolder, new_folder


@dataclasses.dataclass(frozen=True, slots=True)
class GroupFolder:
    """The folder of a group, ``runs/<recipe name>/<date-time-id>/`` with ``group.json`` and ``members/NNNN/``."""

    path: Path

    @classmethod
    def create(cls, root: Path, recipe_name: str) -> GroupFolder:
        """Makes a new folder.

        Raises:
            DlkitError: If it cannot be made (`cannot-write`).
        """
        return cls(new_folder(root, recipe_name))

    def member(self, number: int) -> RunFolder:
        """Makes the folder of a member; numbers count from 1.

        Raises:
            DlkitError: If it cannot be made (`cannot-write`).
        """
        path = self.path / MEMBERS / f"{number:04d}"
        with writing(path):
            path.mkdir(parents=True)
        return RunFolder(path)

    def write(self, told: Mapping[str, Any]) -> None:
        """Replaces group.json, whole."""
        write_json(self.path / GROUP, dict(told))
