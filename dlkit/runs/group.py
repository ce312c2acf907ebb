"""A group of runs that belong together: the folds of a recipe, its seeds, the trials of a sweep."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dlkit.errors import DlkitError
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

    @property
    def recipe(self) -> Path:
        """The recipe that all members are made of."""
        return self.path / "recipe.yaml"

    def member(self, number: int) -> RunFolder:
        """The folder of a member, made where there is none; numbers count from 1.

        Raises:
            DlkitError: If it cannot be made (`cannot-write`).
        """
        path = self.path / MEMBERS / f"{number:04d}"
        with writing(path):
            path.mkdir(parents=True, exist_ok=True)
        return RunFolder(path)

    def members(self) -> list[RunFolder]:
        """The folders of the members that are there, in their order; one that was not begun is no run yet."""
        return [RunFolder(path) for path in sorted((self.path / MEMBERS).glob("*"))]

    def read(self) -> dict[str, Any]:
        """What group.json holds.

        Raises:
            DlkitError: It cannot be read (`damaged-file`).
        """
        try:
            told: dict[str, Any] = json.loads((self.path / GROUP).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DlkitError(f"{self.path / GROUP} cannot be read: {error}", code="damaged-file") from error
        return told

    def write(self, told: Mapping[str, Any]) -> None:
        """Replaces group.json, whole."""
        write_json(self.path / GROUP, dict(told))
