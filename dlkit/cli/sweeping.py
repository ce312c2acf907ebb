"""Running a sweep for a command, and saying what it has found."""

from __future__ import annotations

import shlex
import socket
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from dlkit.cli.output import Output
from dlkit.cli.start import start_tensorflow
from dlkit.cli.sweep_display import SweepDisplay

if TYPE_CHECKING:
    from pathlib import Path

    from dlkit.recipe.load import Recipe
    from dlkit.runs.group import GroupFolder
    from dlkit.workflows.tune import Sweep

_EVERYWHERE, _HERE = "0.0.0.0", "127.0.0.1"
_LISTED = 10  # trials


def run_sweep(
    out: Output,
    recipe: Recipe,
    goes_on: str,
    *,
    workers: int = 1,
    seeds: int | None = None,
    runs_dir: Path | None = None,
    folder: GroupFolder | None = None,
    limits: Sequence[str] = (),
    heard_at: int | None = None,
) -> None:
    """Searches, and shows how it stands and what it has found.

    Args:
        recipe: With the space.
        goes_on: The command that goes on with it.
        workers: As for `tune`, like what follows.
        seeds: Likewise.
        runs_dir: Likewise.
        folder: Likewise.
        limits: Likewise.
        heard_at: The port at which workers of other machines are heard; None: they are not.
    """
    start_tensorflow()
    from dlkit.workflows.tune import tune

    begun: list[GroupFolder] = []
    display = SweepDisplay(out.say)

    def started(made: GroupFolder, port: int) -> None:
        begun.append(made)
        display.told(f"sweep folder: {made.path}")
        if heard_at is not None:
            display.told(f"workers join with: dlkit tune {recipe.name} --join {socket.gethostname()}:{port}")

    try:
        with display:
            found = tune(
                recipe,
                workers=workers,
                seeds=seeds,
                runs_dir=runs_dir,
                folder=folder,
                limits=limits,
                host=_HERE if heard_at is None else _EVERYWHERE,
                port=heard_at or 0,
                started=started,
                viewed=display.viewed,
                told=display.told,
                begun=None if display.is_live else display.told,  # a live table shows what runs
            )
    except KeyboardInterrupt as interruption:
        if begun:
            interruption.add_note(f"Go on with: {goes_on}")
        raise
    report_sweep(out, found)


def report_sweep(out: Output, found: Sweep) -> None:
    """Says what a sweep has found."""
    from dlkit.workflows.tune import values_text

    objective = found.objective
    out.say()
    rows = []
    for rank, each in enumerate(found.ranking[:_LISTED], start=1):
        spread = f" ± {each.deviation:.4f} ({len(each.scores)} seeds)" if len(each.scores) > 1 else ""
        rows.append((str(rank), str(each.trial.number), f"{each.mean:.4f}{spread}", values_text(each.trial)))
    out.table({"rank": "right", "trial": "right", objective: "right", "values": "left"}, rows)
    failed = [trial for trial in found.trials if trial.outcome and trial.outcome.status == "failed"]
    if failed:
        reasons = {trial.outcome.reason for trial in failed if trial.outcome}
        out.say(f"\n{len(failed)} of {len(found.trials)} trials failed: {'; '.join(sorted(filter(None, reasons)))}")
    out.say(f"\nThe sweep is in {found.folder.path}: {found.table.name}, {found.page.name}.")
    if found.ranking:
        out.say(f"Next:\n  dlkit train {shlex.quote(str(found.best_recipe))}")
    best = found.ranking[0] if found.ranking else None
    out.result(
        {
            "sweep": str(found.folder.path.resolve()),
            "best": best
            and {
                "trial": best.trial.number,
                "recipe": str(found.best_recipe.resolve()),
                "values": dict(best.trial.told),
                objective: best.mean,
                "deviation": best.deviation,
                "seeds": len(best.scores),
            },
            "trials": [asdict(trial) for trial in found.trials],
        }
    )
