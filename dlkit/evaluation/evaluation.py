"""What was measured of a model, as evaluation.json holds it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from dlkit.errors import DlkitError
from dlkit.evaluation.bootstrap import CONFIDENCE
from dlkit.runs import json_text
from dlkit.runs.atomic import write_json


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A model measured on a split.

    Args:
        model: The file of the model.
        split: `test`, `val` or `data`, which stands before each name.
        examples: Of the split.
        metrics: By name, as `test_accuracy`.
        intervals: The bounds within which a metric lies with a confidence of 95 %, of those that have any.
        constant_loss: The loss of the best constant answer on the training examples, where it is known.
        targets: By target: its `task`, `details` for figures and tables, `mistakes` and `samples`.
    """

    model: str = ""
    split: str = "test"
    examples: int = 0
    metrics: Mapping[str, float] = field(default_factory=dict)
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    targets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    constant_loss: float | None = None

    def write(self, path: Path) -> None:
        """Writes evaluation.json.

        Raises:
            DlkitError: It cannot be written (`cannot-write`).
        """
        write_json(path, {**asdict(self), "confidence": CONFIDENCE})

    @classmethod
    def read(cls, path: Path) -> Evaluation | None:
        """What a file holds; None where there is none.

        Raises:
            DlkitError: It is damaged (`damaged-file`).
        """
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            metrics = {name: json_text.number(value) for name, value in values["metrics"].items()}
            known = {each.name: values[each.name] for each in fields(cls) if each.name in values}
            return cls(**{**known, "metrics": metrics})
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise DlkitError(f"{path} cannot be read: {error}", code="damaged-file") from error
