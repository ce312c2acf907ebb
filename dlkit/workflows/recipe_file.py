"""The recipe of a run: written when it starts, read by whoever works with the run."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.errors import DlkitError
from dlkit.recipe.dump import to_yaml
from dlkit.recipe.facts import Feature, read_facts
from dlkit.recipe.load import Recipe, load
from dlkit.recipe.other_recipes import RECIPE, RUN, references
from dlkit.recipe.values import resolved_path
from dlkit.runs.atomic import write_json, write_text
from dlkit.runs.folder import RunFolder

if TYPE_CHECKING:
    from dlkit.models.scaling import Scale


def write_recipe(
    run: RunFolder, recipe: Recipe, raw_features: Mapping[str, Feature], scales: Mapping[str, Scale]
) -> None:
    """Writes recipe.yaml, the plugins it names, and what is known of the model's input and output.

    Args:
        raw_features: What is known of the features before they are preprocessed: saved models take them so.
        scales: Of the targets whose loss is taken of scaled values.
    """
    copy_plugins(recipe, run.path)
    write_text(run.recipe, to_yaml(recipe_values(recipe)))
    facts = {key: value for key, value in dataclasses.asdict(recipe.facts).items() if value is not None}
    raw = {name: dataclasses.asdict(feature) for name, feature in raw_features.items()}
    changed = {name: entry for name, entry in facts["features"].items() if entry != raw.get(name)}
    scaled = {name: [scale.mean.tolist(), scale.deviation.tolist()] for name, scale in scales.items()}
    write_json(run.preprocessing, {**facts, "features": raw, "preprocessed": changed, "scales": scaled})


def copy_plugins(recipe: Recipe, folder: Path) -> None:
    """Copies the plugins of a recipe to where the recipe that is kept in the folder names them."""
    for path in recipe.components.files:
        (folder / "plugins").mkdir(exist_ok=True)
        with suppress(shutil.SameFileError):  # the run is resumed
            shutil.copyfile(path, folder / "plugins" / path.name)


def recipe_of(run: RunFolder, allow_plugins: bool = False) -> Recipe:
    """The recipe of a run, with the facts of its data; the data itself is not loaded.

    Raises:
        RecipeError: The recipe cannot be used any more.
        DlkitError: A file of the run is missing or damaged.
    """
    recipe = load(run.recipe, allow_plugins=allow_plugins, others=False)
    with _reading(run.preprocessing):
        known = json.loads(run.preprocessing.read_text(encoding="utf-8"))
        features = {**known.pop("features"), **known.pop("preprocessed", {})}
        known.pop("scales", None)
        facts = read_facts(features, known.pop("targets"))
        return recipe.with_facts(dataclasses.replace(facts, **known))


def raw_features_of(run: RunFolder) -> dict[str, Feature]:
    """What is known of the features as the run's saved models take them.

    Raises:
        DlkitError: preprocessing.json is missing or damaged.
    """
    with _reading(run.preprocessing):
        known = json.loads(run.preprocessing.read_text(encoding="utf-8"))
        return dict(read_facts(known["features"], {}).features)


def scales_of(run: RunFolder) -> dict[str, Scale]:
    """The scales of the targets that are scaled.

    Raises:
        DlkitError: preprocessing.json is missing or damaged.
    """
    from dlkit.models.scaling import Scale

    with _reading(run.preprocessing):
        known = json.loads(run.preprocessing.read_text(encoding="utf-8")).get("scales", {})
        return {name: Scale(np.asarray(mean), np.asarray(deviation)) for name, (mean, deviation) in known.items()}


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DlkitError(f"{path} cannot be read: {error}", code="damaged-file") from error


def recipe_values(recipe: Recipe, *, as_varied: bool = False) -> dict[str, Any]:
    """The recipe as its run keeps it: one file, trainable as it is.

    Paths of the data are relative to DLKIT_DATA_DIR where they can be, else absolute; plugins lie in `plugins/`.

    Args:
        as_varied: Whether references to other values of the recipe stay, as in one whose values are to be varied.
    """
    values = recipe.dump(references=as_varied)
    name = recipe.config.data.source.name
    spec = recipe.components.find("source", name)
    written = values["data"]["source"]
    if spec and isinstance(written, dict):
        for key, value in (written[name] or {}).items():
            if value is not None and key in spec.arguments and "path" in spec.arguments[key].type.split("|"):
                written[name][key] = _portable(str(recipe.config.data.source.arguments[key]))
    for number, stage in enumerate([values["training"], *(values["training"].get("stages") or ())]):
        _make_weights_portable(stage, recipe, f"training.stages.{number - 1}" if number else "training")
    weights = {
        reference.text: _portable(resolved_path(reference.text, reference.span))
        for reference in references(recipe.resolved, recipe.graphs.values())
        if reference.use == "application" and not reference.text.startswith((RUN, RECIPE))
    }
    values |= {key: _with_texts(values[key], weights) for key in ("model", "blocks") if weights and key in values}
    if recipe.components.files:
        values["plugins"] = [f"plugins/{path.name}" for path in recipe.components.files]
    return values


def _with_texts(values: Any, changed: Mapping[str, str]) -> Any:
    """Plain values with some texts in them changed."""
    if isinstance(values, dict):
        return {key: _with_texts(value, changed) for key, value in values.items()}
    if isinstance(values, list):
        return [_with_texts(value, changed) for value in values]
    return changed.get(values, values) if isinstance(values, str) else values


def _make_weights_portable(stage: dict[str, Any], recipe: Recipe, path: str) -> None:
    """The file that a stage takes its weights from, as its run keeps it."""
    given = stage.get("initial_weights")
    source = given.get("from") if isinstance(given, dict) else given
    if not source or source.startswith((RUN, RECIPE)):
        return
    made = _portable(resolved_path(source, recipe.span_of(f"{path}.initial_weights")))
    stage["initial_weights"] = {**given, "from": made} if isinstance(given, dict) else made


def _portable(path: str) -> str:
    absolute = Path(path).resolve()
    root = os.environ.get("DLKIT_DATA_DIR")
    if root and absolute.is_relative_to(Path(root).resolve()):
        return absolute.relative_to(Path(root).resolve()).as_posix()
    return str(absolute) if absolute.exists() else path
