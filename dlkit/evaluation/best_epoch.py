"""Which epoch of a training was the best one, from the lines of its metrics.jsonl."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from dlkit.evaluation.direction import direction_of_name


def best_line(lines: Sequence[Mapping[str, Any]], monitor: str, mode: str) -> int | None:
    """The place of the line of metrics.jsonl whose model is kept: the first of the best ones of the last stage.

    Args:
        lines: What `RunFolder.read_metrics` gives.
        monitor: The metric that it is chosen by.
        mode: `min` or `max`.
    """
    stage = lines[-1].get("stage") if lines else None
    values = {
        place: line[monitor]
        for place, line in enumerate(lines)
        if line.get("stage") == stage and isinstance(line.get(monitor), int | float) and math.isfinite(line[monitor])
    }
    choose = min if mode == "min" else max
    return choose(values, key=lambda place: values[place]) if values else None


def chosen_line(lines: Sequence[Mapping[str, Any]], provenance: Mapping[str, Any]) -> int | None:
    """The place of the line whose model was kept as the best one; None where it is not plain what is best.

    Args:
        lines: What `RunFolder.read_metrics` gives.
        provenance: What provenance.json holds.
    """
    chosen = (provenance.get("chosen") or {}).get("training.best") or {}
    monitor, mode = chosen.get("monitor", ""), chosen.get("mode")
    if mode not in ("min", "max"):
        mode = direction_of_name(monitor)
    return best_line(lines, monitor, mode) if mode else None
