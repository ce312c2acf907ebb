"""Shows the test of a run in TensorBoard: figures, examples, and hyperparameters beside what was measured."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from dlkit.evaluation.evaluation import Evaluation
from dlkit.recipe.graph import Component
from dlkit.recipe.load import Recipe
from dlkit.recipe.nodes import plain
from dlkit.recipe.paths import PathError, Paths
from dlkit.reporting.page_figures import figure_file
from dlkit.reporting.tensorboard_images import Sample, draw_samples, read_pixels
from dlkit.runs.folder import RunFolder
from dlkit.training.tensorboard import write_test

Scalar = bool | float | str

_EXAMPLES = ("samples", "mistakes")
_MOST = 20  # hyperparameters
_RATES = ("rate", "dropout", "recurrent_dropout")  # arguments of layers


def show_test(run: RunFolder, recipe: Recipe, evaluation: Evaluation) -> None:
    """Writes figures, examples, metrics and hyperparameters as event files into the folder of a run.

    Args:
        run: The folder; provenance.json, the figures of its report and the pictures that the evaluation names are in it.
        recipe: As it was trained.
        evaluation: What was measured of the best model; nothing is written where nothing was.

    Raises:
        DlkitError: They cannot be written (`cannot-write`).
    """
    if not evaluation.metrics:
        return
    several = len(evaluation.targets) > 1
    known = recipe.components.declarations("figure")
    figures = [each.spec.name for each in known if each.declared.get("tensorboard")]
    pictures: dict[str, np.ndarray] = {}
    texts: dict[str, list[tuple[str, str]]] = {}
    for target, told in evaluation.targets.items():
        before = f"{target}/" if several else ""
        for name in figures:
            path = run.figures / figure_file(target, name, several=several)
            if path.is_file():
                pictures[before + name] = read_pixels(path)
        for kind in _EXAMPLES:
            examples = told.get(kind) or ()
            if shown := _samples(run, examples):
                pictures[before + kind] = draw_samples(shown)
            elif examples:
                texts[before + kind] = [_in_words(each) for each in examples]
    write_test(
        run.tensorboard / evaluation.split,
        name=_name(run, recipe),
        # In one section, apart from the curves.
        metrics={name.replace("_", "/", 1): value for name, value in evaluation.metrics.items()},
        pictures=pictures,
        texts=texts,
        hyperparameters=hyperparameters(recipe, _chosen(run)),
    )


def show_trial(run: RunFolder, recipe: Recipe, values: Mapping[str, Scalar], objective: str, score: float) -> None:
    """Writes the values of a trial of a search beside its objective, for the tab HParams.

    Args:
        run: Its folder.
        recipe: As it was trained.
        values: Those that were searched, by path.
        objective: The metric that they are to make best.
        score: What they have reached.

    Raises:
        DlkitError: They cannot be written (`cannot-write`).
    """
    shown = {objective.replace("_", "/", 1): score}
    write_test(
        run.tensorboard / "trial", name=_name(run, recipe), metrics=shown, pictures={}, texts={}, hyperparameters=values
    )


def hyperparameters(recipe: Recipe, chosen: Mapping[str, Any]) -> dict[str, Scalar]:
    """The plain values of a recipe that people tune, by their paths: those of `tune.space` first, 20 at most.

    Args:
        recipe: As it was trained.
        chosen: What `auto` stood for, by path.
    """
    config, found = recipe.config, dict(_of_space(recipe))
    stages = config.training.stages
    for number, stage in enumerate(stages or (config.training,)):
        path = f"training.stages.{number}" if stages else "training"
        for network, optimizer in recipe.optimizers(stage).items():
            place = f"optimizers.{network}" if network else "optimizer"
            found |= _of_optimizer(recipe, optimizer, f"{path}.{place}")
        found[f"{path}.epochs"] = stage.total_epochs
    found["data.batch_size"] = config.data.batch_size
    found["training.precision"] = config.training.precision
    found["seed"] = config.seed
    if config.data.folds is not None:
        fold = getattr(config.data.folds, "fold", None)
        found |= {"data.folds.fold": fold} if fold is not None else {}
    found |= _of_layers(recipe)
    told = {path: chosen.get(path, value) if value == "auto" else value for path, value in found.items()}
    return dict(list(told.items())[:_MOST])


def _of_space(recipe: Recipe) -> Iterator[tuple[str, Scalar]]:
    for path in recipe.config.tune.space if recipe.config.tune else ():
        try:
            value = plain(Paths(recipe.components).find(recipe.resolved, path).node)
        except PathError:  # a value that only a trial writes
            continue
        if isinstance(value, Scalar):
            yield path, value


def _of_optimizer(recipe: Recipe, optimizer: Component, path: str) -> dict[str, Scalar]:
    spec = recipe.components.find("optimizer", optimizer.name)
    default = spec.arguments["learning_rate"].default if spec and "learning_rate" in spec.arguments else None
    written = {"learning_rate": default, **optimizer.arguments}
    return {path: optimizer.name, **dict(_scalars(written, path))}


def _scalars(arguments: Mapping[str, Any], path: str) -> Iterator[tuple[str, Scalar]]:
    """The plain values among arguments, and among those of a component that is an argument."""
    for name, value in arguments.items():
        if isinstance(value, Component):
            yield f"{path}.{name}.{value.kind}", value.name
            yield from _scalars(value.arguments, f"{path}.{name}")
        elif isinstance(value, Scalar):
            yield f"{path}.{name}", value


def _of_layers(recipe: Recipe) -> dict[str, Scalar]:
    return {
        f"model.{name}.{rate}": layer.arguments[rate]
        for name, layer in recipe.model.layers.items()
        for rate in _RATES
        if isinstance(layer.arguments.get(rate), int | float)
    }


def _chosen(run: RunFolder) -> dict[str, Any]:
    chosen: dict[str, Any] = json.loads(run.provenance.read_text(encoding="utf-8")).get("chosen", {})
    return chosen


def _name(run: RunFolder, recipe: Recipe) -> str:
    """What the run is called: two runs of one recipe are two, and so are the members of a group."""
    parts = (run.group.name, run.name) if run.group else (run.name,)
    return "/".join((recipe.name, *parts))


def _samples(run: RunFolder, examples: Sequence[Mapping[str, Any]]) -> list[Sample]:
    """The examples that are seen: of one with several pictures, the first."""
    shown = []
    for each in examples:
        pictures = [value["image"] for value in each.get("input", {}).values() if "image" in value]
        if pictures:
            shown.append(Sample(run.path / pictures[0], each["truth"], each["predicted"], each["note"]))
    return shown


def _in_words(example: Mapping[str, Any]) -> tuple[str, str]:
    """What the model says of an example, and what it was given."""
    said, true = example["predicted"], example["truth"]
    told = [said] if said == true else [said, f"true: {true}"]
    given = {name: value["text"] for name, value in example.get("input", {}).items() if "text" in value}
    named = [f"{name}: {text}" for name, text in given.items()] if len(given) > 1 else list(given.values())
    return ", ".join([*told, example["note"]]), "; ".join(named) or f"example {example['row']}"
