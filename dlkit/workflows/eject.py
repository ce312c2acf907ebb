"""Writes a recipe as one Python script of plain Keras."""

from __future__ import annotations

from dlkit.eject.data import stratified_by
from dlkit.eject.refusals import check_data, check_recipe
from dlkit.eject.script import script_of
from dlkit.eject.subject import Subject
from dlkit.recipe.load import Recipe
from dlkit.workflows.preparation import best_of, outputs, prepare


def eject(recipe: Recipe) -> str:
    """The script that trains a recipe to the weights that `train` would give, without dlkit.

    The data is loaded, for the script names what was found in it: columns, classes, sizes of vocabularies.

    Raises:
        RecipeError: The recipe contradicts its data.
        DlkitError: It has a feature that scripts have not (`cannot-eject`), or its data cannot be loaded.
    """
    check_recipe(recipe)
    prepared = prepare(recipe)
    met = prepared.recipe
    check_data(met, prepared.raw_features)
    source = met.config.data.source
    declared = met.components.source_facts(source.name, source.arguments)
    subject = Subject(met, prepared.raw_features, outputs(met), best_of(met, met.config.training))
    return script_of(subject, stratified_by(met, declared))
