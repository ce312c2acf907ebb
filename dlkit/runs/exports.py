"""`RUN/exports/NAME/`: an exported model with what `dlkit predict` needs of its run, so that it may be copied elsewhere."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from dlkit.errors import DlkitError
from dlkit.runs.atomic import write_json

MANIFEST = "export.json"
VOCABULARY = "vocabulary.json"
FRONT = "front.keras"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What export.json holds.

    Args:
        format: As `onnx`.
        file: What was written, in the folder of the manifest.
        model: `best` or `last`.
        quantize: What it was quantized to; None: float32.
        prune: The share of weights that were set to zero; None: none.
        finetune_epochs: Epochs that it was trained after that.
        bytes: Of what was written.
        bytes_before: Of the weights in float32.
        largest_difference: Between an output of the file and one of the model that was written.
        scale: The largest output of the model, which the difference is held against.
        metric: The metric that decides, where not the outputs do.
        tolerance: What was allowed: of float32, of the difference by the scale; else of the metric.
        metrics: By name: `before` and `after`.
        seconds_per_sample: `before` and `after`, of a single example.
        examples: That were measured.
        split: Of the data, as `test`.
        inputs: By name: `shape`, with the batch first, and `dtype`.
        outputs: Likewise, with the `target` of each.
        front: The inputs that front.keras makes out of raw features, in its order.
        runtime: `name` and `version` of what ran the file.
        time: When it was written.
    """

    format: str
    file: str
    model: Literal["best", "last"]
    quantize: str | None
    prune: float | None
    finetune_epochs: int
    bytes: int
    bytes_before: int
    largest_difference: float
    scale: float
    metric: str | None
    tolerance: float
    metrics: dict[str, dict[str, float]]
    seconds_per_sample: dict[str, float]
    examples: int
    split: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    front: list[str]
    runtime: dict[str, str]
    time: str

    def write(self, folder: Path) -> None:
        """Writes export.json, which makes of a folder an export.

        Raises:
            DlkitError: It cannot be written (`cannot-write`).
        """
        write_json(folder / MANIFEST, asdict(self))

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """What export.json of a folder holds.

        Raises:
            DlkitError: It is damaged (`damaged-file`).
        """
        path = folder / MANIFEST
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            return cls(**{each.name: values[each.name] for each in fields(cls)})
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DlkitError(f"{path} cannot be read: {error}", "Export the run again.", "damaged-file") from error


def is_export(folder: Path) -> bool:
    """Whether a folder is that of an export."""
    return (folder / MANIFEST).is_file()


def find_export(reference: str) -> Path | None:
    """The folder of an export that a user means by it, or by a file in it; None: something else is meant."""
    path = Path(reference).expanduser()
    return next((folder for folder in (path, path.parent) if path.exists() and is_export(folder)), None)


def export_name(format: str, quantize: str | None = None, prune: float | None = None) -> str:
    """The name of an export's folder: `onnx`, `litert-int8`, `savedmodel-pruned50`."""
    parts = [format, quantize or "", f"pruned{round(prune * 100, 4):g}" if prune else ""]
    return "-".join(filter(None, parts))
