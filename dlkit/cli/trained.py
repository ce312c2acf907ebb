"""What commands that train say: what came out, and how to go on after an interruption."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

from dlkit.cli.output import Justify, Output
from dlkit.evaluation.number_text import number_text

if TYPE_CHECKING:
    from dlkit.evaluation.diagnosis import Cure
    from dlkit.evaluation.evaluation import Evaluation
    from dlkit.evaluation.expectation import Expectation
    from dlkit.runs.folder import RunFolder
    from dlkit.runs.group import GroupFolder
    from dlkit.workflows.group import Group
    from dlkit.workflows.run import Run


@contextmanager
def telling_how_to_resume(folders: Sequence[RunFolder | GroupFolder], typed: Sequence[str]) -> Iterator[None]:
    """Adds to an interruption where its run is, and how to go on.

    Args:
        folders: The folder of the run or group, as soon as there is one.
        typed: The command line.
    """
    try:
        yield
    except KeyboardInterrupt as interruption:
        if folders:
            whole = getattr(folders[0], "group", None) or folders[0].path
            interruption.add_note(f"Go on with: dlkit resume {shlex.quote(str(whole))}")
        else:
            interruption.add_note(f"There is no run folder yet; start again: {shlex.join(typed)}")
        raise


def report_run(out: Output, run: Run, where: str) -> None:
    """Says what a run reached, and what may come next."""
    out.say()
    report_evaluation(out, run.evaluation, run.expectations)
    _say_expectations(out, run.expectations)
    for found in run.diagnosis:
        out.say(f"\n{found.kind}: {found.message} {found.evidence}")
        out.say("\n".join(f"  - {_cure(cure)}" for cure in found.cures))
    out.say(f"\nThe run is in {run.folder.path}, its report in {run.folder.report.name}. Next:")
    writes = any(target["task"] == "language_modelling" for target in run.evaluation.targets.values())
    out.say(f"  dlkit predict latest {'--prompt TEXT' if writes else 'INPUT...'}{where}\n  dlkit tensorboard{where}")
    out.result(
        {
            "run": str(run.folder.path.resolve()),
            "metrics": dict(run.metrics),
            "intervals": dict(run.evaluation.intervals),
            "expectations": [found.as_dict() for found in run.expectations],
            "diagnosis": [asdict(found) for found in run.diagnosis],
        }
    )


def _cure(cure: Cure) -> str:
    return f"{cure.why}: --set {cure.setting}" if cure.setting else cure.why


def report_evaluation(out: Output, evaluation: Evaluation, expectations: Sequence[Expectation] = ()) -> None:
    """Prints what was measured: each metric with its interval, and what the recipe expects of it."""
    columns: dict[str, Justify] = {"metric": "left", "value": "right", "95 % interval": "left"}
    if expectations:
        columns["expected"] = "left"
    rows = []
    for name, value in evaluation.metrics.items():
        bounds = evaluation.intervals.get(name)
        row = (name, number_text(value), f"{number_text(bounds[0])} to {number_text(bounds[1])}" if bounds else "")
        rows.append((*row, _expected(expectations, name)) if expectations else row)
    out.table(columns, rows)


def report_group(out: Output, group: Group, where: str) -> None:
    """Says what the runs of a group reached."""
    out.say()
    out.table(
        {"metric": "left", "mean": "right", "deviation": "right", "expected": "left"},
        [
            (name, f"{mean:.4f}", f"{group.deviations[name]:.4f}", _expected(group.expectations, name))
            for name, mean in group.metrics.items()
        ],
    )
    _say_expectations(out, group.expectations)
    folder, kind = group.folder.path, group.members.kind
    out.say(f"\nThe runs of the {len(group.runs)} {kind} are in {folder}. Next:\n  dlkit runs{where}")
    out.result(
        {
            "run": str(folder.resolve()),
            **group.members.told,
            "metrics": dict(group.metrics),
            "deviations": dict(group.deviations),
            "members": [{"run": str(run.folder.path.resolve()), "metrics": dict(run.metrics)} for run in group.runs],
            "expectations": [found.as_dict() for found in group.expectations],
        }
    )


def _say_expectations(out: Output, expectations: Sequence[Expectation]) -> None:
    missed = [found.metric for found in expectations if not found.met]
    if expectations:
        out.say("\nIt falls short of what the recipe expects." if missed else "\nIt reaches what the recipe expects.")


def _expected(expectations: Sequence[Expectation], metric: str) -> str:
    bounds = [found for found in expectations if found.metric == metric]
    return ", ".join(f"{found.bound}{_reached(found)}: {'met' if found.met else 'not met'}" for found in bounds)


def _reached(found: Expectation) -> str:
    """The difference to another run, which the column of the value does not show."""
    return f", reached {found.measured(number_text)}" if found.over else ""
