"""dlkit resume: goes on with a run that was interrupted or killed."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING, Annotated

from typer import BadParameter, Option

from dlkit.cli.app import command
from dlkit.cli.launching import launch_workers
from dlkit.cli.options import AllowPlugins, LogicalDevices, Run, RunsDir, Settings, Workers
from dlkit.cli.output import Output
from dlkit.cli.trained import report_group, report_run, telling_how_to_resume

if TYPE_CHECKING:
    from dlkit.recipe.facts import DataFacts
    from dlkit.runs.folder import RunFolder

From = Annotated[
    str | None, Option("--from", metavar="STATE", help="The state to go on from, of those in the run's checkpoints/.")
]


@command(
    "Training",
    "dlkit resume latest",
    "dlkit resume fashion_mnist/cnn --set training.epochs=40",
    "dlkit resume latest --from stage-01-epoch-00003-step-00000000",
)
def resume(
    out: Output,
    run: Run,
    chosen: From = None,
    workers: Workers = None,
    logical_devices: LogicalDevices = None,
    settings: Settings = None,
    runs_dir: RunsDir = None,
    allow_plugins: AllowPlugins = False,
) -> None:
    """Goes on with a run; the result is that of a run left alone, bit for bit.

    A run that has finished may be lengthened with --set training.epochs. Of a group, as the folds of a recipe or its
    seeds, those go on that are not done; of a sweep, the search goes on.
    """
    from dlkit.cli.start import start_tensorflow
    from dlkit.cli.sweeping import run_sweep
    from dlkit.recipe.load import load
    from dlkit.runs.find import find_whole, runs_root
    from dlkit.runs.folder import RunFolder
    from dlkit.runs.group import GroupFolder
    from dlkit.runs.sweeps import SWEEP

    whole = find_whole(run, runs_root(runs_dir))
    if isinstance(whole, GroupFolder) and (chosen or settings):
        raise BadParameter("a group goes on as it is; only a single run takes --from and --set", param_hint="RUN")
    if isinstance(whole, RunFolder) and "TF_CONFIG" not in os.environ:
        before = whole.read_status().workers
        if workers or before > 1:
            launch_workers(out, workers or before)
    if isinstance(whole, GroupFolder) and whole.read().get("kind") == SWEEP:
        recipe = load(whole.recipe, allow_plugins=allow_plugins, others=False)
        run_sweep(out, recipe, f"dlkit resume {shlex.quote(str(whole.path))}", workers=workers or 1, folder=whole)
        return
    typed = ["dlkit", *out.words]
    where = f" --runs-dir {shlex.quote(str(runs_dir))}" if runs_dir else ""

    def started(folder: RunFolder, facts: DataFacts) -> None:
        out.say(f"run folder: {folder.path}")

    def started_member(label: str, folder: RunFolder, facts: DataFacts) -> None:
        out.say(f"\n{label}")
        started(folder, facts)

    with telling_how_to_resume([whole], typed):
        start_tensorflow(logical_devices)
        if isinstance(whole, GroupFolder):
            from dlkit.workflows.group import resume_group

            group = resume_group(
                whole, command=typed, started=started_member, told=out.say, allow_plugins=allow_plugins
            )
            report_group(out, group, where)
            return
        from dlkit.workflows.resume import resume as resume_run

        made = resume_run(
            whole,
            settings or (),
            chosen=chosen,
            command=typed,
            started=started,
            goes_on=lambda told: out.say(f"going on: {told}"),
            told=out.say,
            warned=lambda doubt: out.tell_diagnostics(f"warning: {doubt}"),
            allow_plugins=allow_plugins,
        )
    report_run(out, made, where)
