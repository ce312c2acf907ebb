"""Predicts with a run's model, from files as people have them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.data.arrays import Arrays
from dlkit.data.inputs.read import read_inputs
from dlkit.errors import DlkitError
from dlkit.evaluation.evaluation import Evaluation
from dlkit.recipe.facts import Target
from dlkit.recipe.load import Recipe
from dlkit.recipe.supervision import Supervision
from dlkit.recipe.task_metrics import task_of
from dlkit.runs.exports import is_export
from dlkit.runs.folder import RunFolder
from dlkit.workflows.preparation import custom_objects, import_plugins
from dlkit.workflows.recipe_file import raw_features_of, recipe_of

if TYPE_CHECKING:
    import keras

    from dlkit.evaluation.beam_search import Written

_BATCH = 256
_BEAMS = 3


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the model says of one target of one row.

    Args:
        value: The most likely class by name, the sequence that is read or written, or the number; of a map the `row` and
            `column` of the nearest unit, counted from 1, the `distance` to it, and where units have labels its `label`; of a
            discriminator the score.
        probabilities: By class name, the most likely first; of a sequence that one's alone; None for numbers.
    """

    value: str | float | list[float] | dict[str, Any]
    probabilities: dict[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Predicted:
    """What the model says of one row: a picture, a line of a CSV, an entry of an array."""

    row: str
    targets: dict[str, Prediction]


def model_file(run: RunFolder, which: str) -> Path:
    """The model file of a run.

    Raises:
        DlkitError: The run has none (`no-model`).
    """
    path = run.best_model if which == "best" else run.last_model
    if not path.is_file():
        raise DlkitError(
            f"The run {run.path} has no {path.name}.",
            "It ended before its first epoch was done: train it again.",
            "no-model",
        )
    return path


def load_model(run: RunFolder, recipe: Recipe, which: str = "best") -> keras.Model:
    """The saved model of a run; of the folder of an export its file, run by the program that it is for."""
    import keras

    import_plugins(recipe, load_data=False)
    if is_export(run.path):
        from dlkit.workflows.exported import exported_model

        with keras.saving.custom_object_scope(custom_objects(recipe)):
            return exported_model(run)
    return keras.models.load_model(model_file(run, which), custom_objects=custom_objects(recipe))


def predict(
    run: RunFolder,
    inputs: Sequence[str | Path],
    *,
    beams: int | None = None,
    which: str = "best",
    allow_plugins: bool = False,
) -> list[Predicted]:
    """Predicts for files.

    Args:
        run: A run, or the folder of an export.
        inputs: Pictures, folders of them, CSV files, `.npy` arrays.
        beams: Of a sequence that is written token by token: the partial sequences that are kept; None: three.
        which: `best` or `last`.

    Raises:
        DlkitError: A file cannot be read as what the model takes; all of them are named. Or beams are asked for, and the
            model writes no sequence (`no-beams`).
    """
    recipe = recipe_of(run, allow_plugins)
    facts = recipe.facts
    known = raw_features_of(run)
    forced = {name: found.forced for name, found in recipe.supervisions.items() if found.forced}
    if beams is not None and not forced:
        message = f"The model of {run.path} writes no sequences token by token, and so has no use for beams."
        raise DlkitError(message, "Leave out --beams.", "no-beams")
    features = {name: known[name] for name in recipe.graphs["model"].inputs if name not in forced.values()}
    rows, values = read_inputs(inputs, features)
    from dlkit.data.feed import Feed
    from dlkit.evaluation.beam_search import BeamSearch, Written, outputs_of

    model = load_model(run, recipe, which)
    held = recipe.supervisions
    searches = {
        name: BeamSearch(
            model, feature, facts.targets[name], logits=held[name].logits, beams=beams or _BEAMS, output=name
        )
        for name, feature in forced.items()
    }
    units = {
        name: (recipe.pattern_arguments()["columns"], _unit_labels(run, name) if which == "best" else None)
        for name in held
        if task_of(facts.targets[name]) == "self_organization"
    }
    told: dict[str, list[Prediction]] = {name: [] for name in held}
    for (x,) in Feed(Arrays(dict(values), {}), batch_size=_BATCH, shuffle=False):
        for name, given in outputs_of(model, x, searches, held).items():
            target = facts.targets[name]
            if isinstance(given, Written):
                told[name] += _written(given, target)
            elif name in units:
                told[name] += _of_units(given, *units[name])
            else:
                told[name] += _told(given, target, held[name])
    return [Predicted(row, {name: predictions[n] for name, predictions in told.items()}) for n, row in enumerate(rows)]


def _written(found: Written, target: Target) -> list[Prediction]:
    """Sequences with their probabilities."""
    from dlkit.evaluation.tasks.sequence_output import in_words

    texts = [in_words(tokens, target) for tokens in found.tokens]
    shares = np.exp(found.log_probabilities)
    return [Prediction(text, {text: float(share)}) for text, share in zip(texts, shares, strict=True)]


def _told(output: np.ndarray, target: Target, held: Supervision) -> list[Prediction]:
    output = np.asarray(output, dtype="float64")
    if held.ctc:
        return _read(output, target)
    if task_of(target) == "generation":  # what comes beside is the score of an example that it made itself
        return [Prediction(float(row[0])) for row in output]
    if target.kind != "classes":
        return [Prediction(_number(row)) for row in output]
    labels = target.labels or tuple(str(n) for n in range(target.classes or output.shape[-1]))
    shares = _probabilities(output, held.logits)
    predictions = []
    for row in shares:
        order = np.argsort(-row, kind="stable")
        predictions.append(
            Prediction(labels[order[0]], {labels[n] if n < len(labels) else str(n): float(row[n]) for n in order})
        )
    return predictions


def _read(logits: np.ndarray, target: Target) -> list[Prediction]:
    """Sequences along the best paths, each with its probability."""
    from dlkit.evaluation.best_path import best_path, sequence_probabilities
    from dlkit.evaluation.tasks.sequence_output import in_words

    sequences = best_path(logits)
    texts = [in_words(sequence, target) for sequence in sequences]
    shares = sequence_probabilities(sequences, logits)
    return [Prediction(text, {text: float(share)}) for text, share in zip(texts, shares, strict=True)]


def _of_units(distances: np.ndarray, columns: int, labels: Sequence[str | None] | None) -> list[Prediction]:
    """The nearest unit of each row."""
    found = []
    for row, unit in zip(distances, distances.argmin(axis=-1).tolist(), strict=True):
        place = {"row": unit // columns + 1, "column": unit % columns + 1, "distance": float(row[unit])}
        found.append(Prediction({**place, "label": labels[unit]} if labels else place))
    return found


def _unit_labels(run: RunFolder, target: str) -> Sequence[str | None] | None:
    """The labels that evaluation gave to the units of the best model; None where it gave none."""
    evaluation = Evaluation.read(run.evaluation)
    measured = evaluation.targets.get(target) if evaluation else None
    return measured["details"]["map"]["labels"] if measured else None


def _probabilities(output: np.ndarray, logits: bool) -> np.ndarray:
    """Rows of class probabilities; a single output is the probability of the second class."""
    if output.shape[-1] == 1:
        positive = 1 / (1 + np.exp(-np.clip(output, -700, 700))) if logits else output
        return np.concatenate([1 - positive, positive], axis=-1)
    if not logits:
        return output
    shifted = np.exp(output - output.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def _number(row: Any) -> float | list[float]:
    return float(row[0]) if row.size == 1 else [float(value) for value in row.ravel()]
