"""What was measured of a model, as evaluation.json holds it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from dlkit.errors import DlkitError
from dlkit.runs import json_text
from dlkit.runs.atomic import write_json


@dataclass(frozen=True, slots=True)
class OtherRun:
    """A run that `expect` compares with.

    Args:
        run: Its folder.
        metrics: What it had measured.
    """

    run: str
    metrics: Mapping[str, float]


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
        over: The runs that `expect` compares with, by the words of the recipe, as `recipe:cifar10/scratch_100`.
    """

    model: str = ""
    split: str = "test"
    examples: int = 0
    metrics: Mapping[str, float] = field(default_factory=dict)
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    targets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    constant_loss: float | None = None
    over: Mapping[str, OtherRun] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        """Writes evaluation.json.

        Raises:
            DlkitError: It cannot be written (`cannot-write`).
        """
        from dlkit.evaluation.bootstrap import CONFIDENCE  # NumPy is not needed to read

        write_json(path, {**asdict(self), "confidence": CONFIDENCE})

    @classmethod
    def read(cls, path: Path) -> Evaluation | None:
        """What a file holds; None where there is none.

        Raises:
            DlkitError: It is damaged (`damaged-file`).
        """
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            known = {each.name: values[each.name] for each in fields(cls) if each.name in values}
            over = {
                word: OtherRun(each["run"], _numbers(each["metrics"])) for word, each in values.get("over", {}).items()
            }
            return cls(**{**known, "metrics": _numbers(values["metrics"]), "over": over})
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise DlkitError(f"{path} cannot be read: {error}", code="damaged-file") from error


def _numbers(metrics: Mapping[str, Any]) -> dict[str, float]:
    return {name: json_text.number(value) for name, value in metrics.items()}
