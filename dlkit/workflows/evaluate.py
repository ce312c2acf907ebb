"""Measures a run's model on the split that was kept for it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import keras

from dlkit.evaluation.evaluate import measure_split
from dlkit.models.scaling import Scale
from dlkit.recipe.graph import Component
from dlkit.recipe.load import Recipe, load
from dlkit.runs.atomic import write_json
from dlkit.runs.folder import RunFolder
from dlkit.training.compiling import compile_model
from dlkit.workflows.feeding import raw_feed
from dlkit.workflows.other_data import other_examples
from dlkit.workflows.predict import model_file
from dlkit.workflows.preparation import Prepared, custom_objects, import_plugins, prepare
from dlkit.workflows.recipe_file import raw_features_of, recipe_of, scales_of


def evaluate(
    run: RunFolder, *, which: str = "best", data: str | Path | None = None, allow_plugins: bool = False
) -> dict[str, float]:
    """Measures a run's model on the test split of its recipe; for the best one, evaluation.json is written anew.

    Args:
        which: `best` or `last`.
        data: Other data of the recipe's source to measure on instead; evaluation.json stays as it is.

    Returns:
        Loss and metrics by name, as `test_accuracy`; as `data_accuracy` those of other data.

    Raises:
        RecipeError: The run's recipe cannot be used any more.
        DlkitError: The data or the model cannot be loaded.
    """
    if data is not None:
        recipe = recipe_of(run, allow_plugins)
        import_plugins(recipe)
        examples = other_examples(recipe, raw_features_of(run), data)
        model = _compiled(recipe, model_file(run, which), scales_of(run))
        return measure_split(model, raw_feed(recipe, examples), "data")
    recipe = load(run.recipe, allow_plugins=allow_plugins)
    return evaluate_model(run, prepare(recipe), model_file(run, which))


def evaluate_model(run: RunFolder, prepared: Prepared, path: Path) -> dict[str, float]:
    """Measures a saved model on the test split, or where there is none on the validation split.

    Args:
        path: The model file; evaluation.json is that of the best one.

    Returns:
        Loss and metrics by name, as `test_accuracy`.
    """
    recipe, splits = prepared.recipe, prepared.raw
    name, split = ("test", splits.test) if splits.test is not None else ("val", splits.validation)
    if split is None:
        return {}
    model = _compiled(recipe, path, prepared.scales)
    metrics = measure_split(model, raw_feed(recipe, split), name)
    if path == run.best_model:
        write_json(run.evaluation, {"model": path.name, "split": name, "examples": len(split), "metrics": metrics})
    return metrics


def _compiled(recipe: Recipe, path: Path, scales: Mapping[str, Scale]) -> keras.Model:
    """A saved model, with the loss and the metrics of its recipe."""
    model = keras.models.load_model(path, custom_objects=custom_objects(recipe))
    evaluation = recipe.config.evaluation
    more = tuple(metric for metric in (evaluation.metrics or () if evaluation else ()) if isinstance(metric, Component))
    weights = recipe.config.training.loss_weights
    compile_model(model, recipe.supervisions, None, loss_weights=weights, more_metrics=more, scales=scales)
    return model
