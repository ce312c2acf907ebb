"""Writes the report of a run from what lies in its folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dlkit.errors import DlkitError
from dlkit.evaluation.adversarial_diagnosis import diagnose_adversaries
from dlkit.evaluation.best_epoch import chosen_line
from dlkit.evaluation.diagnosis import Diagnosis, diagnose, known_of, read_curves
from dlkit.evaluation.evaluation import Evaluation
from dlkit.evaluation.expectation import compare
from dlkit.models.layer_table import LayerRow, layer_rows
from dlkit.recipe.load import Recipe
from dlkit.reporting import report as page
from dlkit.reporting.figures import figures_of
from dlkit.reporting.model_diagram import model_diagram
from dlkit.reporting.report import Told
from dlkit.runs.folder import RunFolder
from dlkit.workflows.predict import load_model
from dlkit.workflows.recipe_file import recipe_of

if TYPE_CHECKING:
    import keras


def report(run: RunFolder, *, allow_plugins: bool = False) -> None:
    """Writes report.html and `figures/` of a run; its data is not needed.

    Raises:
        RecipeError: The run's recipe cannot be used any more.
        DlkitError: A file of the run is missing or damaged, or cannot be written.
    """
    recipe = recipe_of(run, allow_plugins)
    try:
        model = load_model(run, recipe)
    except DlkitError as error:
        if error.code != "no-model":
            raise
        model = None
    report_run(run, recipe, model)


def report_run(run: RunFolder, recipe: Recipe, model: keras.Model | None) -> None:
    """Writes the report of a run whose recipe and model are at hand.

    Args:
        recipe: With the facts of its data.
        model: None: the report does without.
    """
    lines, status = run.read_metrics(), run.read_status()
    evaluation = Evaluation.read(run.evaluation)
    measured = evaluation or Evaluation()
    provenance = json.loads(run.provenance.read_text(encoding="utf-8"))
    wanted = recipe.config.evaluation.figures if recipe.config.evaluation else None
    layers = layer_rows(model) if model else []
    page.write_report(
        run,
        Told(
            name=recipe.name,
            summary=recipe.config.summary or "",
            recipe=run.recipe.read_text(encoding="utf-8"),
            lines=lines,
            best=chosen_line(lines, provenance),
            evaluation=evaluation,
            expectations=compare(recipe.config.expect, measured.metrics, measured.over),
            diagnosis=diagnosis(run, recipe),
            facts=recipe.facts,
            layers=layers,
            diagram=_diagram(recipe, layers),
            provenance=provenance,
            state=status.state,
            seconds=status.seconds,
            epochs=len(lines),
            figures=figures_of(recipe.components, None if wanted is None else [each.name for each in wanted]),
        ),
    )


def diagnosis(run: RunFolder, recipe: Recipe) -> list[Diagnosis]:
    """What the learning curves of a run show.

    Args:
        recipe: With the facts of its data.
    """
    evaluation = Evaluation.read(run.evaluation)
    lines = run.read_metrics()
    if lines and recipe.pattern_says("task") == "generation":
        return diagnose_adversaries(lines, recipe)
    by_gradients = "training.optimizer" not in recipe.pattern_says("unused", ())
    if not lines or not by_gradients:  # what the curves of other rules look like is another matter
        return []
    curves = read_curves(lines, evaluation.constant_loss if evaluation else None)
    return diagnose(curves, known_of(recipe))


def _diagram(recipe: Recipe, layers: Sequence[LayerRow]) -> str:
    graph = recipe.model
    if not graph.complete:
        return ""
    shapes = {each.name: each.shape for each in layers if each.shape}
    return model_diagram(graph, shapes, {each.name: each.parameters for each in layers})
