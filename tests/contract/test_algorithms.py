"""What every algorithm of a search keeps to: killed anywhere, it goes on as if it had not been."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras_tuner
import pytest

from dlkit.errors import DlkitError
from dlkit.recipe import registry
from dlkit.recipe.components import Components
from dlkit.recipe.load import parse
from dlkit.recipe.search_keys import Budget
from dlkit.tuning.oracle import Asked
from dlkit.tuning.search import Search
from dlkit.tuning.space import Space
from dlkit.tuning.trials import Journal, Outcome, Trial

RECIPE = """
name: a/b
data: {source: digits}
model: {sequential: [Flatten, {Dense: {units: 16, name: hidden}}, {Dense: {units: 10}}]}
training: {epochs: 9}
tune:
  algorithm: {random: {trials: 3}}
  objective: val_accuracy
  space:
    training.optimizer.momentum: {float: [0, 0.9], step: 0.3}
    training.optimizer: {choice: [{Adam: {}}, SGD]}
    model.sequential.hidden.units: {int: [8, 32], step: 8}
    model.sequential.hidden.use_bias: bool
"""
# Of each algorithm: its arguments, and how many trials it makes of a space of 5 x 4 x 2 combinations.
ALGORITHMS: dict[str, tuple[dict[str, Any], int]] = {
    "random": ({"trials": 12}, 12),
    "grid": ({}, 40),
    "bayesian": ({"trials": 6, "initial": 4}, 6),
    "hyperband": ({"factor": 3}, 0),
}
SPACE = Space.of(parse(RECIPE))


def score_of(trial: Trial) -> float:
    """What a training would reach."""
    return random.Random(json.dumps(trial.told, sort_keys=True)).random() + 0.01 * (trial.epochs or 9)


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., Search]:
    def make(name: str, folder: str = "sweep", epochs: int = 9, arguments: Any = None, **more: Any) -> Search:
        objective = keras_tuner.Objective("val_accuracy", "max")
        asked = Asked(objective, SPACE.hyperparameters(), 1, epochs)
        oracle = registry.find("algorithm", name).target(
            asked, **(ALGORITHMS[name][0] if arguments is None else arguments)
        )
        journal = Journal(tmp_path / f"{folder}.jsonl")
        more.setdefault("key", lambda settings: json.dumps(settings, sort_keys=True))
        return Search(SPACE, oracle, journal, **more)

    return make


def finish(search: Search, number: int) -> None:
    trial = search.trials[number]
    search.end(number, Outcome("finished", score_of(trial), trial.epochs or 9, 1.0))


def run(search: Search, workers: int = 1, until: int | None = None, order: random.Random | None = None) -> None:
    """Goes on with a search until it is done, or has given out so many trials."""
    order, given, running = order or random.Random(1), 0, []
    while until is None or given < until:
        asked = search.ask(f"worker {len(running)}") if len(running) < workers else "wait"
        if isinstance(asked, Trial):
            running.append(asked.number)
            given += 1
        elif running:
            finish(search, running.pop(order.randrange(len(running))))
        else:
            assert asked == "done"
            return


def told(search: Search) -> list[tuple[Any, ...]]:
    return [(t.number, t.told, t.epochs, t.continues, t.score) for t in search.trials.values()]


def test_every_algorithm_has_a_case() -> None:
    assert set(ALGORITHMS) == set(Components().names("algorithm"))


@pytest.mark.parametrize("name", ALGORITHMS)
def test_it_gives_so_many_trials_each_of_the_space_and_none_twice(name: str, made: Callable[..., Search]) -> None:
    search = made(name)
    run(search)
    trials = list(search.trials.values())
    wanted = ALGORITHMS[name][1]
    assert len(trials) == wanted or not wanted
    for trial in trials:
        assert ("training.optimizer.momentum" in trial.told) == (trial.told["training.optimizer"] == "SGD")
    first = {json.dumps([trial.told, trial.epochs], sort_keys=True) for trial in trials if not trial.outcome.same_as}
    assert len(first) == sum(not trial.outcome.same_as for trial in trials)
    assert search.is_done


@pytest.mark.parametrize("name", ALGORITHMS)
def test_killed_anywhere_it_goes_on_as_if_it_had_not_been(name: str, made: Callable[..., Search]) -> None:
    whole = made(name, "whole")
    run(whole)
    draws, search = random.Random(2), made(name, "killed")
    for _ in range(60):
        run(search, until=draws.randrange(1, 4))
        search = made(name, "killed")  # all that it knew is gone, but for the journal
        if len(search.outcomes) == len(whole.outcomes):
            break
    run(search)
    assert told(search) == told(whole)


@pytest.mark.parametrize("name", ["random", "grid"])
def test_the_trials_do_not_depend_on_how_many_workers_there_are_nor_on_who_is_first(
    name: str, made: Callable[..., Search]
) -> None:
    alone, together = made(name, "alone"), made(name, "together")
    run(alone)
    run(together, workers=4, order=random.Random(7))
    assert told(together) == told(alone)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_failed_trials_do_not_stop_it(name: str, made: Callable[..., Search]) -> None:
    search, failed = made(name), 0
    while isinstance(trial := search.ask("one"), Trial):
        if trial.number % 3 == 2:
            search.end(trial.number, Outcome("failed", code="not-a-number", reason="the loss is no number"))
            failed += 1
        else:
            finish(search, trial.number)
    assert failed
    assert len(search.ranking) >= 1


def test_hyperband_goes_on_with_the_best_of_each_round(made: Callable[..., Search]) -> None:
    search = made("hyperband")
    run(search)
    trials = search.trials
    gone_on = [trial for trial in trials.values() if trial.continues]
    for trial in gone_on:
        before = trials[trial.continues]
        assert trial.told == before.told
        assert trial.epochs == 3 * before.epochs
    first_round = [trial for trial in trials.values() if trial.epochs == 1]
    promoted = {trial.continues for trial in gone_on} & {trial.number for trial in first_round}
    best = sorted(first_round, key=lambda trial: -(trial.score or 0))[: len(promoted)]
    assert {trial.number for trial in best} == promoted
    assert 0 < len(promoted) < len(first_round)
    assert {trial.epochs for trial in trials.values()} == {1, 3, 9}


def test_hyperband_refuses_more_epochs_than_the_recipe_has(made: Callable[..., Search]) -> None:
    with pytest.raises(DlkitError, match="the recipe trains 9 epochs") as raised:
        made("hyperband", arguments={"max_epochs": 27})
    assert raised.value.code == "too-many-epochs"


def test_a_trial_whose_worker_is_lost_is_given_to_another_three_times_then_it_has_failed(
    made: Callable[..., Search],
) -> None:
    search = made("random")
    first = search.ask("a")
    assert isinstance(first, Trial)
    for worker, after in (("a", "b"), ("b", "c")):
        assert search.give_back(worker, "was killed by SIGKILL") == [first.number]
        assert search.ask(after) == first
    search.give_back("c", "was killed by SIGKILL")
    outcome = search.trials[first.number].outcome
    assert outcome is not None
    assert (outcome.code, outcome.reason) == (
        "worker-lost",
        "3 workers were lost over it; the last one was killed by SIGKILL",
    )
    assert search.ask("d").number == 2


def test_what_was_being_trained_when_all_was_killed_comes_first(made: Callable[..., Search]) -> None:
    search = made("random")
    running = [search.ask("a"), search.ask("b")]
    again = made("random")
    assert [again.ask("c"), again.ask("d")] == running
    assert again.ask("e").number == 3


def test_a_recipe_that_was_trained_is_not_trained_again(made: Callable[..., Search]) -> None:
    search = made("random")
    search.key = lambda settings: str(settings["model.sequential.hidden.units"])
    given = 0
    while isinstance(trial := search.ask("one"), Trial):
        given += 1
        finish(search, trial.number)
    assert given == len({trial.told["model.sequential.hidden.units"] for trial in search.trials.values()}) < 12
    for trial in search.trials.values():
        if trial.outcome.same_as:
            original = search.trials[trial.outcome.same_as]
            assert (trial.score, trial.outcome.seconds) == (original.score, 0.0)


def test_a_copy_of_a_trial_that_runs_ends_with_it(made: Callable[..., Search]) -> None:
    search = made("random", arguments={"trials": 2})
    search.key = lambda settings: "the same"
    first = search.ask("a")
    assert search.ask("b") == "wait"
    finish(search, first.number)
    assert [trial.outcome.same_as for trial in search.trials.values()] == [None, 1]
    assert search.ask("b") == "done"


def test_copies_end_where_a_kill_came_between_a_trial_and_them(made: Callable[..., Search]) -> None:
    same: dict[str, Any] = {"arguments": {"trials": 3}, "key": lambda settings: "the same"}
    search = made("random", **same)
    first = search.ask("a")
    assert search.ask("b") == "wait"
    search.journal.end(first.number, Outcome("finished", 0.5, 9, 1.0))  # and then it was killed
    for _ in range(2):
        search = made("random", **same)
        assert [trial.outcome.same_as for trial in search.trials.values()] == [None, 1, 1]
        assert search.ask("b") == "done"


def test_a_search_whose_first_trials_all_fail_alike_stops_and_says_why(made: Callable[..., Search]) -> None:
    search = made("random")
    for _ in range(3):
        trial = search.ask("one")
        search.end(trial.number, Outcome("failed", code="out-of-memory", reason="32 examples do not fit"))
    assert search.failure is not None
    assert (search.failure.code, "32 examples do not fit" in search.failure.message) == ("all-trials-fail", True)
    assert search.ask("one") == "done"


def test_trials_that_fail_in_other_ways_or_later_are_only_noted(made: Callable[..., Search]) -> None:
    search = made("random")
    for code in ("out-of-memory", "not-a-number", "not-a-number"):
        search.end(search.ask("one").number, Outcome("failed", code=code, reason=code))
    assert search.failure is None


@pytest.mark.parametrize(
    ("budget", "trials"), [({"trials": 5}, 5), ({"epochs": 27}, 3), ({"epochs": 28}, 4), ({"minutes": 1e-9}, 0)]
)
def test_a_budget_ends_a_search(budget: dict[str, Any], trials: int, made: Callable[..., Search]) -> None:
    search = made("random", budget=Budget.model_validate(budget))
    run(search)
    assert len(search.trials) == trials


def test_the_time_that_was_spent_before_a_kill_counts(made: Callable[..., Search]) -> None:
    search = made("random")
    search.journal.spent(3600)
    assert made("random").seconds >= 3600
    assert made("random", budget=Budget(minutes=59)).ask("one") == "done"


def test_the_best_are_repeated_with_other_seeds_and_chosen_by_their_mean(made: Callable[..., Search]) -> None:
    search = made("random")
    run(search)
    search = made("random", seeds=3, first_seed=5)
    own = sorted((trial for trial in search.trials.values()), key=lambda trial: -(trial.score or 0))
    while isinstance(trial := search.ask("one"), Trial):
        search = made("random", seeds=3, first_seed=5)  # killed at every step
        trial = search.ask("one")
        assert trial.repeats in [each.number for each in own[:3]]
        # The third becomes the best, the best the worst of the three.
        search.end(
            trial.number, Outcome("finished", {own[0].number: 0.1, own[2].number: 3.0}.get(trial.repeats, 0.5), 9, 1.0)
        )
    repeats = [trial for trial in search.trials.values() if trial.repeats]
    assert sorted((trial.repeats, trial.settings["seed"]) for trial in repeats) == sorted(
        (each.number, seed) for each in own[:3] for seed in (6, 7)
    )
    best = search.ranking[0]
    assert best.trial.number == own[2].number
    assert best.mean == pytest.approx((own[2].score + 6.0) / 3)
    assert [len(each.scores) for each in search.ranking] == [3, 3, 3] + [1] * 9


def test_a_journal_of_another_search_is_refused(made: Callable[..., Search]) -> None:
    run(made("random"), until=2)
    with pytest.raises(DlkitError) as raised:
        made("grid")
    assert raised.value.code == "search-differs"


def test_a_torn_last_line_did_not_happen(made: Callable[..., Search]) -> None:
    search = made("random")
    run(search, until=3)
    text = search.journal.path.read_text()
    search.journal.path.write_text(text + '{"ended": 3, "sta')
    again = made("random")
    assert told(again) == told(search)
    assert search.journal.path.read_text() == text


def test_a_score_that_is_no_number_is_a_failure(made: Callable[..., Search]) -> None:
    search = made("random")
    search.end(search.ask("one").number, Outcome("finished", float("nan"), 9, 1.0))
    assert search.trials[1].outcome.code == "not-a-number"
    assert search.ranking == []
