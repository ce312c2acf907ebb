"""Trains a recipe once for each of its folds, and says what comes out on average."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras

from dlkit.evaluation.expectation import Expectation, compare
from dlkit.recipe.diagnostics import Diagnostic
from dlkit.recipe.facts import DataFacts
from dlkit.recipe.load import Recipe
from dlkit.runs.find import runs_root
from dlkit.runs.folder import RunFolder
from dlkit.runs.group import GroupFolder
from dlkit.training.progress import Display
from dlkit.workflows.run import Run
from dlkit.workflows.train import train


@dataclass(frozen=True, slots=True)
class Folds:
    """The runs of all folds.

    Args:
        folder: The group.
        runs: The run of each fold, in order.
        metrics: The mean of each metric over the folds.
        deviations: Its standard deviation over the folds (of a sample: n - 1).
        expectations: What the recipe's `expect` says of the means.
    """

    folder: GroupFolder
    runs: Sequence[Run]
    metrics: Mapping[str, float]
    deviations: Mapping[str, float]
    expectations: Sequence[Expectation]


def train_folds(
    recipe: Recipe,
    *,
    runs_dir: Path | None = None,
    display: Callable[[], Display] | None = None,
    command: Sequence[str] | None = None,
    begun: Callable[[GroupFolder], None] | None = None,
    started: Callable[[int, RunFolder, DataFacts], None] | None = None,
    warned: Callable[[Diagnostic], None] | None = None,
) -> Folds:
    """Trains a recipe with `data.folds` once for each fold, one after another.

    Each member is what `train` makes of the recipe with `data.folds: {fold: K, of: N}`, to the bit. Folds cut the test
    examples where the source has no test split and `data.test` asks for none: then every example is tested once.
    Otherwise they cut the validation examples, and the test examples are not looked at.

    Args:
        recipe: Its `data.folds` is a number.
        runs_dir: Where runs are kept.
        display: Makes what shows the progress of one member.
        command: The command line, for the provenance.
        begun: Told of the group as soon as it has a folder.
        started: Told of each member, with the number of its fold, as soon as it has its data.
        warned: Told of what the data of a fold makes doubtful; Python warns where it is None.

    Raises:
        As `train`; the members that are done are kept.
    """
    folds = recipe.config.data.folds
    assert isinstance(folds, int)
    group = GroupFolder.create(runs_root(runs_dir), recipe.name)
    group.write({"kind": "folds", "recipe": recipe.name, "folds": folds})
    if begun:
        begun(group)
    runs: list[Run] = []
    for number in range(1, folds + 1):
        keras.backend.clear_session()  # so that no member depends on those before it
        member = recipe.with_value({"fold": number, "of": folds}, "data", "folds")

        def member_started(folder: RunFolder, facts: DataFacts, number: int = number) -> None:
            if started:
                started(number, folder, facts)

        shown = display() if display else None
        made = train(
            member,
            folder=group.member(number),
            display=shown,
            command=command,
            started=member_started,
            warned=warned,
        )
        runs.append(made)
        group.write({"kind": "folds", "recipe": recipe.name, "folds": folds, **_summary(runs)})
    means, deviations = over([run.metrics for run in runs])
    return Folds(group, runs, means, deviations, compare(recipe.config.expect, means))


def over(metrics: Sequence[Mapping[str, float]]) -> tuple[dict[str, float], dict[str, float]]:
    """The mean and the standard deviation of each metric over several runs."""
    values = {name: [measured[name] for measured in metrics] for name in metrics[0]}
    means = {name: statistics.fmean(each) for name, each in values.items()}
    return means, {name: statistics.stdev(each) if len(each) > 1 else 0.0 for name, each in values.items()}


def _summary(runs: Sequence[Run]) -> dict[str, object]:
    means, deviations = over([run.metrics for run in runs])
    members = [{"run": run.folder.name, "metrics": dict(run.metrics)} for run in runs]
    return {"members": members, "metrics": means, "deviations": deviations}
