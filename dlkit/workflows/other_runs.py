"""Runs that a recipe refers to: `run:PATH`, and `recipe:NAME`, which is trained first where it has no run yet."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path

from dlkit.errors import DlkitError
from dlkit.evaluation.evaluation import Evaluation, OtherRun
from dlkit.models.saved import SavedModels
from dlkit.recipe.load import Recipe, load
from dlkit.recipe.other_recipes import RECIPE, RUN, recipe_of, references
from dlkit.recipe.values import resolved_path
from dlkit.runs.atomic import write_json
from dlkit.runs.find import all_runs, find_run
from dlkit.runs.folder import RunFolder
from dlkit.runs.provenance import read_provenance
from dlkit.runs.sweeps import is_trial
from dlkit.workflows.members import with_seed
from dlkit.workflows.preparation import custom_objects
from dlkit.workflows.same_recipe import differences, leaves_of

Train = Callable[[Recipe], RunFolder]

_KEPT = "other_runs"  # in provenance.json: their folders, from that of all runs
_waiting: ContextVar[tuple[str, ...]] = ContextVar("recipes that wait for the run of another", default=())


@dataclass(slots=True)
class OtherRuns:
    """Finds the runs that one run refers to; what was found once is meant ever after.

    Args:
        root: The folder that holds the runs.
        train: Trains a recipe whose run there is not yet; None: that is an error.
        allow_plugins: Whether plugins may be run.
        found: Those that were found, by what the recipe has for them, and the seed where one is asked for.
    """

    root: Path
    train: Train | None = None
    allow_plugins: bool = False
    found: dict[str, RunFolder] = field(default_factory=dict)

    @classmethod
    def of(cls, run: RunFolder, root: Path, train: Train | None, allow_plugins: bool) -> OtherRuns:
        """Those of a run, which may have been begun: the runs that it found then are taken again, if they are there.

        Raises:
            DlkitError: provenance.json is damaged (`damaged-file`).
        """
        known = read_provenance(run).get(_KEPT) or {}
        kept = {reference: RunFolder(root / path) for reference, path in known.items()}
        return cls(root, train, allow_plugins, {word: each for word, each in kept.items() if each.best_model.is_file()})

    def find(self, reference: str, seed: int | None = None) -> RunFolder:
        """The run that is meant.

        Args:
            seed: As for `other_run`.

        Raises:
            As `other_run`.
        """
        # The same recipe may be meant with its own seed as well, where its model is a layer.
        key = reference if seed is None or reference.startswith(RUN) else f"{reference} with seed {seed}"
        if key not in self.found:
            self.found[key] = other_run(reference, self.root, self.train, self.allow_plugins, seed)
        return self.found[key]

    def keep(self, run: RunFolder) -> None:
        """Notes with a run what it refers to.

        Raises:
            DlkitError: It cannot be written (`cannot-write`).
        """
        if self.found:
            paths = {reference: os.path.relpath(found.path, self.root) for reference, found in self.found.items()}
            write_json(run.provenance, {**read_provenance(run), _KEPT: paths})


def other_run(
    reference: str, root: Path, train: Train | None, allow_plugins: bool = False, seed: int | None = None
) -> RunFolder:
    """The run that is meant.

    Args:
        reference: `run:` and a run folder, a unique part of its name or `latest`; or `recipe:` and a recipe: its newest
            finished run, of the identical recipe; with `@quick` behind it, of its quick variant.
        root: The folder that holds the runs.
        train: Trains a recipe whose run there is not yet; None: that is an error.
        allow_plugins: Whether plugins may be run.
        seed: The seed that the recipe is meant with; None: its own.

    Raises:
        RecipeError: The recipe is mistaken.
        DlkitError: There is no such run (`run-not-found`), or the recipe refers to itself (`refers-to-itself`).
    """
    if reference.startswith(RUN):
        return find_run(reference.removeprefix(RUN), root)
    name, quick = recipe_of(reference)
    as_written = load(name, quick=quick, allow_plugins=allow_plugins)
    if name in _waiting.get():
        chain = " -> ".join([*_waiting.get(), name])
        raise DlkitError(f"The recipe refers to itself: {chain}.", "Refer to a run or a file.", "refers-to-itself")
    recipe = as_written if seed is None else with_seed(as_written, seed)
    wanted = leaves_of(recipe)
    finished = (
        run for run in all_runs(root) if run.state() == "finished" and run.recipe.exists() and not is_trial(run)
    )
    for run in finished:
        if _is_run_of(leaves_of(run.recipe.read_text(encoding="utf-8")), wanted):
            return run
    if train is None:
        other_seed = f" --set seed={seed}" if recipe is not as_written else ""
        cure = f"Train it first: dlkit train {name}{' --quick' * quick}{other_seed}"
        raise DlkitError(f"There is no finished run of `{name}`, which the recipe refers to.", cure, "run-not-found")
    token = _waiting.set((*_waiting.get(), name))
    try:
        return train(recipe)
    finally:
        _waiting.reset(token)


def unfinished_run(recipe: Recipe, root: Path, commit: str | None = None) -> RunFolder | None:
    """The newest run of the identical recipe that was interrupted or killed, and can be gone on with.

    Args:
        recipe: The recipe.
        root: The folder that holds the runs.
        commit: That it was begun with, where it matters.
    """
    wanted = leaves_of(recipe)
    for run in all_runs(root):
        is_left = run.group is None and run.recipe.exists() and run.state() in ("interrupted", "killed")
        if is_left and _is_run_of(leaves_of(run.recipe.read_text(encoding="utf-8")), wanted):
            begun_with = (read_provenance(run).get("git") or {}).get("commit")
            return run if commit is None or begun_with == commit else None
    return None


def _is_run_of(run: dict[str, object], recipe: dict[str, object]) -> bool:
    """Whether a run is one of a recipe; one that was ended early is none of a recipe that goes on."""
    ends = [
        {key: value for key, value in each.items() if key.startswith("training.stop_after")} for each in (run, recipe)
    ]
    return ends[0] == ends[1] and not differences(run, recipe)


def runs_compared(recipe: Recipe, others: OtherRuns) -> dict[str, OtherRun]:
    """The runs that `expect` holds the recipe over, by reference; those that there are not yet are trained here.

    Two recipes are compared under one seed: `recipe:NAME` is that recipe with the seed of this one.

    Raises:
        RecipeError: A recipe that is referred to is mistaken.
        DlkitError: As `other_run`; or a run has not measured what is expected (`not-measured`).
    """
    found: dict[str, OtherRun] = {}
    for metric, expected in (recipe.config.expect or {}).items():
        if expected.over is None:
            continue
        if expected.over not in found:
            run = others.find(expected.over, recipe.config.seed)
            measured = Evaluation.read(run.evaluation) or Evaluation()
            found[expected.over] = OtherRun(str(run.path), measured.metrics)
        known = found[expected.over]
        if metric not in known.metrics:
            has = f"It has measured {', '.join(known.metrics)}." if known.metrics else "It has measured nothing."
            message = f"The run {known.run} has not measured `{metric}`, which `expect` compares. {has}"
            raise DlkitError(message, f"Train it anew, or take `over: {expected.over}` out.", "not-measured")
    return found


def saved_models(recipe: Recipe, others: OtherRuns, *uses: str) -> SavedModels:
    """The models that a recipe uses; runs that there are not yet are trained here.

    Args:
        uses: What for; by default those that layers are, or take their weights from.

    Raises:
        RecipeError: A recipe that is referred to is mistaken.
        DlkitError: As `other_run`; or a file is not there (`cannot-load`).
    """
    files: dict[str, Path] = {}
    for reference in references(recipe.resolved, recipe.graphs.values()):
        if reference.use not in (uses or ("layer", "application")) or reference.text in files:
            continue
        if reference.text.startswith((RUN, RECIPE)):
            path = others.find(reference.text).best_model
        else:
            path = Path(resolved_path(reference.text, reference.span))
        if not path.is_file():
            cure = "Write the path from the recipe's own folder, or from DLKIT_DATA_DIR."
            raise DlkitError(f"There is no file {path}, which `{reference.text}` means.", cure, "cannot-load")
        files[reference.text] = path
    return SavedModels(files, custom_objects(recipe))
