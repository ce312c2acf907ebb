"""What `auto` has come to mean in a run: chosen once, told, recorded, and taken as it is when the run is resumed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from dlkit.recipe.load import Recipe
from dlkit.runs.atomic import write_json
from dlkit.runs.folder import RunFolder
from dlkit.training.choice import Choice, choose_precision


class Choices:
    """The choices of a run, by their paths in the recipe.

    Args:
        run: Its provenance.json holds them under `chosen`.
        tell: Told of each as it is made.
    """

    def __init__(self, run: RunFolder, tell: Callable[[str], None]) -> None:
        self._run = run
        self._tell = tell

    def choose(self, path: str, choose: Callable[[], Choice]) -> Any:
        """What is chosen for a value; chosen now, where it has not been before."""
        provenance = self._provenance()
        chosen = provenance["chosen"]
        if path not in chosen:
            choice = choose()
            chosen[path] = choice.value
            write_json(self._run.provenance, provenance)
            self._tell(f"{path}: auto is {json.dumps(choice.value)}, since {choice.reason}")
        return chosen[path]

    def _provenance(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(self._run.provenance.read_text(encoding="utf-8"))
        return read


def chosen_precision(recipe: Recipe, choices: Choices) -> str:
    """The dtype policy of a run."""
    written = recipe.config.training.precision
    return choices.choose("training.precision", choose_precision) if written == "auto" else written
