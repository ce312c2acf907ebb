"""Trains a recipe once for each of its folds, and says what comes out on average."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras

from dlkit.evaluation.expectation import Expectation, compare
from dlkit.recipe.diagnostics import Diagnostic
from dlkit.recipe.dump import to_yaml
from dlkit.recipe.facts import DataFacts
from dlkit.recipe.load import Recipe, load
from dlkit.runs.atomic import write_text
from dlkit.runs.find import runs_root
from dlkit.runs.folder import RunFolder
from dlkit.runs.group import GroupFolder
from dlkit.training.progress import Display
from dlkit.workflows.recipe_file import recipe_values
from dlkit.workflows.resume import resume
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
    group: GroupFolder | None = None,
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
        group: A group that was begun: members that are done are kept, one that was interrupted goes on.
        started: Told of each member, with the number of its fold, as soon as it has its data.
        warned: Told of what the data of a fold makes doubtful; Python warns where it is None.

    Raises:
        As `train`; the members that are done are kept.
    """
    folds = recipe.config.data.folds
    assert isinstance(folds, int)
    if group is None:
        group = GroupFolder.create(runs_root(runs_dir), recipe.name)
        write_text(group.recipe, to_yaml(recipe_values(recipe)))
        group.write({"kind": "folds", "recipe": recipe.name, "folds": folds})
    runs: list[Run] = []
    for number in range(1, folds + 1):
        keras.backend.clear_session()  # so that no member depends on those before it
        member = recipe.with_value({"fold": number, "of": folds}, "data", "folds")

        def member_started(folder: RunFolder, facts: DataFacts, number: int = number) -> None:
            if started:
                started(number, folder, facts)

        run, shown = group.member(number), display() if display else None
        if run.recipe.exists():
            made = resume(
                run, display=shown, command=command, started=member_started, allow_plugins=recipe.allow_plugins
            )
        else:
            made = train(member, folder=run, display=shown, command=command, started=member_started, warned=warned)
        runs.append(made)
        group.write({"kind": "folds", "recipe": recipe.name, "folds": folds, **_summary(runs)})
    means, deviations = over([run.metrics for run in runs])
    return Folds(group, runs, means, deviations, compare(recipe.config.expect, means, runs[0].evaluation.over))


def resume_folds(
    group: GroupFolder,
    *,
    display: Callable[[], Display] | None = None,
    command: Sequence[str] | None = None,
    started: Callable[[int, RunFolder, DataFacts], None] | None = None,
    warned: Callable[[Diagnostic], None] | None = None,
    allow_plugins: bool = False,
) -> Folds:
    """Goes on with the folds of a recipe that were interrupted.

    Args:
        group: The group; the others as for `train_folds`.

    Raises:
        As `train_folds`.
    """
    recipe = load(group.recipe, allow_plugins=allow_plugins, others=False)
    return train_folds(recipe, group=group, display=display, command=command, started=started, warned=warned)


def over(metrics: Sequence[Mapping[str, float]]) -> tuple[dict[str, float], dict[str, float]]:
    """The mean and the standard deviation of each metric over several runs, of those that all have."""
    everywhere = [name for name in metrics[0] if all(name in measured for measured in metrics)]
    values = {name: [measured[name] for measured in metrics] for name in everywhere}
    means = {name: statistics.fmean(each) for name, each in values.items()}
    return means, {name: statistics.stdev(each) if len(each) > 1 else 0.0 for name, each in values.items()}


def _summary(runs: Sequence[Run]) -> dict[str, object]:
    means, deviations = over([run.metrics for run in runs])
    members = [{"run": run.folder.name, "metrics": dict(run.metrics)} for run in runs]
    return {"members": members, "metrics": means, "deviations": deviations}
