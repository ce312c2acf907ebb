"""Runs that a recipe refers to: `run:PATH`, and `recipe:NAME`, which is trained first where it has no run yet."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path

from dlkit.errors import DlkitError
from dlkit.evaluation.evaluation import Evaluation, OtherRun
from dlkit.models.saved import SavedModels
from dlkit.recipe.load import Recipe, load
from dlkit.recipe.other_recipes import RECIPE, RUN, recipe_of, references
from dlkit.recipe.values import resolved_path
from dlkit.runs.find import all_runs, find_run
from dlkit.runs.folder import RunFolder
from dlkit.workflows.preparation import custom_objects
from dlkit.workflows.same_recipe import differences, leaves_of

Train = Callable[[Recipe], RunFolder]

_waiting: ContextVar[tuple[str, ...]] = ContextVar("recipes that wait for the run of another", default=())


def other_run(reference: str, root: Path, train: Train | None, allow_plugins: bool = False) -> RunFolder:
    """The run that is meant.

    Args:
        reference: `run:` and a run folder, a unique part of its name or `latest`; or `recipe:` and a recipe: its newest
            finished run, of the identical recipe; with `@quick` behind it, of its quick variant.
        root: The folder that holds the runs.
        train: Trains a recipe whose run there is not yet; None: that is an error.
        allow_plugins: Whether plugins may be run.

    Raises:
        RecipeError: The recipe is mistaken.
        DlkitError: There is no such run (`run-not-found`), or the recipe refers to itself (`refers-to-itself`).
    """
    if reference.startswith(RUN):
        return find_run(reference.removeprefix(RUN), root)
    name, quick = recipe_of(reference)
    recipe = load(name, quick=quick, allow_plugins=allow_plugins)
    if name in _waiting.get():
        chain = " -> ".join([*_waiting.get(), name])
        raise DlkitError(f"The recipe refers to itself: {chain}.", "Refer to a run or a file.", "refers-to-itself")
    wanted = leaves_of(recipe)
    finished = (run for run in all_runs(root) if run.state() == "finished" and run.recipe.exists())
    for run in finished:
        if _is_run_of(leaves_of(run.recipe.read_text(encoding="utf-8")), wanted):
            return run
    if train is None:
        cure = f"Train it first: dlkit train {name}{' --quick' * quick}"
        raise DlkitError(f"There is no finished run of `{name}`, which the recipe refers to.", cure, "run-not-found")
    token = _waiting.set((*_waiting.get(), name))
    try:
        return train(recipe)
    finally:
        _waiting.reset(token)


def _is_run_of(run: dict[str, object], recipe: dict[str, object]) -> bool:
    """Whether a run is one of a recipe; one that was ended early is none of a recipe that goes on."""
    ends = [
        {key: value for key, value in each.items() if key.startswith("training.stop_after")} for each in (run, recipe)
    ]
    return ends[0] == ends[1] and not differences(run, recipe)


def runs_compared(recipe: Recipe, root: Path, train: Train | None) -> dict[str, OtherRun]:
    """The runs that `expect` holds the recipe over, by reference; those that there are not yet are trained here.

    Raises:
        RecipeError: A recipe that is referred to is mistaken.
        DlkitError: As `other_run`; or a run has not measured what is expected (`not-measured`).
    """
    found: dict[str, OtherRun] = {}
    for metric, expected in (recipe.config.expect or {}).items():
        if expected.over is None:
            continue
        if expected.over not in found:
            run = other_run(expected.over, root, train, recipe.allow_plugins)
            measured = Evaluation.read(run.evaluation) or Evaluation()
            found[expected.over] = OtherRun(str(run.path), measured.metrics)
        known = found[expected.over]
        if metric not in known.metrics:
            has = f"It has measured {', '.join(known.metrics)}." if known.metrics else "It has measured nothing."
            message = f"The run {known.run} has not measured `{metric}`, which `expect` compares. {has}"
            raise DlkitError(message, f"Train it anew, or take `over: {expected.over}` out.", "not-measured")
    return found


def saved_models(recipe: Recipe, root: Path, train: Train | None) -> SavedModels:
    """The models that layers of a recipe are, or take their weights from; runs that there are not yet are trained here.

    Raises:
        RecipeError: A recipe that is referred to is mistaken.
        DlkitError: As `other_run`; or a file is not there (`cannot-load`).
    """
    files: dict[str, Path] = {}
    for reference in references(recipe.resolved, recipe.graphs.values()):
        if reference.use not in ("layer", "application") or reference.text in files:
            continue
        if reference.text.startswith((RUN, RECIPE)):
            path = other_run(reference.text, root, train, recipe.allow_plugins).best_model
        else:
            path = Path(resolved_path(reference.text, reference.span))
        if not path.is_file():
            cure = "Write the path from the recipe's own folder, or from DLKIT_DATA_DIR."
            raise DlkitError(
                f"There is no file {path}, which `{reference.layer}` is to be loaded from.", cure, "cannot-load"
            )
        files[reference.text] = path
    return SavedModels(files, custom_objects(recipe))
