"""The model card of a run, from what lies in its folder. Nothing here needs TensorFlow."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dlkit.errors import DlkitError
from dlkit.models.saved_file import saved_inputs, saved_layers
from dlkit.recipe.graph import Component
from dlkit.recipe.load import Recipe
from dlkit.recipe.task_metrics import ALWAYS, task_of
from dlkit.reporting.card import card_text
from dlkit.reporting.carded import Carded, Export, Spread
from dlkit.runs import json_text
from dlkit.runs.folder import RunFolder
from dlkit.runs.group import GroupFolder
from dlkit.workflows.finished import finished_runs
from dlkit.workflows.recipe_file import raw_features_of, recipe_of
from dlkit.workflows.report import told_of

_TRAINING = ("class_weight", "optimizers", "callbacks", "precision", "strategy", "steps_per_epoch", "initial_weights")
_DATA = ("features", "preprocess", "augment", "limit", "folds", "shuffle")


def card(whole: RunFolder | GroupFolder, *, allow_plugins: bool = False) -> str:
    """The model card: Markdown, below YAML that Hugging Face's Hub reads.

    Of a group the card is that of its first run, with the spread over all: to choose one by its test result would make
    that result too good.

    Raises:
        RecipeError: The run's recipe cannot be used any more.
        DlkitError: It is not finished (`unfinished-run`), a sweep (`not-tested`), has no model (`no-model`), or a file of
            it is missing or damaged.
    """
    run = finished_runs(whole)[0]
    if not run.best_model.is_file():
        raise DlkitError(f"The run {run.path} has no {run.best_model.name} any more.", code="no-model")
    recipe = recipe_of(run, allow_plugins)
    return card_text(
        Carded(
            told=told_of(run, recipe, saved_layers(run.best_model)),
            raw_features=raw_features_of(run),
            reference=recipe.config.reference or "",
            source=_source(recipe),
            is_own_data=_is_own_data(recipe),
            kinds=tuple(dict.fromkeys(_kinds(recipe))),
            training=dict(_training(recipe)),
            data={name: value for name, value in _section(recipe, "data").items() if name in _DATA},
            tasks={name: task_of(target) for name, target in recipe.facts.targets.items()},
            logits=frozenset(name for name, found in recipe.supervisions.items() if found.logits),
            decoded=frozenset(name for name, found in recipe.supervisions.items() if found.ctc or found.forced),
            baselines=tuple(_baselines(recipe)),
            custom_layers=run.custom_layers.is_file(),
            plugin_layers=_has_plugin_layers(recipe),
            generator=_generator(run, recipe),
            deterministic=recipe.config.deterministic,
            spread=_spread(run),
            exports=tuple(_exports(run)),
        )
    )


def _section(recipe: Recipe, name: str) -> Mapping[str, Any]:
    found = recipe.dump().get(name)
    return found if isinstance(found, dict) else {}


def _source(recipe: Recipe) -> Any:
    """The source of the data, as the recipe has it."""
    source, written = recipe.config.data.source, _section(recipe, "data")["source"]
    return _without_folders(written) if isinstance(written, dict) and written[source.name] else source.name


def _without_folders(value: Any) -> Any:
    """A setting with files by their names, where it has the folders of one machine."""
    match value:
        case str() if os.path.isabs(value):
            return Path(value).name
        case dict():
            return {key: _without_folders(each) for key, each in value.items()}
        case list():
            return [_without_folders(each) for each in value]
    return value


def _is_own_data(recipe: Recipe) -> bool:
    """Whether the source reads files of the user's, or is the user's own code: it has no name that others know."""
    source = recipe.config.data.source.name
    declaration, spec = recipe.components.declaration("source", source), recipe.components.find("source", source)
    is_dlkits = declaration is not None and declaration.origin == "dlkit"
    return not is_dlkits or any(argument.required for argument in (spec.arguments.values() if spec else ()))


def _kinds(recipe: Recipe) -> Iterator[str]:
    """The pattern that the recipe names, and the architectures and applications, as `gan` and `resnet`."""
    ((form, written),) = _section(recipe, "model").items()
    if form not in ("sequential", "functional"):
        yield form
        return
    for entry in written["layers"] if isinstance(written, dict) else written:
        name = entry if isinstance(entry, str) else next(iter(entry))
        if any(recipe.components.find(kind, name) for kind in ("architecture", "application")):
            yield name


def _training(recipe: Recipe) -> Iterator[tuple[str, Any]]:
    """How the model learned, as the recipe has it."""
    written, training = _section(recipe, "training"), recipe.config.training
    unused = recipe.pattern_says("unused", ())
    yield "batch size", recipe.config.data.batch_size
    is_written = "optimizer" in written or not training.stages  # else each stage may have its own
    if is_written and "training.optimizer" not in unused and not training.optimizers:
        yield "optimizer", written.get("optimizer") or training.optimizer
    for name, found in recipe.supervisions.items():
        if "training.loss" not in unused:
            yield "loss" if len(recipe.supervisions) == 1 else f"loss of {name}", found.loss.name
    for number, stage in enumerate(written.get("stages") or (), start=1):
        settings = {name: value for name, value in stage.items() if name != "name"}
        yield f"stage {stage.get('name') or f'stage_{number}'}", _without_folders(settings)
    yield from ((name.replace("_", " "), _without_folders(written[name])) for name in _TRAINING if written.get(name))
    yield "seed", recipe.config.seed


def _baselines(recipe: Recipe) -> Iterator[str]:
    asked = recipe.config.evaluation.metrics or () if recipe.config.evaluation else ()
    yield from (each.name for each in asked if isinstance(each, Component) and each.kind == "baseline")
    yield ALWAYS


def _has_plugin_layers(recipe: Recipe) -> bool:
    """Whether the saved model may need the code of a plugin."""
    return any(plugin.spec.kind in ("layer", "architecture", "pattern") for plugin in recipe.components.plugins)


def _generator(run: RunFolder, recipe: Recipe) -> tuple[str, Sequence[int | None]] | None:
    name = recipe.pattern_says("generates")
    if not name or not (path := run.network(name)).is_file():
        return None
    return path.relative_to(run.path).as_posix(), saved_inputs(path)[0][1:]


def _spread(run: RunFolder) -> Spread | None:
    """What a run's group measured over all members; None where it is a run of its own."""
    if run.group is None:
        return None
    told = GroupFolder(run.group).read()
    means, deviations = (
        {name: json_text.number(value) for name, value in told.get(key, {}).items()}
        for key in ("metrics", "deviations")
    )
    return Spread(str(told["kind"]), len(told.get("members", ())), means, deviations) if means else None


def _exports(run: RunFolder) -> Iterator[Export]:
    for path in sorted(run.exports.glob("*/export.json")):
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            name = path.parent.relative_to(run.path).as_posix()
            has_vocabulary = path.with_name("vocabulary.json").is_file()
            yield Export(name, found["format"], found["file"], found, has_vocabulary)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DlkitError(f"{path} cannot be read: {error}", "Export the run again.", "damaged-file") from error
