"""dlkit reproduce: whether a run comes out the same again."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from typer import Exit, Option

from dlkit.cli.app import command
from dlkit.cli.failures import DONE, SHORT
from dlkit.cli.launching import launch_workers
from dlkit.cli.options import AllowPlugins, Run, RunsDir
from dlkit.cli.output import Justify, Output
from dlkit.evaluation.number_text import number_text

if TYPE_CHECKING:
    from pathlib import Path

    from dlkit.recipe.facts import DataFacts
    from dlkit.runs.folder import RunFolder
    from dlkit.workflows.reproduce import Reproduced
    from dlkit.workflows.reproducible import Check
    from dlkit.workflows.same_result import Difference

Tolerance = Annotated[
    float,
    Option(
        "--tolerance",
        metavar="T",
        min=0.0,
        help="How far a metric may be off: absolute up to a value of 1, relative beyond.",
        show_default=True,
    ),
]
Anyway = Annotated[bool, Option("--anyway", help="Train also where the data are not those of the run.")]


@command(
    "Runs",
    "dlkit reproduce latest",
    "dlkit reproduce fashion_mnist/cnn --tolerance 0.01",
    "dlkit reproduce /mnt/theirs/20261121-120000-1a2b --runs-dir again",
)
def reproduce(
    out: Output,
    run: Run,
    tolerance: Tolerance = 1e-3,
    anyway: Anyway = False,
    runs_dir: RunsDir = None,
    allow_plugins: AllowPlugins = False,
) -> None:
    """Trains a run again, and says whether the same comes out.

    It takes the run's folder alone, and tells whether the result is the same to the bit, about the same, or another.
    Versions and data are compared first; where the data have changed, nothing is trained without --anyway. The exit
    status is 3 where data or result differ. Of a group, each run is trained again.
    """
    from dlkit.cli.start import start_tensorflow
    from dlkit.runs.find import runs_root
    from dlkit.runs.folder import RunFolder
    from dlkit.runs.provenance import read_provenance
    from dlkit.workflows.finished import find_any, finished_runs
    from dlkit.workflows.reproducible import logical_devices_of

    whole = find_any(run, runs_root(runs_dir))
    originals = finished_runs(whole)
    provenance = read_provenance(originals[0])
    if isinstance(whole, RunFolder) and "TF_CONFIG" not in os.environ and (workers := whole.read_status().workers) > 1:
        launch_workers(out, workers)
    for original in originals:
        _tell_what_is_known(out, original, allow_plugins)
    start_tensorflow(logical_devices_of(provenance))
    found = list(_reproduced(out, originals, tolerance, anyway, runs_dir, allow_plugins))
    if not found:  # a worker beside the chief, which compares
        return
    from dlkit.workflows.same_result import worst

    verdict = worst(each.verdict for each in found)
    if len(found) > 1:
        out.say(f"\nThe {len(found)} runs of {whole.path} together: {verdict}.")
        out.result({"original": str(whole.path.resolve()), "verdict": verdict, "members": [*map(_as_json, found)]})
    else:
        out.result(_as_json(found[0]))
    raise Exit(SHORT if verdict == "different" else DONE)


def _tell_what_is_known(out: Output, original: RunFolder, allow_plugins: bool) -> None:
    """What was then and is now, and what follows for the result; before TensorFlow takes its time."""
    from dlkit.runs.provenance import read_provenance
    from dlkit.workflows.reproducible import checks_of, chosen_then, doubts_of, recipe_again

    provenance = read_provenance(original)
    recipe = recipe_again(original, allow_plugins)
    out.say(f"{original.path}, trained {provenance.get('time', 'at an unknown time')}")
    for check in checks_of(provenance):
        if check.before is not None or check.now is not None:
            told = f"{check.now} (the same)" if check.same else f"{check.before} then, {check.now} here (differs)"
            out.say(f"  {check.name}: {told}")
    for path, value in chosen_then(provenance).items():
        out.say(f"  {path}: {value}, as `auto` chose then")
    for doubt in doubts_of(recipe, provenance):
        out.tell_diagnostics(f"warning: {doubt}")


def _reproduced(
    out: Output,
    originals: Sequence[RunFolder],
    tolerance: float,
    anyway: bool,
    runs_dir: Path | None,
    allow_plugins: bool,
) -> Iterator[Reproduced]:
    """Trains the runs again, one after another."""
    from dlkit.training.cluster import cluster_of_environment
    from dlkit.workflows.reproduce import reproduce

    def started(folder: RunFolder, facts: DataFacts) -> None:
        out.say(f"run folder: {folder.path}")

    for original in originals:
        out.say(f"\n{original.path}")
        try:
            found = reproduce(
                original,
                tolerance=tolerance,
                anyway=anyway,
                runs_dir=runs_dir,
                command=["dlkit", *out.words],
                started=started,
                warned=out.warn,
                told=out.say,
                data_told=lambda check: _tell_data(out, check, anyway),
                allow_plugins=allow_plugins,
            )
        except KeyboardInterrupt as interruption:
            interruption.add_note(f"Begin again with: {shlex.join(['dlkit', *out.words])}")
            raise
        cluster = cluster_of_environment()
        if cluster and cluster.index:
            return
        _report(out, found)
        yield found


def _tell_data(out: Output, check: Check, anyway: bool) -> None:
    if check.before is None:
        out.tell_diagnostics("warning: the run has no fingerprint of its data: whether they are the same is not known")
    elif check.same:
        out.say("data: the same")
    else:
        out.tell_diagnostics(
            "warning: the data are not those that the run was trained on: their fingerprint differs\n"
            f"  then {check.before}\n  here {check.now}"
        )
        if not anyway:
            out.say("Nothing is trained. Put the data back as they were, or train on these with --anyway.")


def _report(out: Output, found: Reproduced) -> None:
    """Prints what was measured then and now, and what the comparison gave."""
    if found.run is None:
        return
    measured, again = found.before, found.run.metrics
    rows = []
    for name, value in measured.metrics.items():
        now, bounds = again.get(name), measured.intervals.get(name)
        within = f"{'in' if now is not None and bounds[0] <= now <= bounds[1] else 'out'}side" if bounds else ""
        interval = f"{number_text(bounds[0])} to {number_text(bounds[1])}: {within}" if bounds else ""
        told = ("", "") if now is None else (number_text(now), f"{now - value:+.2g}")
        rows.append((name, number_text(value), *told, interval))
    sides: dict[str, Justify] = {"metric": "left", "then": "right", "now": "right", "difference": "right"}
    out.say()
    out.table({**sides, "95 % interval then": "left"}, rows)
    out.say()
    parts = [
        (part.name, str(part.compared), part.result, _where(part.first), _where(part.beyond)) for part in found.parts
    ]
    sides = {"compared": "left", "number": "right", "result": "left"}
    out.table({**sides, "first difference": "left", "beyond the tolerance": "left"}, parts)
    if not any(part.name.endswith(".keras") for part in found.parts):
        out.say("The weights were not compared: the run's folder has no model any more.")
    out.say(f"\nThe result is {found.verdict}. The new run is in {found.run.folder.path}.")


def _where(difference: Difference | None) -> str:
    if difference is None:
        return ""
    values = " then, ".join(_value(each) for each in (difference.before, difference.now))
    return f"{difference.where}, {difference.what}: {values} now"


def _value(value: Any) -> str:
    return "missing" if value is None else repr(value) if isinstance(value, float) else str(value)


def _as_json(found: Reproduced) -> dict[str, Any]:
    return {
        "original": str(found.original.path.resolve()),
        "run": str(found.run.folder.path.resolve()) if found.run else None,
        "verdict": found.verdict,
        "original_metrics": dict(found.before.metrics),
        "metrics": dict(found.run.metrics) if found.run else {},
        "checks": [{**asdict(check), "same": check.same} for check in (*found.checks, found.data)],
        "parts": [asdict(part) for part in found.parts],
    }
