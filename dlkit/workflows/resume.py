"""Goes on with a run where its last exact state leaves it: the result is that of a run left alone, bit for bit."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dlkit.data.fingerprint import fingerprint
from dlkit.errors import DlkitError
from dlkit.evaluation.evaluation import Evaluation
from dlkit.evaluation.expectation import compare
from dlkit.recipe.exactness import inexact_callbacks
from dlkit.recipe.facts import DataFacts
from dlkit.recipe.load import Recipe, load
from dlkit.recipe.training_keys import Training
from dlkit.runs.atomic import write_json
from dlkit.runs.folder import RunFolder
from dlkit.runs.provenance import read_provenance, versions
from dlkit.runs.status import utc_now
from dlkit.training.checkpoints import Saved, chosen_state, read_state, restore_best
from dlkit.training.progress import Display
from dlkit.workflows.devices import check_devices, devices_of
from dlkit.workflows.preparation import Prepared, prepare
from dlkit.workflows.recipe_file import write_recipe
from dlkit.workflows.run import Run
from dlkit.workflows.same_recipe import FREE, differences, leaves_of
from dlkit.workflows.train import Trialled, carry_out, writing_folder

_EPOCHS = "training.epochs"
_ENDS = (_EPOCHS, "training.stop_after")  # what decides when a run has finished
_LISTED = 12


def resume(
    run: RunFolder,
    settings: Sequence[str] = (),
    *,
    chosen: str | None = None,
    display: Display | None = None,
    command: Sequence[str] | None = None,
    started: Callable[[RunFolder, DataFacts], None] | None = None,
    goes_on: Callable[[str], None] | None = None,
    warned: Callable[[str], None] | None = None,
    told: Callable[[str], None] | None = None,
    allow_plugins: bool = False,
    trialled: Trialled | None = None,
) -> Run:
    """Goes on with a run.

    Args:
        run: Its folder. One that has finished is given back as it is, unless it is lengthened.
        settings: Values by path, as `training.epochs=40`; what the steps up to the state depend on must stay.
        chosen: The name of the state to go on from; the newest where it is None. A run that had saved none begins anew.
        display: Shows the progress.
        command: The command line, for the provenance.
        started: Told of the run folder and the facts of the data.
        goes_on: Told where the run goes on, in words.
        warned: Told of what may keep the result from being that of a run left alone.
        told: Told what `auto` has chosen, where it had not been.
        allow_plugins: Whether the recipe's plugins may be run.
        trialled: As for `train`.

    Raises:
        RecipeError: The run's recipe cannot be used any more.
        DlkitError: The state cannot be read (`damaged-state`), the recipe or the data are others (`recipe-differs`,
            `data-differs`), the run is in use (`run-in-use`), or the work failed.
        Interrupted: By a signal; the run folder is whole.
    """
    if not run.recipe.exists():
        raise DlkitError(f"The run {run.path} had not begun: it has no recipe.", "Train the recipe.", "not-begun")
    path = chosen_state(run, chosen)
    saved = read_state(path) if path else None
    recipe = load(run.recipe, settings, allow_plugins=allow_plugins, others=False)
    inexact = [each.name for each in inexact_callbacks(_trainings(recipe), recipe.components)]
    if inexact:
        raise DlkitError(
            f"The run cannot be resumed exactly: the callback `{inexact[0]}` does not tell what it remembers.",
            "Give it `get_state()` and `set_state(state)`, and train the recipe anew.",
            "not-resumable",
        )
    if saved:
        _check_recipe(recipe, saved)
        if chosen is None and _is_finished(run, recipe, saved, is_tested=trialled is None):
            if goes_on:
                goes_on("nothing is left to do, the run has finished")
            evaluation = Evaluation.read(run.evaluation) or Evaluation()
            expectations = compare(recipe.config.expect, evaluation.metrics, evaluation.over)
            return Run(run, evaluation, expectations, allow_plugins=allow_plugins)
    devices = devices_of(recipe)
    if saved and devices.workers != run.read_status().workers:
        raise DlkitError(
            f"The run was trained by {run.read_status().workers} processes, and is now to go on with {devices.workers}.",
            f"Resume it with --workers {run.read_status().workers}.",
            "workers-differ",
        )
    prepared = prepare(recipe, trialled.kept if trialled else None)
    check_devices(prepared.recipe, devices)
    provenance = read_provenance(run)
    _check_data(run, prepared, provenance)
    for doubt in _doubts(provenance):
        if warned:
            warned(doubt)
    with writing_folder(devices, run) as folder, folder.running(devices.workers, saved.seconds if saved else 0.0):
        if devices.is_chief:
            _go_back(run, path, saved)
        write_recipe(folder, prepared.recipe, prepared.raw_features, prepared.scales)
        resumed = {"time": utc_now(), "command": list(command or sys.argv), "from": path.stem if path else None}
        write_json(folder.provenance, {**provenance, "resumed": [*provenance.get("resumed", ()), resumed]})
        if started:
            started(folder, prepared.recipe.facts)
        if goes_on:
            goes_on(place_of(saved))
        return carry_out(prepared, folder, run.root(recipe.name), devices, display, told, saved, trialled)


def _go_back(run: RunFolder, path: Path | None, saved: Saved | None) -> None:
    """Leaves in a run what there was when a state was taken: what grew after it goes; the test result is to come."""
    run.cut_back(saved.sizes if saved else {})
    if saved and path:
        restore_best(run, path, saved)
    else:
        run.best_model.unlink(missing_ok=True)
    run.evaluation.unlink(missing_ok=True)


def place_of(saved: Saved | None) -> str:
    """Where a run goes on, in words."""
    if saved is None:
        return "there is no state yet: the run begins anew"
    position = saved.state.position
    stage = f"stage {position.stage + 1}, " if position.stage else ""
    return f"{stage}epoch {position.epoch + 1}, step {position.step + 1}"


def _trainings(recipe: Recipe) -> list[Training]:
    return [recipe.config.training, *(recipe.config.training.stages or ())]


def _is_finished(run: RunFolder, recipe: Recipe, saved: Saved, is_tested: bool) -> bool:
    """Whether a run has come to its end, and the recipe has not moved it."""
    if run.state() != "finished" or (is_tested and not run.evaluation.exists()):
        return False
    before, now = leaves_of(saved.recipe), leaves_of(recipe)
    return all(before.get(name) == now.get(name) for name in {**before, **now} if name.startswith(_ENDS))


def _check_recipe(recipe: Recipe, saved: Saved) -> None:
    """Holds that a recipe is the one that a state was trained with, but for what may differ.

    Raises:
        DlkitError: It is not (`recipe-differs`); every difference is listed.
    """
    before, now = leaves_of(saved.recipe), leaves_of(recipe)
    differing = differences(before, now)
    if _EPOCHS in differing and saved.state.position.stage == 0 and not recipe.config.training.stages:
        if recipe.config.training.total_epochs < saved.state.position.epoch:
            raise DlkitError(
                f"The state has {saved.state.position.epoch} epochs already, more than the {now[_EPOCHS]} that are asked for.",
                "Ask for more, or go on from an earlier state with --from.",
                "recipe-differs",
            )
        differing.remove(_EPOCHS)
    if differing:
        told = [f"  {name}: {_shown(before, name)} in the run, {_shown(now, name)} now" for name in differing]
        more = [f"  and {len(told) - _LISTED} more"] if len(told) > _LISTED else []
        raise DlkitError(
            "\n".join(["The recipe is not the one that the run was started with:", *told[:_LISTED], *more]),
            f"Put it back as it was, or train the new one as a run of its own. {_EPOCHS} and "
            f"{', '.join(FREE)} may change.",
            "recipe-differs",
        )


def _shown(values: Mapping[str, Any], name: str) -> str:
    return repr(values[name]) if name in values else "nothing"


def _check_data(run: RunFolder, prepared: Prepared, provenance: Mapping[str, Any]) -> None:
    before = provenance.get("data_fingerprint")
    if before is not None and fingerprint(prepared.loaded) != before:
        raise DlkitError(
            f"The data are not those that the run {run.path} was started with.",
            "Put them back as they were, or train the recipe as a run of its own.",
            "data-differs",
        )


def _doubts(provenance: Mapping[str, Any]) -> Iterator[str]:
    """What may keep a resumed run from being exact, though it works."""
    before, now = provenance.get("versions", {}), versions()
    changed = [f"{name} {before[name]} -> {now[name]}" for name in before if now.get(name) != before[name]]
    if changed:
        yield f"the run was started with other versions ({', '.join(changed)}): its result may differ in the last bits"
