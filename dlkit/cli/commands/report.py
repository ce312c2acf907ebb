"""dlkit report: what a run was and what came out, on one page."""

from __future__ import annotations

from dlkit.cli.app import command
from dlkit.cli.options import AllowPlugins, Run, RunsDir
from dlkit.cli.output import Output


@command("Runs", "dlkit report latest", "dlkit report fashion_mnist/cnn")
def report(out: Output, run: Run, runs_dir: RunsDir = None, allow_plugins: AllowPlugins = False) -> None:
    """Writes a run's report.html anew, and its figures.

    The report is one page that needs no network; the figures are PNG and SVG. `dlkit train` has written it already;
    this brings an older run, or one that was interrupted, up to date.
    """
    from dlkit.cli.start import start_tensorflow
    from dlkit.runs.find import find_run, runs_root

    folder = find_run(run, runs_root(runs_dir))
    start_tensorflow()
    from dlkit.workflows.report import report as report_run

    report_run(folder, allow_plugins=allow_plugins)
    out.say(f"The report is {folder.report}")
    out.result({"run": str(folder.path.resolve()), "report": str(folder.report.resolve())})
