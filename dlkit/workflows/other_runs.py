"""Runs that a recipe refers to: `run:PATH`, and `recipe:NAME`, which is trained first where it has no run yet."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path

from dlkit.errors import DlkitError
from dlkit.recipe.load import Recipe, load
from dlkit.runs.find import all_runs, find_run
from dlkit.runs.folder import RunFolder
from dlkit.workflows.same_recipe import differences, leaves_of

RUN, RECIPE = "run:", "recipe:"
_waiting: ContextVar[tuple[str, ...]] = ContextVar("recipes that wait for the run of another", default=())


def other_run(
    reference: str, root: Path, train: Callable[[Recipe], RunFolder], allow_plugins: bool = False
) -> RunFolder:
    """The run that is meant.

    Args:
        reference: `run:` and a run folder, a unique part of its name or `latest`; or `recipe:` and a recipe: its newest
            finished run, of the identical recipe.
        root: The folder that holds the runs.
        train: Trains a recipe whose run there is not yet.
        allow_plugins: Whether plugins may be run.

    Raises:
        RecipeError: The recipe is mistaken.
        DlkitError: There is no such run, or the recipe refers to itself (`refers-to-itself`).
    """
    if reference.startswith(RUN):
        return find_run(reference.removeprefix(RUN), root)
    name = reference.removeprefix(RECIPE)
    recipe = load(name, allow_plugins=allow_plugins)
    if name in _waiting.get():
        chain = " -> ".join([*_waiting.get(), name])
        raise DlkitError(
            f"The recipe refers to itself: {chain}.", "Begin with the weights of a file.", "refers-to-itself"
        )
    wanted = leaves_of(recipe)
    finished = (run for run in all_runs(root) if run.state() == "finished" and run.recipe.exists())
    for run in finished:
        if not differences(leaves_of(run.recipe.read_text(encoding="utf-8")), wanted):
            return run
    token = _waiting.set((*_waiting.get(), name))
    try:
        return train(recipe)
    finally:
        _waiting.reset(token)
