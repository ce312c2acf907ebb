"""The examples that a report shows: their pictures as files beside it, everything else as text in evaluation.json."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from dlkit.data.arrays import Arrays, take
from dlkit.evaluation.evaluation import Evaluation
from dlkit.recipe.facts import Continues, DataFacts, Feature
from dlkit.reporting.contact_sheet import draw_tile
from dlkit.runs.atomic import write_bytes
from dlkit.runs.folder import RunFolder
from dlkit.workflows.contact_sheet import white

_LONGEST = 500  # characters of a text
_COLUMNS = 12  # of a table
_STEPS = 200  # of a series before a forecast


def write_samples(
    run: RunFolder, found: Evaluation, split: Arrays, features: Mapping[str, Feature], facts: DataFacts
) -> Evaluation:
    """Keeps what the model was given in those examples that evaluation.json tells of.

    Args:
        run: Pictures go into its `figures/samples`, in the place of earlier ones.
        found: What was measured.
        split: The examples, raw.
        features: What is known of its features.
        facts: What is known of its targets.

    Returns:
        The evaluation, with `input` in every example: by feature a text, or the path of a picture in the run.
    """
    shutil.rmtree(run.figures / "samples", ignore_errors=True)
    inputs: dict[int, dict[str, Any]] = {}
    targets = {}
    for name, measured in found.targets.items():
        told = dict(measured)
        for kind in ("mistakes", "samples"):
            rows = [each["row"] for each in measured[kind]]
            inputs |= {row: _input(run, row, split, features) for row in rows if row not in inputs}
            told[kind] = [_told(run, name, each, inputs[each["row"]]) for each in measured[kind]]
        told["details"] = _with_past(measured["details"], facts.targets[name].continues, split)
        targets[name] = told
    return replace(found, targets=targets)


def _told(run: RunFolder, target: str, each: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """An example with what the model was given, and where that is a picture what it gave back."""
    told = {**each, "input": given}
    back = told.pop("given", None)
    if back is not None and back.ndim == 3 and back.shape[-1] in (1, 3):
        picture = _picture(run, f"{target}-{each['row']}-back", back, 1.0)
        told |= {"input": {**given, f"{target} given back": picture}, "truth": "", "predicted": ""}
    return told


def _picture(run: RunFolder, name: str, image: np.ndarray, brightest: float) -> dict[str, str]:
    path = Path("figures", "samples", f"{name}.png")
    (run.path / path).parent.mkdir(parents=True, exist_ok=True)
    write_bytes(run.path / path, draw_tile(image, brightest))
    return {"image": str(path)}


def _input(run: RunFolder, row: int, split: Arrays, features: Mapping[str, Feature]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for name, feature in features.items():
        if name not in split.features:
            continue
        value = np.asarray(take(split.features[name], np.array([row])))
        if feature.kind == "image":
            told[name] = _picture(run, f"{name}-{row}", value[0], white(value, feature))
        elif feature.kind not in ("audio", "sequence"):  # curves are drawn of forecasts only; tokens are numbers
            told[name] = {"text": _text(value, feature)}
    return told


def _text(value: np.ndarray, feature: Feature) -> str:
    """An example, of shape (1, ...), in words: a text, a row of a table."""
    entries = [_entry(entry) for entry in value.reshape(-1).tolist()]
    if feature.columns and len(feature.columns) == len(entries):
        pairs = [f"{column}: {entry}" for column, entry in zip(feature.columns, entries, strict=True)]
        more = len(pairs) - _COLUMNS
        return ", ".join(pairs[:_COLUMNS]) + (f" and {more} more" if more > 0 else "")
    text = " ".join(entries)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _entry(entry: Any) -> str:
    return f"{entry:.5g}" if isinstance(entry, float) else str(entry)


def _with_past(details: Mapping[str, Any], continues: Continues | None, split: Arrays) -> dict[str, Any]:
    """The forecasts that are drawn, with the steps before them."""
    forecasts = details.get("forecasts")
    if not forecasts or continues is None or continues.feature not in split.features:
        return dict(details)
    rows = np.array([each["row"] for each in forecasts])
    past = np.asarray(take(split.features[continues.feature], rows))[:, -_STEPS:, list(continues.columns)]
    told = [{**each, "past": steps.tolist()} for each, steps in zip(forecasts, past, strict=True)]
    return {**details, "forecasts": told, "offset": continues.offset}
