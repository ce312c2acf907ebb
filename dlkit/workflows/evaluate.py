"""Evaluates a run again."""

from __future__ import annotations

from dlkit.recipe.load import load
from dlkit.runs.folder import RunFolder
from dlkit.workflows.predict import model_file
from dlkit.workflows.preparation import prepare
from dlkit.workflows.train import evaluate_best


def evaluate(run: RunFolder, *, which: str = "best", allow_plugins: bool = False) -> dict[str, float]:
    """Measures a run's model on the test split of its recipe, and writes evaluation.json anew.

    Args:
        which: `best` or `last`.

    Raises:
        RecipeError: The run's recipe cannot be used any more.
        DlkitError: The data or the model cannot be loaded.
    """
    recipe = load(run.recipe, allow_plugins=allow_plugins)
    return evaluate_best(run, prepare(recipe), model_file(run, which))
