"""Writes a run's model as a file for other programs, and shows that the file does what the model does."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import keras
import numpy as np

from dlkit.data.arrays import Arrays, Splits
from dlkit.data.feed import Feed
from dlkit.errors import DlkitError
from dlkit.export.format import Format, Runtime, Values
from dlkit.export.precision import in_float32, is_mixed
from dlkit.export.servable import Servable, as_arrays, behind_lookups, whole
from dlkit.export.settings import Settings
from dlkit.export.vocabulary import vocabulary
from dlkit.recipe.load import load
from dlkit.recipe.task_metrics import task_of
from dlkit.runs.atomic import replacing_folder, write_json, writing
from dlkit.runs.exports import FRONT, VOCABULARY, Manifest, export_name
from dlkit.runs.folder import RunFolder
from dlkit.training.tensorflow_log import without_idle_warnings
from dlkit.workflows.export_proof import Proof
from dlkit.workflows.predict import load_model, model_file
from dlkit.workflows.preparation import Prepared, custom_objects, prepare

_CALIBRATION = 300  # training examples that ranges of values are found with
_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Exported:
    """A file that was written and tried.

    Args:
        folder: Where it is.
        manifest: What was found.
        deployment: A line that tells how it is put to use.
    """

    folder: Path
    manifest: Manifest
    deployment: str

    @property
    def file(self) -> Path:
        """What was written."""
        return self.folder / self.manifest.file


@without_idle_warnings()
def export(
    run: RunFolder,
    settings: Settings,
    *,
    which: Literal["best", "last"] = "best",
    examples: int | None = None,
    allow_plugins: bool = False,
    told: Callable[[str], None] = lambda text: None,
) -> Exported:
    """Writes a run's model into its `exports/`, runs what was written on the test split, and compares.

    Args:
        settings: As `settings_of` gives them.
        which: `best` or `last`.
        examples: Of the test split that are measured; None: all.
        told: Is told what is done.

    Raises:
        RecipeError: The run's recipe cannot be used any more.
        DlkitError: The format cannot hold the model, or the file differs from it by more than the tolerance
            (`export-differs`); then there is no file.
    """
    path = model_file(run, which)
    kind = settings.known.load()
    prepared = prepare(load(run.recipe, allow_plugins=allow_plugins, others=False))
    model = load_model(run, prepared.recipe, which)
    prefix, split = _held_out(prepared.raw)
    if examples:
        split = split.take(np.arange(min(examples, len(split))))
    proof = Proof(prepared, model, prefix, split, path, settings)
    told(f"Measuring the {which} model on {len(split)} examples ...")
    before = proof.metrics(model)
    if settings.prune:
        from dlkit.workflows.pruned import pruned_model

        epochs = settings.finetune_epochs
        model = pruned_model(run, which, settings.prune, finetune_epochs=epochs, allow_plugins=allow_plugins)
    if is_mixed(model) and not settings.known.mixed:
        with keras.saving.custom_object_scope(custom_objects(prepared.recipe)):
            model = in_float32(model)
    place = run.exports / export_name(settings.format, settings.quantize, settings.prune)
    with replacing_folder(place) as folder, keras.saving.custom_object_scope(custom_objects(prepared.recipe)):
        told(f"Writing {place} ...")
        servable = _servable(model, settings, prepared)
        examples_of_training = calibration(servable, prepared)
        kind.write(servable, folder / settings.known.file, settings.quantize, examples_of_training)
        _keep_beside(servable, run, prepared, which, folder)
        told(f"Running it on {len(split)} examples ...")
        runtime = _opened(kind, folder / settings.known.file, examples_of_training)
        found = proof.manifest(which, before, model, servable, runtime, kind.runtime, folder, examples_of_training)
        found.write(folder)
    return Exported(place, found, kind.deployment(place / found.file, servable))


def _opened(kind: Format, path: Path, examples: Values) -> Runtime:
    """The file in the program that it is for, which takes an example.

    Raises:
        DlkitError: It refuses the file (`cannot-run`).
    """
    try:
        runtime = kind.open(path)
        runtime({name: values[:1] for name, values in examples.items()})
    except Exception as error:  # each runtime has errors of its own
        told = f"{kind.runtime} cannot run what was written: {error}"
        raise DlkitError(told, "Export the model in another format, or without --quantize.", "cannot-run") from error
    return runtime


def _held_out(splits: Splits) -> tuple[str, Arrays]:
    """What a model is measured on: the test split, or where there is none what else there is."""
    if splits.test is not None:
        return "test", splits.test
    return ("val", splits.validation) if splits.validation is not None else ("train", splits.train)


def _servable(model: keras.Model, settings: Settings, prepared: Prepared) -> Servable:
    servable = whole(model, next(iter(prepared.recipe.supervisions)))
    return servable if settings.known.strings else behind_lookups(servable)


def calibration(servable: Servable, prepared: Prepared) -> dict[str, np.ndarray]:
    """Some training examples as a file takes them, always the same; none with a missing value, which has no range."""
    train, seed = prepared.raw.train, prepared.recipe.config.seed
    chosen = np.random.Generator(np.random.Philox(seed)).permutation(len(train))[:_CALIBRATION]
    features = train.take(np.sort(chosen)).features
    parts = []
    for (x,) in Feed(Arrays(features, {}), batch_size=_AT_ONCE, shuffle=False):
        given = x if isinstance(x, dict) else dict.fromkeys(features, x)
        made = servable.front(given) if servable.front else given
        parts.append(as_arrays({name: made[name] for name in servable.inputs}))
    arrays = {name: np.concatenate([part[name] for part in parts]) for name in servable.inputs}
    whole_rows = np.flatnonzero(~np.any([_missing(values) for values in arrays.values()], axis=0))
    return {name: values[whole_rows] for name, values in arrays.items()} if len(whole_rows) else arrays


def _missing(values: np.ndarray) -> np.ndarray:
    """Which rows have a NaN."""
    rows = values.reshape(len(values), -1)
    return np.isnan(rows).any(axis=1) if values.dtype.kind == "f" else np.zeros(len(values), bool)


def _keep_beside(servable: Servable, run: RunFolder, prepared: Prepared, which: str, folder: Path) -> None:
    """Puts beside the file what it does not hold, and what `dlkit predict` needs of the run."""
    if servable.front:
        servable.front.model.save(folder / FRONT)
        write_json(folder / VOCABULARY, vocabulary(servable.front, prepared.raw_features))
    kept = [run.recipe, run.preprocessing]
    targets = prepared.recipe.facts.targets.values()
    if which == "best" and any(task_of(target) == "self_organization" for target in targets):
        kept.append(run.evaluation)  # holds the labels of the units
    with writing(folder):
        for path in kept:
            if path.is_file():
                shutil.copyfile(path, folder / path.name)
        if (run.path / "plugins").is_dir():
            shutil.copytree(run.path / "plugins", folder / "plugins")
