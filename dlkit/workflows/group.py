"""Trains the members of a group one after another, and says what comes out on average."""

from __future__ import annotations

import functools
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import keras

from dlkit.errors import DlkitError
from dlkit.evaluation.evaluation import OtherRun
from dlkit.evaluation.expectation import Expectation, compare
from dlkit.recipe.diagnostics import Diagnostic
from dlkit.recipe.dump import to_yaml
from dlkit.recipe.facts import DataFacts
from dlkit.recipe.load import Recipe, load
from dlkit.runs.atomic import write_text
from dlkit.runs.find import runs_root
from dlkit.runs.folder import RunFolder
from dlkit.runs.group import GroupFolder
from dlkit.training.cluster import cluster_of_environment
from dlkit.training.progress import Display
from dlkit.workflows.members import Members, members_of
from dlkit.workflows.recipe_file import copy_plugins, recipe_values
from dlkit.workflows.resume import resume
from dlkit.workflows.run import Run
from dlkit.workflows.train import train

Started = Callable[[str, RunFolder, DataFacts], None]


@dataclass(frozen=True, slots=True)
class Group:
    """The runs of all members.

    Args:
        folder: The group.
        members: What they were trained from.
        runs: The run of each, in order.
        metrics: The mean of each metric over the members.
        deviations: Its standard deviation over the members (of a sample: n - 1).
        expectations: What the recipe's `expect` says of the means; of a metric that is held over another run, of the
            mean of the members' differences.
    """

    folder: GroupFolder
    members: Members
    runs: Sequence[Run]
    metrics: Mapping[str, float]
    deviations: Mapping[str, float]
    expectations: Sequence[Expectation]


def train_group(
    members: Members,
    *,
    runs_dir: Path | None = None,
    display: Callable[[], Display] | None = None,
    command: Sequence[str] | None = None,
    folder: GroupFolder | None = None,
    started: Started | None = None,
    warned: Callable[[Diagnostic], None] | None = None,
    told: Callable[[str], None] | None = None,
) -> Group:
    """Trains the members of a group one after another.

    Each is what `train` makes of its recipe alone, to the bit.

    Args:
        members: What `folds_of(recipe)` or `seeds_of(recipe, 3)` gives.
        runs_dir: Where runs are kept.
        display: Makes what shows the progress of one member.
        command: The command line, for the provenance.
        folder: A group that was begun: members that are done are kept, one that was interrupted goes on.
        started: Told of each member that is trained, with what it is called, as soon as it has its data.
        warned: Told of what the data of a member makes doubtful; Python warns where it is None.
        told: Told what `auto` has chosen, a line each.

    Raises:
        DlkitError: Several processes are to train together (`one-process-only`).
        As `train`; the members that are done are kept.
    """
    recipe = members.recipe
    _refuse_several_processes(recipe)
    if folder is None:
        folder = GroupFolder.create(runs_root(runs_dir), recipe.name)
        copy_plugins(recipe, folder.path)
        write_text(folder.recipe, to_yaml(recipe_values(recipe)))
        folder.write(members.told)
    runs: list[Run] = []
    for number, (member, label) in enumerate(zip(members.recipes, members.labels, strict=True), start=1):
        keras.backend.clear_session()  # so that no member depends on those before it
        run = folder.member(number)
        trained = (
            functools.partial(resume, run, allow_plugins=recipe.allow_plugins)
            if run.recipe.exists()
            else functools.partial(train, member, folder=run, warned=warned)
        )
        began = functools.partial(started, label) if started else None
        runs.append(trained(display=display() if display else None, command=command, started=began, told=told))
        folder.write({**members.told, **_summary(runs)})
    means, deviations = over_runs([run.metrics for run in runs])
    return Group(folder, members, runs, means, deviations, _expectations(recipe, means, runs))


def resume_group(
    folder: GroupFolder,
    *,
    display: Callable[[], Display] | None = None,
    command: Sequence[str] | None = None,
    started: Started | None = None,
    warned: Callable[[Diagnostic], None] | None = None,
    told: Callable[[str], None] | None = None,
    allow_plugins: bool = False,
) -> Group:
    """Goes on with a group that was interrupted.

    Args:
        folder: The group; the others as for `train_group`.

    Raises:
        DlkitError: group.json is damaged (`damaged-file`).
        As `train_group`.
    """
    recipe = load(folder.recipe, allow_plugins=allow_plugins, others=False)
    members = members_of(recipe, folder.read())
    if members is None:
        raise DlkitError(f"{folder.path / 'group.json'} does not say what its members are.", code="damaged-file")
    return train_group(
        members, folder=folder, display=display, command=command, started=started, warned=warned, told=told
    )


def over_runs(metrics: Sequence[Mapping[str, float]]) -> tuple[dict[str, float], dict[str, float]]:
    """The mean and the standard deviation of each metric over several runs, of those that all have."""
    everywhere = [name for name in metrics[0] if all(name in measured for measured in metrics)]
    values = {name: [measured[name] for measured in metrics] for name in everywhere}
    return {name: _mean(each) for name, each in values.items()}, {name: _spread(each) for name, each in values.items()}


def _mean(values: Sequence[float]) -> float:
    return statistics.fmean(values) if all(map(math.isfinite, values)) else sum(values) / len(values)


def _spread(values: Sequence[float]) -> float:
    if not all(map(math.isfinite, values)):
        return math.nan
    return statistics.stdev(values) if len(values) > 1 else 0.0


def _expectations(recipe: Recipe, means: Mapping[str, float], runs: Sequence[Run]) -> list[Expectation]:
    """What `expect` says of the means, each with the deviation of what the members were held by."""
    compared = [run.evaluation.over for run in runs]
    over = {
        reference: OtherRun(
            ", ".join(dict.fromkeys(each[reference].run for each in compared)),
            over_runs([each[reference].metrics for each in compared])[0],
        )
        for reference in compared[0]
    }
    of_members = zip(*(run.expectations for run in runs), strict=True)
    return [
        replace(found, deviation=_spread_of([each.held for each in members]))
        for found, members in zip(compare(recipe.config.expect, means, over), of_members, strict=True)
    ]


def _spread_of(values: Sequence[float | None]) -> float | None:
    measured = [value for value in values if value is not None]
    return _spread(measured) if len(measured) == len(values) else None


def _summary(runs: Sequence[Run]) -> dict[str, object]:
    means, deviations = over_runs([run.metrics for run in runs])
    members = [{"run": run.folder.name, "metrics": dict(run.metrics)} for run in runs]
    return {"members": members, "metrics": means, "deviations": deviations}


def _refuse_several_processes(recipe: Recipe) -> None:
    """Each process would make a group of its own."""
    strategy = recipe.config.training.strategy
    if strategy == "multi_worker" or (strategy == "auto" and cluster_of_environment() is not None):
        raise DlkitError(
            "The members of a group are trained one after another by one process.",
            "Train a single one with several: one fold by --fold 1, one seed by --set seed=1.",
            "one-process-only",
        )
