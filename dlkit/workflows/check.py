"""Builds a recipe's model on its real shapes, without training: layers, parameters, memory, doubts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dlkit.models.layer_table import LayerRow, layer_rows
from dlkit.recipe.diagnostics import Diagnostic
from dlkit.recipe.facts import DataFacts
from dlkit.recipe.load import Recipe
from dlkit.runs.find import runs_root
from dlkit.training.optimizers import optimizers_of
from dlkit.training.stage import planned_stages
from dlkit.workflows.feeding import train_feed
from dlkit.workflows.leaks import leaks
from dlkit.workflows.other_runs import OtherRuns, saved_models
from dlkit.workflows.preparation import batch_size_of, build_model, prepare
from dlkit.workflows.stages import compile_stage

_FLOAT = 4  # bytes


@dataclass(frozen=True, slots=True)
class Checked:
    """What `dlkit check` tells.

    Args:
        parameters: Of the model, those that are not trained included.
        trainable: Of the model, those that are trained.
        memory_bytes: An estimate of what a training step holds: weights, gradients, optimizer, the outputs of all
            layers for a batch twice (forward and backward), and the data in memory.
    """

    layers: list[LayerRow]
    parameters: int
    trainable: int
    memory_bytes: int
    steps_per_epoch: int
    facts: DataFacts
    doubts: tuple[Diagnostic, ...]


def check(recipe: Recipe) -> Checked:
    """Builds and compiles the model of a recipe on its data.

    Raises:
        RecipeError: Keras refuses the model, or the recipe contradicts its data.
        DlkitError: The data cannot be loaded, or there is no run yet of a recipe that this one refers to.
    """
    prepared = prepare(recipe)
    built = build_model(prepared, saved_models(prepared.recipe, OtherRuns(runs_root())))
    for planned in planned_stages(prepared.recipe):
        compile_stage(built.model, prepared, planned)
    train_feed(prepared)  # where an augmentation does not fit, it is told here
    model = built.model
    trainable = sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)
    slots = 0
    for optimizer, variables in optimizers_of(model).values():
        optimizer.build(variables)
        slots += sum(int(np.prod(variable.shape)) for variable in optimizer.variables)
    outputs = sum(_size(layer) for layer in model.layers) * batch_size_of(prepared.recipe)
    data = sum(
        array.nbytes
        for part in prepared.splits.named().values()
        for array in (*part.features.values(), *part.targets.values())
    )
    memory = _FLOAT * (model.count_params() + trainable + slots + 2 * outputs) + data
    facts = prepared.recipe.facts
    return Checked(
        layer_rows(model),
        model.count_params(),
        trainable,
        memory,
        facts.steps_per_epoch or 0,
        facts,
        (*recipe.warnings, *_doubts(prepared.recipe), *leaks(prepared)),
    )


def _doubts(recipe: Recipe) -> list[Diagnostic]:
    """What will run and is probably not meant, as far as the data tells."""
    found = []
    facts, size = recipe.facts, batch_size_of(recipe)
    if facts.train_size is not None and size > facts.train_size:
        message = f"a batch of {size} is more than the {facts.train_size} training examples"
        found.append(Diagnostic("large-batch", message, recipe.span_of("data.batch_size"), severity="warning"))
    if not facts.validation_size and "best" not in recipe.config.training.model_fields_set:
        message = "no examples are held out for validation: the best epoch is chosen by the training loss"
        found.append(Diagnostic("no-validation", message, recipe.span_of("data.validation"), severity="warning"))
    return found


def _size(layer: Any) -> int:
    outputs = layer.output if isinstance(layer.output, list | tuple) else [layer.output]
    return sum(int(np.prod([size or 1 for size in output.shape[1:]])) for output in outputs if hasattr(output, "shape"))
