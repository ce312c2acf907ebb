"""The weights that a recipe, or a stage of it, begins with: `training.initial_weights`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras

from dlkit.recipe.load import Recipe
from dlkit.recipe.other_recipes import RECIPE, RUN
from dlkit.recipe.training_keys import InitialWeights
from dlkit.recipe.values import resolved_path
from dlkit.training.initial_weights import LoadedWeights, load_weights
from dlkit.workflows.other_runs import OtherRuns
from dlkit.workflows.preparation import custom_objects


@dataclass(frozen=True, slots=True)
class FirstWeights:
    """Weights to begin with.

    Args:
        recipe: The recipe that is trained.
        file: The saved model that has them.
        layers: Globs over the names of the layers to load; None: all that fit.
    """

    recipe: Recipe
    file: Path
    layers: Sequence[str] | None

    def load(self, model: keras.Model) -> LoadedWeights:
        """Gives them to a model.

        Raises:
            DlkitError: As `load_weights`.
        """
        return load_weights(model, self.file, self.layers, custom_objects(self.recipe))


def find_weights(recipe: Recipe, given: str | InitialWeights, path: str, others: OtherRuns) -> FirstWeights:
    """Finds the weights to begin with; a run that they come from is trained here where there is none.

    Args:
        recipe: The recipe.
        given: What it says.
        path: Where it says so.
        others: Finds the run that they come from.

    Raises:
        RecipeError: The recipe that is referred to is mistaken.
        DlkitError: As `other_run`.
    """
    told = InitialWeights.model_validate({"from": given}) if isinstance(given, str) else given
    if told.source.startswith((RUN, RECIPE)):
        file = others.find(told.source).best_model
    else:
        file = Path(resolved_path(told.source, recipe.span_of(path)))
    return FirstWeights(recipe, file, told.layers)
