"""dlkit resume: goes on with a run that was interrupted or killed."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated

from typer import Option

from dlkit.cli.app import command
from dlkit.cli.options import AllowPlugins, Run, RunsDir, Settings
from dlkit.cli.output import Output
from dlkit.cli.trained import report_run, telling_how_to_resume

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
    settings: Settings = None,
    runs_dir: RunsDir = None,
    allow_plugins: AllowPlugins = False,
) -> None:
    """Goes on with a run; the result is that of a run left alone, bit for bit.

    A run that has finished may be lengthened with --set training.epochs.
    """
    from dlkit.cli.start import start_tensorflow
    from dlkit.runs.find import find_run, runs_root

    folder = find_run(run, runs_root(runs_dir))
    typed = ["dlkit", *out.words]
    where = f" --runs-dir {shlex.quote(str(runs_dir))}" if runs_dir else ""

    def started(folder: RunFolder, facts: DataFacts, told: str) -> None:
        out.say(f"run folder: {folder.path}\ngoing on: {told}")

    def warned(doubt: str) -> None:
        out.tell_diagnostics(f"warning: {doubt}")

    with telling_how_to_resume([folder], typed):
        start_tensorflow()
        from dlkit.workflows.resume import resume as resume_run

        made = resume_run(
            folder,
            settings or (),
            chosen=chosen,
            command=typed,
            started=started,
            warned=warned,
            allow_plugins=allow_plugins,
        )
    report_run(out, made, where)
