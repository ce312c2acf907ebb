"""Draws samples of a recipe's training examples, as they are and as they are learned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from dlkit.data.arrays import Arrays
from dlkit.errors import DlkitError
from dlkit.recipe.facts import DataFacts, Feature
from dlkit.reporting.contact_sheet import draw_curves, draw_images
from dlkit.runs.atomic import write_bytes
from dlkit.workflows.preparation import Prepared

_ACROSS = 8  # samples of a row
_ROWS = 20


def write_contact_sheet(prepared: Prepared, path: Path) -> str:
    """Writes a PNG of training examples, a row for each class; where the recipe augments, a second panel shows how.

    Args:
        path: The file, which is replaced.

    Returns:
        What was drawn, as a sentence.

    Raises:
        DlkitError: No feature can be drawn, or the file cannot be written.
    """
    facts, train = prepared.recipe.facts, prepared.splits.train
    name, feature = _drawable(facts)
    labels, groups = _groups(train, facts)
    chosen = train.take(np.concatenate(groups))
    ends = np.cumsum([len(group) for group in groups])[:-1]
    raw = np.asarray(chosen.features[name])
    panels = {"samples": np.split(raw, ends)}
    if prepared.recipe.config.data.augment:
        panels["augmented"] = np.split(_augmented(prepared, chosen, name), ends)
    drawn = (
        draw_images(panels, labels, white(raw, prepared.raw_features[name]))
        if feature.kind == "image"
        else draw_curves(panels, labels)
    )
    try:
        write_bytes(path, drawn)
    except DlkitError as error:
        raise DlkitError(error.message, "name another file with --sheet", error.code) from None
    how = "before and after augmentation" if len(panels) > 1 else "without augmentation, for the recipe has none"
    return f"{path} shows {len(chosen):,} training examples, {how}."


def _drawable(facts: DataFacts) -> tuple[str, Feature]:
    """The first feature that can be drawn: pictures, sounds, series of numbers."""
    for name, feature in facts.features.items():
        is_series = feature.kind in ("audio", "sequence") and feature.dtype.startswith("float")
        if feature.kind == "image" or is_series:
            return name, feature
    kinds = ", ".join(sorted({feature.kind for feature in facts.features.values()}))
    raise DlkitError(
        f"There is nothing to draw: the features are of kind {kinds}.", "leave out --sheet", code="nothing-to-draw"
    )


def _groups(train: Arrays, facts: DataFacts) -> tuple[Sequence[str], list[np.ndarray]]:
    """The texts and the examples of the rows: the first of each class, or the first of all where there are none."""
    for name, target in facts.targets.items():
        if target.kind == "classes" and target.shape == ():
            classes = np.asarray(train.targets[name])
            labels = target.labels or tuple(map(str, range(target.classes or 0)))
            rows = [np.flatnonzero(classes == number)[:_ACROSS] for number in range(min(len(labels), _ROWS))]
            return [label for label, row in zip(labels, rows, strict=False) if len(row)], [r for r in rows if len(r)]
    few = np.arange(min(len(train), _ACROSS**2))
    rows = np.split(few, range(_ACROSS, len(few), _ACROSS))
    return ["" for _ in rows], rows


def _augmented(prepared: Prepared, chosen: Arrays, name: str) -> np.ndarray:
    """A feature of these examples, in their order, as the first batch of a training on them hands it over."""
    from dlkit.workflows.feeding import train_feed

    config = prepared.recipe.config
    one_batch = config.data.model_copy(update={"batch_size": len(chosen), "shuffle": False, "class_weight": None})
    recipe: Any = replace(prepared.recipe, config=config.model_copy(update={"data": one_batch}))
    feed = train_feed(replace(prepared, recipe=recipe, splits=prepared.splits.replace({"train": chosen})))
    features = next(iter(feed))[0]
    return np.asarray(features[name] if isinstance(features, dict) else features)


def white(images: np.ndarray, feature: Feature) -> float:
    """The value of the brightest pixel that there can be."""
    if feature.maximum is not None:
        return feature.maximum
    if images.dtype.kind in "iu":
        return float(np.iinfo(images.dtype).max)
    return float(np.max(images)) or 1.0
