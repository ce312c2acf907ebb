"""Searches over values of a recipe: the chief of a sweep, which gives out trials and takes back what came of them."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras_tuner

from dlkit.errors import DlkitError
from dlkit.recipe import registry
from dlkit.recipe.diagnostics import RecipeError
from dlkit.recipe.digest import digest
from dlkit.recipe.dump import to_yaml
from dlkit.recipe.load import Recipe, load, varied
from dlkit.reporting.sweep_axes import value_text
from dlkit.reporting.sweep_page import SweepTold, write_sweep_page
from dlkit.runs.atomic import write_text
from dlkit.runs.find import runs_root
from dlkit.runs.group import GroupFolder
from dlkit.runs.lock import locked
from dlkit.runs.sweeps import SWEEP
from dlkit.training.interruption import Interrupted, Interruption
from dlkit.tuning.oracle import Asked
from dlkit.tuning.search import Search
from dlkit.tuning.service import Server, Service
from dlkit.tuning.space import Space
from dlkit.tuning.trial_recipe import (
    direction_of,
    nothing_to_search,
    objective_of,
    scores_by_epoch,
    trial_recipe,
)
from dlkit.tuning.trials import TRIALS, Journal, Repeated, Trial, ranking
from dlkit.workflows.local_workers import LocalWorkers
from dlkit.workflows.recipe_file import copy_plugins, recipe_values

_LOCK = ".lock"
_BEST, _TABLE, _PAGE, _LOGS = "best.yaml", "trials.csv", "sweep.html", "workers"
_LOOKS_EVERY = 0.2  # seconds
_FAREWELL_SECONDS = 3.0  # for workers of other machines to hear that nothing is left


@dataclass(frozen=True, slots=True)
class Sweep:
    """A search that has ended.

    Args:
        folder: Its folder: `members/`, trials.jsonl, trials.csv, best.yaml.
        recipe: That was searched.
        trials: All, in order.
        ranking: Those that have a score, best first.
        seconds: How long it took.
    """

    folder: GroupFolder
    recipe: Recipe
    trials: Sequence[Trial]
    ranking: Sequence[Repeated]
    seconds: float

    @property
    def best_recipe(self) -> Path:
        """The recipe of the best trial, whole."""
        return self.folder.path / _BEST

    @property
    def objective(self) -> str:
        """What was made best."""
        return objective_of(self.recipe)

    @property
    def page(self) -> Path:
        """What it has shown, to be looked at in a browser."""
        return self.folder.path / _PAGE

    @property
    def table(self) -> Path:
        """All trials as CSV."""
        return self.folder.path / _TABLE


@dataclass(frozen=True, slots=True)
class View:
    """A sweep as it is now, for a display.

    Args:
        search: The search.
        objective: What is made best.
        direction: `min` or `max`.
        epochs: That a trial has, at most.
        scores: The objective after each epoch of a trial so far.
    """

    search: Search
    objective: str
    direction: str
    epochs: int
    scores: Callable[[int], Sequence[float]]


def tune(
    recipe: Recipe,
    *,
    workers: int = 1,
    seeds: int | None = None,
    runs_dir: Path | None = None,
    folder: GroupFolder | None = None,
    limits: Sequence[str] = (),
    host: str = "127.0.0.1",
    port: int = 0,
    started: Callable[[GroupFolder, int], None] | None = None,
    viewed: Callable[[View], None] | None = None,
    told: Callable[[str], None] | None = None,
    begun: Callable[[str], None] | None = None,
) -> Sweep:
    """Searches over the space of a recipe.

    Args:
        recipe: What `dlkit.load` gives, with `tune`.
        workers: Processes of this machine that train; 0: only those of others that join.
        seeds: With how many seeds the best trials are trained in the end; None: as `tune.seeds` says.
        runs_dir: Where runs are kept; DLKIT_RUNS_DIR or `./runs` where it is None.
        folder: A sweep that was begun, to go on with.
        limits: Settings of its number of trials and its budget, as `tune.budget.minutes=90`, where others are to hold now.
        host: The address that workers are heard at.
        port: Likewise; a free one where it is 0.
        started: Told of the folder and the port, as soon as workers may join.
        viewed: Told how it stands, some times a second.
        told: Told what happens, a line each.
        begun: Told of trials that begin, likewise.

    Raises:
        RecipeError: The recipe cannot be used.
        DlkitError: It has nothing to search (`no-search`), the first trials all fail alike (`all-trials-fail`), the sweep is
            run by another process (`run-in-use`), workers cannot be kept running (`worker-lost`), or it is to have more trials
            and has trained its best with other seeds already (`search-ended`).
        Interrupted: By a signal; nothing is lost, and `folder` goes on with it.
    """
    config = _searched(recipe)
    if config.space.get("seed") and (seeds or config.seeds) > 1:
        raise DlkitError(
            "The space has the seed in it: the best trials cannot be trained with other seeds.",
            "Take `seed` out of `tune.space`, or leave --seeds and `tune.seeds` out.",
            "seed-searched",
        )
    tell = told or (lambda line: None)
    if folder is None:
        folder = begin_sweep(recipe, runs_root(runs_dir), seeds or config.seeds)
    allowed = recipe.allow_plugins
    # As it will be when the sweep goes on, so that both are the same to the letter.
    recipe = load(folder.recipe, limits, allow_plugins=allowed, others=False)
    with locked(folder.path / _LOCK):
        search = _search(recipe, folder, seeds or _seeds_of(folder))
        if limits:
            _bound_anew(search, recipe, folder)
        view = View(
            search,
            objective_of(recipe),
            direction_of(recipe),
            recipe.config.training.total_epochs,
            _scores(recipe, folder),
        )
        service = Service(search, folder, view.scores, _early_stop(recipe), _teller(tell, begun, search))
        with Server(service, host, port) as server:
            if started:
                started(folder, server.port)
            _run(service, _local_workers(folder, server.port, workers, allowed, service, tell), viewed, view)
        found = _close(folder, recipe, search)
    if search.failure:
        raise search.failure
    return found


def begin_sweep(recipe: Recipe, root: Path, seeds: int) -> GroupFolder:
    """The folder of a new sweep.

    Raises:
        DlkitError: The space is mistaken in a way that only shows now, or the folder cannot be made.
    """
    direction, config = direction_of(recipe), _searched(recipe)
    _oracle(recipe, Space.of(recipe))  # its arguments, before there is a folder
    folder = GroupFolder.create(root, recipe.name)
    copy_plugins(recipe, folder.path)
    write_text(folder.recipe, to_yaml(recipe_values(recipe, as_varied=True)))
    about = {"objective": config.objective, "direction": direction, "algorithm": config.algorithm.name}
    folder.write({"kind": SWEEP, "recipe": recipe.name, **about, "seeds": seeds})
    return folder


def _bound_anew(search: Search, recipe: Recipe, folder: GroupFolder) -> None:
    """Writes the recipe of a sweep that goes on within other limits."""
    if search.is_repeating:
        raise DlkitError(
            f"The sweep {folder.path} is over: its best trials were trained with other seeds.",
            "Begin a new one: leave --resume out.",
            "search-ended",
        )
    write_text(folder.recipe, to_yaml(recipe_values(recipe, as_varied=True)))


def _searched(recipe: Recipe) -> Any:
    if recipe.config.tune is None or not recipe.config.tune.space:
        raise nothing_to_search(recipe.name)
    return recipe.config.tune


def _oracle(recipe: Recipe, space: Space) -> keras_tuner.Oracle:
    config = _searched(recipe)
    objective = keras_tuner.Objective(config.objective, direction_of(recipe))
    asked = Asked(objective, space.hyperparameters(), recipe.config.seed, recipe.config.training.total_epochs)
    return registry.find("algorithm", config.algorithm.name).target(asked, **config.algorithm.arguments)


def _search(recipe: Recipe, folder: GroupFolder, seeds: int) -> Search:
    space = Space.of(recipe)

    def key(settings: Mapping[str, Any]) -> str:
        try:
            return digest(varied(recipe, settings).root)
        except RecipeError:  # the trial is to say so
            return to_yaml(dict(settings))

    journal = Journal(folder.path / TRIALS)
    return Search(space, _oracle(recipe, space), journal, key, _searched(recipe).budget, seeds, recipe.config.seed)


def _seeds_of(folder: GroupFolder) -> int:
    return int(folder.read().get("seeds", 1))


def _early_stop(recipe: Recipe) -> int | None:
    written = _searched(recipe).early_stop
    if not written:
        return None
    return 1 if written is True else int(written.after)


def _scores(recipe: Recipe, folder: GroupFolder) -> Callable[[int], Sequence[float]]:
    return lambda number: scores_by_epoch(folder.member(number).read_metrics(), recipe)


def _teller(
    tell: Callable[[str], None], begun: Callable[[str], None] | None, search: Search
) -> Callable[[Trial, str], None]:
    def noted(trial: Trial, worker: str) -> None:
        outcome = trial.outcome
        if outcome is None:
            if begun:
                begun(f"trial {trial.number} begins: {values_text(trial)}")
        elif outcome.status == "failed":
            tell(f"trial {trial.number} failed: {outcome.reason}")
        else:
            best = search.ranking[0].trial.number if search.ranking else 0
            is_best = "  best" if trial.number == best else ""
            tell(f"trial {trial.number} {outcome.status}: {outcome.score:.4f} in {outcome.epochs} epochs{is_best}")

    return noted


def values_text(trial: Trial) -> str:
    """The values of a trial in a line, each by the last words of its path."""
    told = [f"{path.rpartition('.')[2]} {value_text(value)}" for path, value in trial.told.items()]
    seed = [f"seed {trial.settings['seed']}"] if trial.repeats is not None else []
    epochs = [f"{trial.epochs} epochs"] if trial.epochs else []
    return ", ".join([*told, *epochs, *seed])


def _local_workers(
    folder: GroupFolder, port: int, count: int, allow_plugins: bool, service: Service, tell: Callable[[str], None]
) -> LocalWorkers:
    def lost(worker: str, how: str) -> Sequence[int]:
        back = service.search.give_back(worker, how)
        for number in back:
            tell(f"trial {number} is given to another worker: its own {how}")
        return back

    words = ["tune", str(folder.recipe), "--join", f"127.0.0.1:{port}"]
    return LocalWorkers(count, [*words, *(["--allow-plugins"] if allow_plugins else [])], folder.path / _LOGS, lost)


def _run(service: Service, workers: LocalWorkers, viewed: Callable[[View], None] | None, view: View) -> None:
    """Keeps workers at work until nothing is left."""
    search = service.search
    with Interruption(lambda: None) as interruption:
        try:
            workers.start()
            while workers.look(search.is_done) or not search.is_done:
                if service.error:
                    raise service.error
                if interruption.received:
                    workers.stop()
                    raise Interrupted(interruption.received)
                for worker in service.silent_workers():
                    search.give_back(worker, "was not heard of for long")
                if viewed:
                    viewed(view)
                if search.failure:
                    break
                time.sleep(_LOOKS_EVERY)
        finally:
            search.close()
            workers.kill()
    service.wait_for_farewells(_FAREWELL_SECONDS)


def _close(folder: GroupFolder, recipe: Recipe, search: Search) -> Sweep:
    """Leaves what the search has found in its folder."""
    trials = list(search.trials.values())
    ranked = ranking(trials, direction_of(recipe))
    found = Sweep(folder, recipe, trials, ranked, search.seconds)
    write_text(found.table, _csv(trials, ranked, recipe))
    if ranked:
        best = ranked[0].trial
        told = f"The best of {len(trials)} trials of {recipe.name}: {objective_of(recipe)} {ranked[0].mean:.4f}\n{values_text(best)}"
        write_text(found.best_recipe, to_yaml(recipe_values(trial_recipe(recipe, best)), told))
    _write_page(found, search)
    first = ranked[0] if ranked else None
    about = {"best": first and first.trial.number, "score": first and first.mean, "trials": len(trials)}
    folder.write({**folder.read(), **about})
    return found


def _write_page(found: Sweep, search: Search) -> None:
    recipe, scores = found.recipe, _scores(found.recipe, found.folder)
    algorithm = _searched(recipe).algorithm
    told = SweepTold(
        name=recipe.name,
        summary=recipe.config.summary or "",
        objective=found.objective,
        direction=direction_of(recipe),
        algorithm=f"{algorithm.name}: {dict(algorithm.arguments)}".replace("'", ""),
        space=search.space,
        trials=found.trials,
        scores={
            trial.number: scores(trial.number) for trial in found.trials if trial.outcome and not trial.outcome.same_as
        },
        best_recipe=found.best_recipe.read_text(encoding="utf-8") if found.ranking else None,
        seconds=found.seconds,
    )
    write_sweep_page(found.page, told)


def _csv(trials: Sequence[Trial], ranked: Sequence[Repeated], recipe: Recipe) -> str:
    ranks = {each.trial.number: rank for rank, each in enumerate(ranked, start=1)}
    paths = list(dict.fromkeys(path for trial in trials for path in trial.told))
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    measured = (
        "seed",
        objective_of(recipe),
        "status",
        "epochs",
        "seconds",
        "reason",
        "same_as",
        "continues",
        "repeats",
    )
    writer.writerow(["trial", "rank", *paths, *measured])
    for trial in trials:
        outcome, seed = trial.outcome, trial.settings.get("seed", recipe.config.seed)
        how = (
            (outcome.score, outcome.status, outcome.epochs, round(outcome.seconds, 1), outcome.reason, outcome.same_as)
            if outcome
            else (None,) * 6
        )
        values = [trial.told.get(path) for path in paths]
        writer.writerow([trial.number, ranks.get(trial.number), *values, seed, *how, trial.continues, trial.repeats])
    return file.getvalue()
