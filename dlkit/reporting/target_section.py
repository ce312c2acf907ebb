"""The part of a report that tells of one target: figures, tables, the worst mistakes."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dlkit.evaluation.number_text import number_text
from dlkit.recipe.facts import DataFacts
from dlkit.reporting.page_figures import Figures
from dlkit.runs.folder import RunFolder

_TITLES = {
    "classification": "Which classes are told apart",
    "multi_label": "Which labels are found",
    "regression": "How near the predictions are",
    "forecasting": "How near the forecasts are",
    "language_modelling": "How well the text is foreseen",
    "sequence_output": "How near the sequences are",
    "reconstruction": "How well the inputs come back",
    "generation": "What is generated",
    "self_organization": "How the map lies among the examples",
}
_CHOICES = ("classification", "multi_label", "generation")
_TOLD = ("sequence_output",)  # tasks of which a few examples tell more than figures, also where they are right
_CONFUSED = 8
_ALL_CLASSES = 200  # that have a row each


def target_section(
    run: RunFolder, name: str, measured: Mapping[str, Any], facts: DataFacts, figures: Figures, several: bool
) -> dict[str, Any]:
    """What the page tells of one target.

    Args:
        run: Its pictures are shown.
        name: Of the target.
        measured: What evaluation.json tells of it.
        facts: Of the data.
        figures: Draws figures.
        several: Whether there are several targets.
    """
    details, task = measured["details"], measured["task"]
    mistakes, samples = ([_shown(run, each) for each in measured[kind]] for kind in ("mistakes", "samples"))
    title = _TITLES[task]
    return {
        "id": f"target-{list(facts.targets).index(name) + 1}" if name in facts.targets else "target",
        "title": f"{name}: {title[0].lower()}{title[1:]}" if several else title,
        "figures": figures.draw(details, name if several else ""),
        "confused": confused_classes(details),
        "per_class": [
            (row["label"], *(f"{row[kind]:.3f}" for kind in ("precision", "recall", "f1")), f"{row['examples']:,}")
            for row in details.get("per_class", ())[:_ALL_CLASSES]
        ],
        "per_output": [
            (row["output"], number_text(row["mean_absolute_error"]), number_text(row["root_mean_squared_error"]))
            for row in details.get("per_output", ())
        ],
        "written": details.get("written"),
        "mistakes": mistakes,
        "mistakes_title": "The most confident mistakes" if task in _CHOICES else "The largest errors",
        "samples": samples if task in _TOLD else [],
        "has_pictures": any(each["pictures"] for each in (*mistakes, *samples)),
    }


def _shown(run: RunFolder, shown: Mapping[str, Any]) -> dict[str, Any]:
    given = list(shown.get("input", {}).values())
    pictures = [run.path / each["image"] for each in given if "image" in each]
    return {
        "row": shown["row"] + 1,
        "truth": shown["truth"],
        "predicted": shown["predicted"],
        "note": shown["note"],
        "texts": [each["text"] for each in given if "text" in each],
        "pictures": [_data_uri(path) for path in pictures if path.is_file()],
    }


def _data_uri(path: Path) -> str:
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"


def confused_classes(details: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """The pairs of classes that are mistaken for one another most often."""
    matrix, labels = details.get("confusion_matrix") or [], details.get("labels", ())
    cells = [
        (count, true, told)
        for true, row in enumerate(matrix)
        for told, count in enumerate(row)
        if count and true != told
    ]
    most = sorted(cells, key=lambda cell: (-cell[0], cell[1], cell[2]))[:_CONFUSED] if len(matrix) > 2 else []
    return [
        (labels[true], labels[told], f"{count:,}", f"{count / sum(matrix[true]):.1%}") for count, true, told in most
    ]
