"""What runs differ in, and what came out of each. Nothing here needs TensorFlow."""

from __future__ import annotations

import hashlib
import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dlkit.errors import DlkitError
from dlkit.evaluation.best_epoch import chosen_line
from dlkit.evaluation.evaluation import Evaluation
from dlkit.recipe.diagnostics import Source
from dlkit.recipe.differing import ABSENT, differences
from dlkit.recipe.nodes import plain
from dlkit.recipe.yaml_source import read_text
from dlkit.reporting.compare_page import Compared, Comparison, Differing, Measured
from dlkit.runs.find import find_run, find_whole
from dlkit.runs.folder import MEMBERS, STATUS, RunFolder
from dlkit.runs.group import GroupFolder
from dlkit.runs.provenance import read_provenance
from dlkit.runs.sweeps import SWEEP

_DIGITS = 12  # of a hash that are told
_PLACES = ("DLKIT_RUNS_DIR", "DLKIT_DATA_DIR")  # of the environment: the data has its fingerprint


def compare(references: Sequence[str], root: Path) -> Comparison:
    """Holds runs against each other.

    Args:
        references: Run folders, groups of seeds or folds, or unique parts of their names; `latest`.
        root: The folder that holds the runs.

    Raises:
        DlkitError: One is not found (`run-not-found`, `ambiguous-run`, `not-a-run`), is named twice (`same-run`) or is a
            sweep (`is-sweep`); or a file of it is damaged (`damaged-file`).
        RecipeError: A recipe.yaml is not YAML.
    """
    found = [_found(reference, root) for reference in references]
    _refuse_twice(references, found)
    runs = [_compared(whole) for whole in found]
    return Comparison(runs, [*_in_recipe(found), *_in_provenance(found)])


def _found(reference: str, root: Path) -> RunFolder | GroupFolder:
    """The run, member of a group, or group that is meant."""
    is_member = f"/{MEMBERS}/" in reference or (Path(reference).expanduser() / STATUS).is_file()
    whole = find_run(reference, root) if is_member else find_whole(reference, root)
    if isinstance(whole, GroupFolder) and whole.read().get("kind") == SWEEP:
        raise DlkitError(
            f"{whole.path} is a sweep: its trials differ by what was searched.",
            f"{whole.path / 'sweep.html'} compares them all; or name some of them, as {whole.path / MEMBERS / '0001'}.",
            "is-sweep",
        )
    return whole


def _refuse_twice(references: Sequence[str], found: Sequence[RunFolder | GroupFolder]) -> None:
    meant: dict[Path, str] = {}
    for reference, whole in zip(references, found, strict=True):
        path = whole.path.resolve()
        if path in meant:
            message = f"{meant[path]!r} and {reference!r} are the same run: {whole.path}"
            raise DlkitError(message, "Name different ones; `dlkit runs` lists them.", "same-run")
        meant[path] = reference


def _members(whole: RunFolder | GroupFolder) -> list[RunFolder]:
    """A run itself, or those of a group that were begun."""
    if isinstance(whole, RunFolder):
        return [whole]
    return [run for run in whole.members() if run.status.is_file()]


# What came out


def _compared(whole: RunFolder | GroupFolder) -> Compared:
    members = _members(whole)
    told = whole.read() if isinstance(whole, GroupFolder) else {}
    kind = str(told.get("kind", "run"))
    asked = told.get(kind, 1)
    lines = [run.read_metrics() for run in members]
    chosen = [chosen_line(each, read_provenance(run)) for run, each in zip(members, lines, strict=True)]
    status = [run.read_status() for run in members]
    states = dict.fromkeys(run.state() for run in members)
    above = whole.group if isinstance(whole, RunFolder) else None
    return Compared(
        path=whole.path.resolve(),
        name=whole.path.relative_to((above or whole.path).parent).as_posix(),
        recipe=str(_recipe(whole).get("name", "")),
        state=" and ".join(states) or "not begun",
        kind=kind,
        asked=len(asked) if isinstance(asked, list) else int(asked),
        epochs=[len(each) for each in lines],
        best_epochs=[None if place is None else place + 1 for place in chosen],
        seconds=sum(each.seconds for each in status),
        metrics=_over_members(
            [_measured(run, each, best) for run, each, best in zip(members, lines, chosen, strict=True)]
        ),
        curves=lines,
    )


def _measured(run: RunFolder, lines: Sequence[Mapping[str, Any]], best: int | None) -> dict[str, Measured]:
    """What evaluation.json tells, and the validation of the epoch that the best model is of."""
    evaluation = Evaluation.read(run.evaluation) or Evaluation()
    bounds = {name: (low, high) for name, (low, high) in evaluation.intervals.items()}
    found = {name: Measured(value, bounds.get(name)) for name, value in evaluation.metrics.items()}
    of_epoch = {} if best is None else lines[best]
    validated = {
        name: Measured(float(value))
        for name, value in of_epoch.items()
        if name.startswith("val_") and isinstance(value, int | float)
    }
    return {**found, **{name: value for name, value in validated.items() if name not in found}}


