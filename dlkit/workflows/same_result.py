"""Whether two runs came to the same result, and where they first differ. Nothing here needs TensorFlow."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Literal

import numpy as np

from dlkit.evaluation.evaluation import Evaluation
from dlkit.models.saved_file import SavedValue, saved_values
from dlkit.runs.folder import RunFolder

Verdict = Literal["identical", "within tolerance", "different"]
VERDICTS: tuple[Verdict, ...] = ("identical", "within tolerance", "different")  # the worst is last


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that two runs do not share.

    Args:
        where: The epoch with its stage, the split, or the file.
        what: The metric, or the array of weights.
        before: The value in the first run; of an array the one that differs most; None: it has none.
        now: That in the second run.
        size: How far they are apart: |now - before| / max(1, |before|), infinity where one is missing or not finite.
    """

    where: str
    what: str
    before: Any
    now: Any
    size: float


@dataclass(frozen=True, slots=True)
class Part:
    """One part of what two runs left.

    Args:
        name: `epochs`, `test metrics`, `best.keras`, ...
        compared: How many epochs, metrics or arrays.
        result: As the whole has it; weights are identical or different.
        first: Where they differ first, if they do.
        beyond: Where they first differ by more than the tolerance.
        largest: The largest difference.
    """

    name: str
    compared: int
    result: Verdict
    first: Difference | None = None
    beyond: Difference | None = None
    largest: float = 0.0


def compare_runs(before: RunFolder, now: RunFolder, tolerance: float) -> list[Part]:
    """Compares what two runs left: each epoch's line, what was measured in the end, the weights bit for bit.

    What the first run does not have (any more) is no part.

    Args:
        tolerance: The difference up to which numbers count as alike: absolute up to a value of 1, relative beyond.

    Raises:
        DlkitError: A file is damaged (`damaged-file`).
    """
    parts = []
    if lines := before.read_metrics():
        parts.append(_part("epochs", len(lines), _of_epochs(lines, now.read_metrics()), tolerance))
    if measured := Evaluation.read(before.evaluation):
        again = Evaluation.read(now.evaluation) or Evaluation()
        name = {"val": "validation"}.get(measured.split, measured.split)
        found = _of_metrics(name, measured.metrics, again.metrics)
        parts.append(_part(f"{name} metrics", len(measured.metrics), found, tolerance))
    return [*parts, *_of_models(before, now)]


def verdict_of(parts: Sequence[Part]) -> Verdict:
    """The verdict on the whole: weights that differ make it at most `within tolerance`, which the metrics decide."""
    if all(part.result == "identical" for part in parts):
        return "identical"
    return "different" if any(part.beyond for part in parts) else "within tolerance"


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of several verdicts."""
    return max(verdicts, key=VERDICTS.index)


def _part(name: str, compared: int, found: Iterator[Difference], tolerance: float) -> Part:
    differences = list(found)
    if not differences:
        return Part(name, compared, "identical")
    beyond = next((each for each in differences if each.size > tolerance), None)
    largest = max(each.size for each in differences)
    return Part(name, compared, "different" if beyond else "within tolerance", differences[0], beyond, largest)


def _of_epochs(before: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]) -> Iterator[Difference]:
    for ours, theirs in zip_longest(before, now):
        line: Mapping[str, Any] = theirs if ours is None else ours
        where = f"stage {line.get('stage')}, epoch {line.get('epoch')}"
        if ours is None or theirs is None:
            yield Difference(where, "the epoch", _there(ours), _there(theirs), math.inf)
        else:
            yield from _of_metrics(where, ours, theirs)


def _of_metrics(where: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Difference]:
    for name in {**before, **now}:
        size = _distance(before.get(name), now.get(name))
        if size:
            yield Difference(where, name, before.get(name), now.get(name), size)


def _distance(before: Any, now: Any) -> float:
    """How far two values are apart; 0 only where they are the same."""
    if before == now or (before != before and now != now):  # NaN is what does not equal itself
        return 0.0
    if not all(isinstance(value, int | float) and math.isfinite(value) for value in (before, now)):
        return math.inf
    return float(abs(now - before) / max(1.0, abs(before)))


def _of_models(before: RunFolder, now: RunFolder) -> Iterator[Part]:
    """The saved models: best, last, and the parts of the best."""
    networks = sorted(before.path.glob("networks/*.keras"))
    for path in (before.best_model, before.last_model, *networks):
        if not path.is_file():
            continue
        name = path.relative_to(before.path).as_posix()
        known, other = saved_values(path), now.path / name
        differences = list(_of_values(name, known, saved_values(other) if other.is_file() else {}))
        largest = max((each.size for each in differences), default=0.0)
        first = differences[0] if differences else None
        yield Part(name, len(known), "different" if first else "identical", first, None, largest)


def _of_values(file: str, before: Mapping[str, SavedValue], now: Mapping[str, SavedValue]) -> Iterator[Difference]:
    for place in {**before, **now}:
        ours, theirs = before.get(place), now.get(place)
        owner = ours or theirs
        what = f"{owner.layer}: {place}" if owner and owner.layer else place
        if ours is None or theirs is None:
            yield Difference(file, what, _there(ours), _there(theirs), math.inf)
        elif isinstance(ours.value, np.ndarray) and isinstance(theirs.value, np.ndarray):
            yield from _of_arrays(file, what, ours.value, theirs.value)
        elif ours.value != theirs.value:
            yield Difference(file, what, "one text", "another", math.inf)


def _there(side: object) -> str | None:
    return None if side is None else "there"


def _of_arrays(file: str, what: str, before: np.ndarray, now: np.ndarray) -> Iterator[Difference]:
    ours_kind, theirs_kind = (f"{each.dtype} of shape {each.shape}" for each in (before, now))
    if ours_kind != theirs_kind or before.dtype.kind not in "biuf":
        if ours_kind != theirs_kind or before.tobytes() != now.tobytes():
            yield Difference(file, what, ours_kind, theirs_kind, math.inf)
    elif before.tobytes() != now.tobytes():
        apart = np.abs(now.astype(np.float64) - before.astype(np.float64)).reshape(-1)
        place = int(np.argmax(np.where(np.isnan(apart), np.inf, apart)))
        ours, theirs = (each.reshape(-1)[place].item() for each in (before, now))
        yield Difference(file, what, ours, theirs, _distance(ours, theirs))
