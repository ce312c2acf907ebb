"""dlkit tune: searches over values of a recipe."""

from __future__ import annotations

import shlex
from typing import Annotated

from typer import BadParameter, Exit, Option

from dlkit.cli.app import command
from dlkit.cli.options import AllowPlugins, Quick, Recipe, RunsDir, Settings
from dlkit.cli.output import Output
from dlkit.cli.sweeping import run_sweep

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
    "dlkit tune digits/cnn --resume --set tune.algorithm.trials=20",
    "dlkit tune fashion_mnist/cnn --set tune.algorithm.random.trials=12 --seeds 3",
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
    """Searches over values of a recipe, and leaves the best as a recipe.

    What is searched, and how, is the recipe's `tune`; what is left can be trained as it is. Trials are chosen by
    their validation figures; the test split is not looked at. Whatever is killed, --resume goes on: no finished trial
    is lost, and none is trained twice.
    """
    _check_options(resume, seeds, chief, port, join, workers, settings, quick)
    if join:
        _join(out, join, worker_name, allow_plugins)
    from dlkit.recipe.load import load
    from dlkit.runs.find import runs_root
    from dlkit.runs.sweeps import newest_sweep
    from dlkit.tuning.trial_recipe import nothing_to_search

    loaded = load(recipe, settings or (), quick=quick, allow_plugins=allow_plugins)
    if loaded.config.tune is None:
        raise nothing_to_search(loaded.name)
    folder = newest_sweep(runs_root(runs_dir), loaded.name) if resume else None
    limits = (settings or ()) if folder else ()
    out.say(": ".join(filter(None, [loaded.name, loaded.config.summary])))
    where = f" --runs-dir {shlex.quote(str(runs_dir))}" if runs_dir else ""
    run_sweep(
        out,
        loaded,
        f"dlkit tune {shlex.quote(recipe)} --resume{where}",
        workers=(workers or 0) if chief else (workers or 1),
        seeds=seeds,
        runs_dir=runs_dir,
        folder=folder,
        limits=limits,
        heard_at=port if chief else None,
    )


def _join(out: Output, address: str, name: str | None, allow_plugins: bool) -> None:
    """Answers --join; does not return."""
    from dlkit.tuning.process import keep_to_cores, worker_name

    keep_to_cores()
    from dlkit.cli.start import start_tensorflow

    start_tensorflow()
    from dlkit.training.together import end_with_launcher
    from dlkit.workflows.trial import Worker

    end_with_launcher()
    raise Exit(Worker(address, name or worker_name(), out.say, allow_plugins).work())


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
    if resume and (quick or seeds or not all(map(_is_limit, settings or ()))):
        raise BadParameter(
            "a sweep goes on as it was begun; only a larger number of trials and another budget can be given, as"
            " `--set tune.algorithm.trials=50` or `--set tune.budget.minutes=90`",
            param_hint="--resume",
        )


def _is_limit(setting: str) -> bool:
    """Whether a setting says how long a search goes on."""
    path = setting.partition("=")[0].split(".")
    return path[:2] == ["tune", "budget"] or (path[:2] == ["tune", "algorithm"] and path[-1] == "trials")
