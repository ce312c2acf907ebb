"""Writes a recipe as one Python script of plain Keras."""

from __future__ import annotations

from pathlib import Path

from dlkit.eject.data import stratified_by
from dlkit.eject.refusal import refusal
from dlkit.eject.refusals import check_data, check_recipe
from dlkit.eject.script import script_of
from dlkit.eject.subject import Subject
from dlkit.recipe.load import Recipe
from dlkit.runs.find import runs_root
from dlkit.training.stage import planned_stages
from dlkit.workflows.members import folds_of
from dlkit.workflows.preparation import best_of, outputs, prepare


def eject(recipe: Recipe, runs_dir: Path | None = None) -> str:
    """The script that trains a recipe to the weights that `train` would give, without dlkit.

    The data is loaded, for the script names what was found in it: columns, classes, sizes of vocabularies.

    Args:
        recipe: What `dlkit.load` gives.
        runs_dir: Where the runs are kept whose models are layers of the recipe; DLKIT_RUNS_DIR or `./runs` where None.

    Raises:
        RecipeError: The recipe contradicts its data.
        DlkitError: It has a feature that scripts have not (`cannot-eject`), its data cannot be loaded, or a run that it
            refers to is not there (`run-not-found`).
    """
    check_recipe(recipe)
    folds = recipe.config.data.folds
    if not isinstance(folds, int):
        return _script(recipe, runs_dir, None)
    scripts = {_script(member, runs_dir, folds) for member in folds_of(recipe).recipes}
    if len(scripts) > 1:
        cure = f"choose one: `--set data.folds={{fold: 1, of: {folds}}}`"
        raise refusal(f"`data.folds: {folds}`", "makes trainings that differ in more than their examples", cure)
    return scripts.pop()


def _script(recipe: Recipe, runs_dir: Path | None, folds: int | None) -> str:
    """The script of a recipe, or of all its folds, of which it is one."""
    prepared = prepare(recipe)
    met = prepared.recipe
    check_data(met, prepared.raw_features)
    source = met.config.data.source
    declared = met.components.source_facts(source.name, source.arguments)
    stages = planned_stages(met)
    best = best_of(met, stages[-1].training)
    subject = Subject(met, prepared.raw_features, outputs(met), stages, best, _saved(met, runs_dir), folds)
    return script_of(subject, stratified_by(met, declared))


def _saved(recipe: Recipe, runs_dir: Path | None) -> dict[str, Path]:
    """The files of the saved models that are layers of a recipe."""
    if not any(layer.kind == "run" for layer in recipe.model.layers.values()):
        return {}
    from dlkit.workflows.other_runs import OtherRuns, saved_models  # Keras is not needed otherwise

    others = OtherRuns(runs_root(runs_dir), allow_plugins=recipe.allow_plugins)
    files = saved_models(recipe, others, "layer").files
    for word, run in others.found.items():
        if run.custom_layers.exists():
            raise refusal(f"`{word}`", "has layers that are classes of dlkit, which a script cannot load")
    return {word: path.resolve() for word, path in files.items()}
