"""dlkit tune: searches over values of a recipe."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

from typer import BadParameter, Exit, Option

from dlkit.cli.app import command
from dlkit.cli.options import AllowPlugins, Quick, Recipe, RunsDir, Settings
from dlkit.cli.output import Output

if TYPE_CHECKING:
    from pathlib import Path

    from dlkit.recipe.load import Recipe as Loaded
    from dlkit.runs.group import GroupFolder
    from dlkit.workflows.tune import Sweep

Workers = Annotated[
    int | None,
    Option(
        "--workers",
        metavar="N",
        min=1,
        help="Train N trials at a time, each in a process with its share of this machine; 1 where it is left out.",
    ),
]
Resume = Annotated[bool, Option("--resume", help="Go on with the newest sweep of the recipe, as it was begun.")]
Seeds = Annotated[
    int | None,
    Option("--seeds", metavar="N", min=2, help="Train the three best trials with N seeds, and choose by the mean."),
]
ChiefOption = Annotated[
    bool,
    Option("--chief", help="Let workers of other machines join, which see the folder of runs under the same path."),
]
Port = Annotated[
    int, Option("--port", metavar="PORT", min=0, max=65535, help="Where a chief is heard; 0: a free port.")
]
Join = Annotated[str | None, Option("--join", metavar="HOST:PORT", help="Train trials for the chief there.")]


@command(
    "Training",
    "dlkit tune digits/cnn --workers 2",
    "dlkit tune digits/cnn --resume",
    "dlkit tune fashion_mnist/cnn --set tune.algorithm='{bayesian: {trials: 20}}' --seeds 3",
    "dlkit tune digits/cnn --chief --port 5005",
    "dlkit tune digits/cnn --join host1:5005",
)
def tune(
    out: Output,
    recipe: Recipe,
    workers: Workers = None,
    resume: Resume = False,
    seeds: Seeds = None,
    chief: ChiefOption = False,
    port: Port = 0,
    join: Join = None,
    quick: Quick = False,
    settings: Settings = None,
    runs_dir: RunsDir = None,
    allow_plugins: AllowPlugins = False,
    worker_name: Annotated[str | None, Option("--worker-name", hidden=True)] = None,
) -> None:
    """Searches over values of a recipe, as its `tune` says, and leaves the best as a recipe that can be trained as it is.

    Trials are chosen by their validation figures; the test split is not looked at. Whatever is killed, --resume goes on:
    no finished trial is lost, and none is trained twice.
    """
    _check_options(resume, seeds, chief, port, join, workers, settings, quick)
    if join:
        _join(out, join, worker_name, allow_plugins)
    from dlkit.recipe.load import load
    from dlkit.runs.find import runs_root

    loaded = load(recipe, settings or (), quick=quick, allow_plugins=allow_plugins)
    if loaded.config.tune is None:
        from dlkit.tuning.trial_recipe import nothing_to_search

        raise nothing_to_search(loaded.name)
    folder = _sweep_to_resume(loaded, runs_root(runs_dir)) if resume else None
    from dlkit.cli.start import start_tensorflow

    start_tensorflow()
    from dlkit.cli.sweep_display import SweepDisplay
    from dlkit.workflows.tune import tune as search

    folders: list[GroupFolder] = []
    display = SweepDisplay(out.say)

    def started(begun: GroupFolder, heard_at: int) -> None:
        folders.append(begun)
        display.told(f"sweep folder: {begun.path}")
        if chief:
            display.told(f"workers join with: dlkit tune {recipe} --join {_host()}:{heard_at}")

    out.say(": ".join(filter(None, [loaded.name, loaded.config.summary])))
    try:
        with display:
            found = search(
                loaded,
                workers=(workers or 0) if chief else (workers or 1),
                seeds=seeds,
                runs_dir=runs_dir,
                folder=folder,
                host="0.0.0.0" if chief else "127.0.0.1",
                port=port,
                started=started,
                viewed=display.viewed,
                told=display.told,
            )
    except KeyboardInterrupt as interruption:
        where = f" --runs-dir {shlex.quote(str(runs_dir))}" if runs_dir else ""
        if folders:
            interruption.add_note(f"Go on with: dlkit tune {recipe} --resume{where}")
        raise
    _report(out, found)


def _report(out: Output, found: Sweep) -> None:
    from dlkit.workflows.tune import values_text

    objective = found.objective
    out.say()
    rows = []
    for rank, each in enumerate(found.ranking[:10], start=1):
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


def _join(out: Output, address: str, name: str | None, allow_plugins: bool) -> None:
    """Answers --join; does not return."""
    from dlkit.workflows.local_workers import keep_to_cores, worker_name

    keep_to_cores()
    from dlkit.cli.start import start_tensorflow

    start_tensorflow()
    from dlkit.training.together import end_with_launcher
    from dlkit.workflows.trial import Worker

    end_with_launcher()
    raise Exit(Worker(address, name or worker_name(), out.say, allow_plugins).work())


def _sweep_to_resume(recipe: Loaded, root: Path) -> GroupFolder:
    from dlkit.runs.sweeps import newest_sweep

    return newest_sweep(root, recipe.name)


def _check_options(
    resume: bool,
    seeds: int | None,
    chief: bool,
    port: int,
    join: str | None,
    workers: int | None,
    settings: list[str] | None,
    quick: bool,
) -> None:
    """Refuses options that do not go together."""
    if join and (resume or seeds or chief or workers or settings or quick):
        raise BadParameter("who joins takes everything from the chief", param_hint="--join")
    if join and ":" not in join:
        raise BadParameter("write HOST:PORT, as the chief has said it", param_hint="--join")
    if port and not chief:
        raise BadParameter("workers of this machine find their chief by themselves", param_hint="--port")
    if resume and (settings or quick or seeds):
        raise BadParameter("a sweep goes on as it was begun, without --set, --quick and --seeds", param_hint="--resume")


def _host() -> str:
    import socket

    return socket.gethostname()
