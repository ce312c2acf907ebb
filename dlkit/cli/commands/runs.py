"""dlkit runs: what was trained."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlkit.cli.app import command
from dlkit.cli.options import RunsDir
from dlkit.cli.output import Output

if TYPE_CHECKING:
    from dlkit.runs.folder import RunFolder

_WIDE_ENOUGH = 100
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_METRICS = 2  # of a run, that stand in its row; the first ones are those of the recipe


@command("Runs", "dlkit runs", "dlkit runs --runs-dir /data/runs --json")
def runs(out: Output, runs_dir: RunsDir = None) -> None:
    """Lists the runs, newest first, with what they reached.

    The trials of a sweep are told as one, but for --json.
    """
    from dlkit.errors import DlkitError
    from dlkit.runs.find import all_runs, runs_root

    root = runs_root(runs_dir)
    found = []
    for run in all_runs(root):
        try:
            found.append(_told(run, root))
        except DlkitError as error:
            out.say(f"warning: {error.message}")
    # The time is in the name as well; on a terminal of 80 columns it would take the room of the metrics.
    dated = out.width >= _WIDE_ENOUGH
    columns = ["run", "recipe", "state", "epochs", "metrics", "took", *(["started"] if dated else [])]
    out.table(
        {name: "right" if name in ("epochs", "took") else "left" for name in columns},
        [_row(run)[: len(columns)] for run in _with_whole_sweeps(found)],
    )
    if not found:
        out.say(f"There are no runs in {root}. Train one: dlkit train digits/cnn")
    out.result({"runs": found})


def _with_whole_sweeps(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The runs, the trials of each sweep put together."""
    shown: list[dict[str, Any]] = []
    for sweep, group in itertools.groupby(found, key=lambda run: run["sweep"]):
        runs = list(group)
        shown += [_whole(sweep, runs)] if sweep else runs
    return shown


def _whole(sweep: str, trials: list[dict[str, Any]]) -> dict[str, Any]:
    """What is told of a sweep: the score of the best trial, as long as it goes on the best of the last epochs."""
    from dlkit.runs.group import GroupFolder

    told = GroupFolder(Path(sweep)).read()
    choose, objective = max if told["direction"] == "max" else min, told["objective"]
    scores = [trial["metrics"][objective] for trial in trials if objective in trial["metrics"]]
    best = told.get("score") or (choose(scores) if scores else None)
    states = {trial["state"] for trial in trials}
    return {
        **trials[0],
        "name": Path(sweep).name,
        "state": "running" if "running" in states else "finished" if "best" in told else "interrupted",
        "epochs": f"{len(trials)} trials",
        "metrics": {objective: best} if best is not None else {},
        "started": min(trial["started"] for trial in trials),
        "seconds": sum(trial["seconds"] for trial in trials),
    }


def _told(run: RunFolder, root: Path) -> dict[str, Any]:
    from dlkit.runs.sweeps import is_trial

    status, state, whole = run.read_status(), run.state(), run.group or run.path
    return {
        "sweep": str(run.group.resolve()) if run.group and is_trial(run) else None,
        "run": str(run.path.resolve()),
        "name": run.path.relative_to(whole.parent).as_posix(),
        "recipe": whole.parent.relative_to(root).as_posix(),
        "state": state,
        "epoch": status.epoch,
        "epochs": status.epochs,
        "metrics": _metrics(run),
        "started": status.started,
        "seconds": status.seconds_before + _seconds(status.started, None if state == "running" else status.updated),
        "error": status.error,
    }


def _metrics(run: RunFolder) -> dict[str, float]:
    """What was measured on the test split or, while that is to come, in the last epoch."""
    from dlkit.runs.json_text import number

    try:
        measured = json.loads(run.evaluation.read_text(encoding="utf-8"))["metrics"]
        return {name: number(value) for name, value in measured.items()}
    except (OSError, ValueError, KeyError, AttributeError):
        pass
    last = run.read_metrics()[-1:]
    return {name: value for line in last for name, value in line.items() if name.startswith("val_")}


def _seconds(started: str, ended: str | None) -> float:
    end = _moment(ended) if ended else datetime.now(UTC)
    return max(0.0, round((end - _moment(started)).total_seconds()))


def _moment(text: str) -> datetime:
    return datetime.strptime(text, _TIME).replace(tzinfo=UTC)


def _row(run: dict[str, Any]) -> tuple[str, ...]:
    from dlkit.runs.duration_text import duration

    shown = {
        name: value for name, value in run["metrics"].items() if isinstance(value, float) and not name.endswith("loss")
    }
    few = list((shown or run["metrics"]).items())[:_METRICS]
    return (
        run["name"],
        run["recipe"],
        run["state"],
        run["epochs"] if isinstance(run["epochs"], str) else f"{run['epoch']}/{run['epochs']}" if run["epochs"] else "",
        ", ".join(f"{name} {value:.4g}" for name, value in few),
        duration(run["seconds"], whole=True),
        f"{_moment(run['started']).astimezone():%Y-%m-%d %H:%M}",
    )