def _over_members(members: Sequence[Mapping[str, Measured]]) -> dict[str, Measured]:
    """A run's own metrics; of a group the means and standard deviations over those members that have been measured."""
    if len(members) == 1:
        return dict(members[0])
    names = dict.fromkeys(name for each in members for name in each)
    values = {name: [each[name].value for each in members if name in each] for name in names}
    return {name: _mean(each) for name, each in values.items()}


def _mean(values: Sequence[float]) -> Measured:
    if not all(map(math.isfinite, values)):
        return Measured(sum(values) / len(values), None, math.nan, len(values))
    return Measured(statistics.fmean(values), None, statistics.stdev(values) if len(values) > 1 else None, len(values))


# What they differ in


def _in_recipe(found: Sequence[RunFolder | GroupFolder]) -> list[Differing]:
    recipes = [_recipe(whole) for whole in found]
    told = [Differing("recipe", each.path, each.values) for each in differences(recipes)]
    seeds = [whole.read().get("seeds", ABSENT) if isinstance(whole, GroupFolder) else ABSENT for whole in found]
    return told + _differing("seeds", [{"of the members": each} for each in seeds])


def _recipe(whole: RunFolder | GroupFolder) -> dict[str, Any]:
    """The resolved recipe; nothing where the run has ended before it was written."""
    if not whole.recipe.exists():
        return {}
    text = whole.recipe.read_text(encoding="utf-8")
    return plain(read_text(Source(str(whole.recipe), text))) or {}


def _in_provenance(found: Sequence[RunFolder | GroupFolder]) -> list[Differing]:
    facts = [_agreed([_facts(run) for run in _members(whole)]) for whole in found]
    kinds = dict.fromkeys(kind for each in facts for kind in each)
    return [one for kind in kinds for one in _differing(kind, [each.get(kind, {}) for each in facts])]


def _differing(kind: str, values: Sequence[Mapping[str, Any]]) -> list[Differing]:
    """The entries that are not the same in all."""
    names = dict.fromkeys(name for each in values for name in each)
    rows = {name: tuple(each.get(name, ABSENT) for each in values) for name in names}
    return [Differing(kind, name, row) for name, row in rows.items() if any(value != row[0] for value in row)]


def _facts(run: RunFolder) -> dict[str, dict[str, Any]]:
    """With what, on what and from what a run was made, as far as it can differ."""
    provenance = read_provenance(run)
    hardware, environment = (dict(provenance.get(kind) or {}) for kind in ("hardware", "environment"))
    if "memory_bytes" in hardware:
        hardware["memory"] = f"{hardware.pop('memory_bytes') / 2**30:.1f} GiB"
    hardware["processes"] = run.read_status().workers
    return {
        "code": {**_git(provenance.get("git") or {}), **_plugins(run)},
        "data": _beginning("fingerprint", provenance.get("data_fingerprint")),
        "versions": {name: value or ABSENT for name, value in (provenance.get("versions") or {}).items()},
        "hardware": hardware,
        "environment": {name: each for name, each in environment.items() if name not in _PLACES},
        "chosen": dict(provenance.get("chosen") or {}),
    }


def _git(git: Mapping[str, Any]) -> dict[str, Any]:
    diff = str(git.get("diff") or "")
    told = _beginning("commit", git.get("commit"))
    changed = sum(line[:1] in "+-" and line[:3] not in ("+++", "---") for line in diff.splitlines() if line)
    return told | ({"uncommitted changes": f"{changed} lines, {_hash(diff.encode())}"} if diff else {})


def _beginning(name: str, digits: str | None) -> dict[str, Any]:
    """Of a long number as many digits as tell it from others."""
    return {name: digits[:_DIGITS]} if digits else {}


def _plugins(run: RunFolder) -> dict[str, str]:
    folder = run.path / "plugins"
    return {f"plugins/{path.name}": _hash(path.read_bytes()) for path in sorted(folder.glob("*.py"))}


def _hash(content: bytes) -> str:
    return f"sha256 {hashlib.sha256(content).hexdigest()[:_DIGITS]}"


def _agreed(members: Sequence[Mapping[str, Mapping[str, Any]]]) -> dict[str, dict[str, Any]]:
    """What all members of a group have; where they do not agree, what each has."""
    agreed: dict[str, dict[str, Any]] = {}
    for kind in members[0] if members else ():
        names = dict.fromkeys(name for each in members for name in each[kind])
        for name in names:
            values = [each[kind].get(name, ABSENT) for each in members]
            unlike = [value for number, value in enumerate(values) if value not in values[:number]]
            agreed.setdefault(kind, {})[name] = unlike[0] if len(unlike) == 1 else unlike
    return agreed
