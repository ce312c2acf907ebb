"""dlkit compare: what runs differ in, and what came out of each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dlkit.cli.app import command
from dlkit.cli.options import Run, RunsDir
from dlkit.cli.output import Output

if TYPE_CHECKING:
    from dlkit.reporting.compare_page import Compared, Comparison, Measured

_LONGEST = 60  # letters of a value in a table


@command(
    "Runs",
    "dlkit compare digits/cnn/20260131-142530-a1b2 latest",
    "dlkit compare runs/digits/cnn/20260131-142530-a1b2 runs/digits/cnn/20260131-150112-c3d4 --html compared.html",
)
def compare(
    out: Output,
    run: Run,
    others: Annotated[
        list[str], typer.Argument(metavar="RUN...", help="The runs that are compared with it.", show_default=False)
    ],
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page with the learning curves as well.")
    ] = None,
    runs_dir: RunsDir = None,
) -> None:
    """Tells what runs differ in: results, recipe, code, data, versions, hardware.

    A run may be a group, as `dlkit train --seeds` or folds make it: then means and standard deviations of its members are
    told. Differences are those to the first run.
    """
    from dlkit.runs.find import runs_root
    from dlkit.workflows.compare import compare as compare_runs

    comparison = compare_runs([run, *others], runs_root(runs_dir))
    _show(out, comparison)
    if html:
        from dlkit.reporting.compare_page import write_compare_page

        write_compare_page(html, comparison)
        out.say(f"\nThe page is {html}")
    out.result({**_result(comparison), "html": str(html.resolve()) if html else None})


def _show(out: Output, comparison: Comparison) -> None:
    from dlkit.recipe.differing import value_text
    from dlkit.reporting.compare_page import measured_text
    from dlkit.runs.duration_text import duration

    runs, letters = comparison.runs, comparison.letters
    out.table(
        dict.fromkeys(("", "recipe", "run", "members", "state", "epochs", "took"), "left"),
        [
            (letter, run.recipe, run.name, run.members, run.state, run.epochs_text, duration(run.seconds, whole=True))
            for letter, run in zip(letters, runs, strict=True)
        ],
    )
    out.say()
    out.table(
        dict.fromkeys(("metric", *letters), "left"),
        [(name, *(measured_text(comparison, run, name) for run in runs)) for name in comparison.metrics],
    )
    out.say()
    if not comparison.differing:
        out.say("Recipe, code, data, versions and hardware are the same.")
    out.table(
        dict.fromkeys(("differs", "at", *letters), "left"),
        [
            (each.about, each.path, *(_shortened(value_text(value)) for value in each.values))
            for each in comparison.differing
        ],
    )


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _result(comparison: Comparison) -> dict[str, Any]:
    from dlkit.recipe.differing import ABSENT

    return {
        "runs": [_run(letter, run) for letter, run in zip(comparison.letters, comparison.runs, strict=True)],
        "metrics": {
            name: [_measured(run.metrics.get(name), comparison.change(run, name)) for run in comparison.runs]
            for name in comparison.metrics
        },
        "differences": [
            {
                "about": each.about,
                "path": each.path,
                "values": [None if value is ABSENT else value for value in each.values],
            }
            for each in comparison.differing
        ],
    }


def _run(letter: str, run: Compared) -> dict[str, Any]:
    return {
        "letter": letter,
        "run": str(run.path),
        "name": run.name,
        "recipe": run.recipe,
        "state": run.state,
        "kind": run.kind,
        "members": len(run.epochs),
        "epochs": list(run.epochs),
        "best_epochs": list(run.best_epochs),
        "seconds": run.seconds,
    }


def _measured(measured: Measured | None, change: float | None) -> dict[str, Any] | None:
    if measured is None:
        return None
    return {
        "value": measured.value,
        "interval": measured.interval,
        "deviation": measured.deviation,
        "difference": change,
    }
