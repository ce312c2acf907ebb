"""Sweeps: trials in this process, and real ones whose chief and workers are killed."""

from __future__ import annotations

import csv
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dlkit.errors import DlkitError
from dlkit.recipe.load import Recipe, load
from dlkit.runs.folder import RunFolder
from dlkit.runs.group import GroupFolder
from dlkit.tuning.process import RENEW
from dlkit.tuning.service import Chief, Server, Service, TrialTaken, write_outcome
from dlkit.tuning.trial_recipe import scores_by_epoch
from dlkit.tuning.trials import TRIALS, Journal, Outcome, Trial
from dlkit.workflows import tune as tuning
from dlkit.workflows.local_workers import LocalWorkers
from dlkit.workflows.preparation import Kept
from dlkit.workflows.train import Trialled, train
from dlkit.workflows.trial import Worker, carry_out_trial
from tests.killing import Killed, killer

RECIPE = """
name: test/tune
seed: 3
data: {{source: digits, limit: 600, batch_size: 32, augment: [{{RandomTranslation: {{height_factor: 0.1, width_factor: 0.1}}}}]}}
model:
  sequential:
    - Rescaling: {{scale: 1/16}}
    - Flatten
    - Dense: {{units: 32, activation: relu, name: hidden}}
    - Dropout: {{rate: 0.2}}
    - Dense: {{units: $data.classes}}
training:
  epochs: {epochs}
  checkpoint: {{every: {{steps: 5}}}}
  optimizer: {{Adam: {{learning_rate: {{CosineDecay: {{initial_learning_rate: 3e-3, decay_steps: {{share: 1}}}}}}}}}}
tune:
  algorithm: {algorithm}
  objective: val_loss
  space:
    training.optimizer.learning_rate.initial_learning_rate: {{float: [1e-4, 1e-1], sampling: log}}
    model.sequential.hidden.units: {{int: [8, 64], step: 8}}
  {more}
"""
SECONDS = 300
FIRST = {"training.optimizer.learning_rate.initial_learning_rate": 0.01, "model.sequential.hidden.units": 16}


def written(folder: Path, algorithm: str = "{random: {trials: 6}}", epochs: int = 4, more: str = "") -> Path:
    path = folder / "recipe.yaml"
    path.write_text(RECIPE.format(algorithm=algorithm, epochs=epochs, more=more), encoding="utf-8")
    return path


@pytest.fixture
def sweep(tmp_path: Path) -> tuple[GroupFolder, Recipe]:
    folder = tuning.begin_sweep(load(written(tmp_path)), tmp_path / "runs", 1)
    return folder, load(folder.recipe, others=False)


def trial(number: int, values: dict[str, Any] | None = None, **more: Any) -> Trial:
    settings = FIRST if values is None else values
    return Trial(number, {}, settings, settings, **more)


def metrics(run: RunFolder) -> bytes:
    return run.metrics.read_bytes()


def test_a_trial_is_what_its_own_recipe_gives_and_its_test_split_is_not_looked_at(
    sweep: tuple[GroupFolder, Recipe], tmp_path: Path
) -> None:
    folder, recipe = sweep
    outcome = carry_out_trial(folder, recipe, trial(1), Trialled())
    run = folder.member(1)
    assert not run.evaluation.exists()
    assert not run.report.exists()
    alone = train(load(run.recipe), runs_dir=tmp_path / "alone")
    assert metrics(alone.folder) == metrics(run)
    assert outcome.score == min(line["val_loss"] for line in run.read_metrics())
    assert (outcome.status, outcome.epochs) == ("finished", 4)
    assert load(run.recipe).config.tune is None


def test_a_trial_that_was_killed_goes_on_to_the_bit(
    sweep: tuple[GroupFolder, Recipe], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, recipe = sweep
    whole = carry_out_trial(folder, recipe, trial(1), Trialled())
    with monkeypatch.context() as patch:
        killer(patch)(step=23)
        with pytest.raises(Killed):
            carry_out_trial(folder, recipe, trial(2), Trialled())
    outcome = carry_out_trial(folder, recipe, trial(2), Trialled())
    assert outcome.score == whole.score
    assert metrics(folder.member(2)) == metrics(folder.member(1))
    assert (
        carry_out_trial(folder, recipe, trial(2), Trialled()).score == whole.score
    )  # it has finished: nothing is trained


def test_a_trial_that_goes_on_in_a_round_of_hyperband_is_one_that_was_trained_in_one_go(
    sweep: tuple[GroupFolder, Recipe], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, recipe = sweep
    short = carry_out_trial(folder, recipe, trial(1, epochs=1), Trialled())
    assert (short.epochs, load(folder.member(1).recipe).config.training.stop_after.epochs) == (1, 1)
    with monkeypatch.context() as patch:
        killer(patch)(step=30)
        with pytest.raises(Killed):
            carry_out_trial(folder, recipe, trial(2, epochs=3, continues=1), Trialled())
    longer = carry_out_trial(folder, recipe, trial(2, epochs=3, continues=1), Trialled())
    whole = carry_out_trial(folder, recipe, trial(3, epochs=4, continues=2), Trialled())
    assert (longer.epochs, whole.epochs) == (3, 4)
    in_one_go = carry_out_trial(folder, recipe, trial(4), Trialled())
    assert metrics(folder.member(3)) == metrics(folder.member(4))
    assert in_one_go.score == whole.score
    alone = train(load(folder.member(2).recipe), runs_dir=tmp_path / "alone")
    assert metrics(alone.folder) == metrics(folder.member(2))


def test_a_trial_that_falls_behind_ends_and_its_recipe_says_when(
    sweep: tuple[GroupFolder, Recipe], tmp_path: Path
) -> None:
    folder, recipe = sweep
    outcome = carry_out_trial(folder, recipe, trial(1), Trialled(asked=lambda epochs: epochs == 2))
    assert (outcome.status, outcome.epochs) == ("stopped", 2)
    alone = train(load(folder.member(1).recipe), runs_dir=tmp_path / "alone")
    assert metrics(alone.folder) == metrics(folder.member(1))


def test_the_data_are_loaded_once_for_trials_that_do_not_change_them(
    sweep: tuple[GroupFolder, Recipe], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, recipe = sweep
    from dlkit.workflows import preparation

    load_splits, calls = preparation.load_splits, []
    monkeypatch.setattr(preparation, "load_splits", lambda *a, **k: calls.append(1) or load_splits(*a, **k))
    trialled = Trialled(kept=Kept())
    for number in (1, 2):
        carry_out_trial(folder, recipe, trial(number, epochs=1), trialled)
    assert len(calls) == 1
    carry_out_trial(folder, recipe, trial(3, {**FIRST, "data.limit": 200}, epochs=1), trialled)
    assert len(calls) == 2


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"training.optimizer.learning_rate.initial_learning_rate": 1e30}, "not-a-number"),
        ({"model.sequential.hidden.units": -1}, "out-of-range"),
        ({"model.sequential.Dropout": {"Conv2D": {"filters": 3, "kernel_size": 3}}}, None),
    ],
)
def test_failures_are_told_apart(settings: dict[str, Any], code: str | None, sweep: tuple[GroupFolder, Recipe]) -> None:
    outcome = carry_out_trial(*sweep, trial(1, {**FIRST, **settings}), Trialled())
    assert (outcome.status, outcome.score) == ("failed", None)
    assert outcome.reason
    assert code is None or outcome.code == code


def test_too_little_memory_is_told_as_that(sweep: tuple[GroupFolder, Recipe], monkeypatch: pytest.MonkeyPatch) -> None:
    def no_memory(*args: object, **kwargs: object) -> None:
        raise MemoryError

    monkeypatch.setattr("dlkit.workflows.trial.train", no_memory)
    assert carry_out_trial(*sweep, trial(1), Trialled()).code == "out-of-memory"


def test_the_values_of_a_trial_and_its_score_stand_in_tensorboard(sweep: tuple[GroupFolder, Recipe]) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams import plugin_data_pb2
    from tensorboard.util import tensor_util

    folder, recipe = sweep
    outcome = carry_out_trial(folder, recipe, trial(1, epochs=1), Trialled())
    events = EventAccumulator(str(folder.member(1).tensorboard / "trial"))
    events.Reload()
    content = events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    told = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info.hparams
    assert {name: value.number_value for name, value in told.items()} == FIRST
    (scalar,) = events.Tensors("val/loss")
    assert tensor_util.make_ndarray(scalar.tensor_proto) == pytest.approx(outcome.score)


@pytest.fixture
def answered(sweep: tuple[GroupFolder, Recipe]) -> Iterator[tuple[Service, str]]:
    folder, recipe = sweep
    search = tuning._search(recipe, folder, 1)
    service = Service(search, folder, lambda number: scores_by_epoch(folder.member(number).read_metrics(), recipe), 1)
    with Server(service) as server:
        yield service, f"127.0.0.1:{server.port}"


def test_workers_are_answered_over_keras_tuners_service(answered: tuple[Service, str]) -> None:
    service, address = answered
    one, other = Chief(address, "one"), Chief(address, "other")
    assert one.folder().path == service.folder.path
    assert (one.ask(), other.ask()) == (1, 2)
    assert service.search.given == {1: "one", 2: "other"}
    score = 0.1 + 0.2  # which 32 bits do not hold
    write_outcome(service.folder, 1, Outcome("finished", score, 4, 1.0))
    one.end()
    assert service.search.trials[1].score == score
    assert one.ask() == 3
    for number, value in ((2, 0.2), (3, 0.4)):
        write_outcome(service.folder, number, Outcome("finished", value, 1, 1.0))
    other.end()
    one.end()
    for number, value in ((1, 0.3), (2, 0.2), (3, 0.4)):
        service.folder.member(number).append_metrics({"stage": "train", "epoch": 1, "val_loss": value})
    assert one.ask() == 4
    service.folder.member(4).append_metrics({"stage": "train", "epoch": 1, "val_loss": 0.31})
    assert not one.goes_on(1)  # the median of the others is 0.3
    fourth = service.search.trials[4]
    service.search.trials[4] = replace(fourth, repeats=2)
    assert one.goes_on(1)  # with another seed it is trained to its end
    service.search.trials[4] = fourth
    assert other.ask() == 5
    service.folder.member(5).append_metrics({"stage": "train", "epoch": 1, "val_loss": 0.29})
    assert other.goes_on(1)
    service.search.give_back("other", "was not heard of for long")
    with pytest.raises(TrialTaken):  # no outcome of the trial, which another worker goes on with
        other.goes_on(2)
    assert one.ask() == 5


def test_an_outcome_that_a_killed_chief_did_not_hear_of_counts(answered: tuple[Service, str]) -> None:
    service, address = answered
    write_outcome(service.folder, 1, Outcome("finished", 0.5, 4, 1.0))
    assert Chief(address, "one").ask() == 2
    assert service.search.trials[1].score == 0.5


def test_a_search_whose_first_trials_all_fail_alike_leaves_its_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(service: Service, *_: object) -> None:
        for number in (1, 2, 3):
            service.search.ask("one")
            service.search.end(number, Outcome("failed", None, 0, 1.0, "not-a-number", "the loss is no number"))

    monkeypatch.setattr(tuning, "_run", fail)
    told: list[GroupFolder] = []
    with pytest.raises(DlkitError, match="The first 3 trials all failed alike: the loss is no number"):
        tuning.tune(load(written(tmp_path)), runs_dir=tmp_path, started=lambda folder, port: told.append(folder))
    assert [row["reason"] for row in table_of(told[0].path)] == ["the loss is no number"] * 3
    assert (told[0].path / "sweep.html").exists()
    assert not (told[0].path / "best.yaml").exists()


def test_a_search_goes_on_with_no_fewer_trials(sweep: tuple[GroupFolder, Recipe]) -> None:
    folder, recipe = sweep
    search = tuning._search(recipe, folder, 1)
    for _ in range(3):
        search.ask("one")
    with pytest.raises(DlkitError, match="more trials than the search is to have: 3 and on"):
        tuning.tune(recipe, folder=folder, limits=["tune.algorithm.trials=2"])


def test_a_worker_whose_memory_has_grown_makes_room_for_another(
    answered: tuple[Service, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    service, address = answered
    held = iter([100, 100, 100, 131])
    monkeypatch.setattr("dlkit.workflows.trial.memory_held", lambda: next(held))
    monkeypatch.setattr("dlkit.workflows.trial.carry_out_trial", lambda *_: Outcome("finished", 0.5, 1, 1.0))
    for number in range(1, 7):
        service.folder.member(number)
    assert Worker(address, "one", lambda line: None, growth=30).work() == RENEW
    assert len(service.search.outcomes) == 3
    monkeypatch.setattr("dlkit.workflows.trial.memory_held", lambda: 100)
    assert Worker(address, "other", lambda line: None, growth=30).work() == 0
    assert len(service.search.outcomes) == 6


@pytest.mark.parametrize(("status", "is_replaced"), [(RENEW, True), (-signal.SIGKILL, True), (0, False)])
def test_a_worker_that_is_renewed_or_lost_is_replaced(
    status: int, is_replaced: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Process:
        pid, returncode = 0, status

        def poll(self) -> int:
            return status

    begun, lost = [], []
    monkeypatch.setattr(
        "dlkit.workflows.local_workers.subprocess.Popen", lambda *_, **__: begun.append(Process()) or begun[-1]
    )
    workers = LocalWorkers(1, ["tune"], tmp_path / "workers", lambda name, how: lost.append(how) or [1])
    workers.start()
    assert workers.look(is_done=False) == is_replaced
    assert len(begun) == (2 if is_replaced else 1)
    assert lost == (["was killed by SIGKILL"] if status < 0 else [])


# Real processes


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    begun: list[subprocess.Popen[bytes]] = []

    def start(*words: str, runs: str = "runs", before: tuple[str, ...] = ()) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "DLKIT_RUNS_DIR": str(tmp_path / runs), "TF_CPP_MIN_LOG_LEVEL": "3"}
        with (tmp_path / f"{runs}-{len(begun)}.txt").open("wb") as file:
            command = [*before, sys.executable, "-m", "dlkit", *words]
            begun.append(subprocess.Popen(command, env=environment, stdout=file, stderr=file, start_new_session=True))
        return begun[-1]

    yield start
    for process in begun:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_until(is_so: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + SECONDS
    while not is_so():
        assert process.poll() is None, "it ended before"
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(0.02)


def table_of(folder: Path) -> list[dict[str, str]]:
    """trials.csv without what tells the time."""
    with (folder / "trials.csv").open(encoding="utf-8") as file:
        return [{name: value for name, value in row.items() if name != "seconds"} for row in csv.DictReader(file)]


def workers_of(sweep: Path) -> list[int]:
    """The processes that train trials of a sweep."""
    found = []
    for status in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = status.read_bytes().split(b"\0")
            if b"--join" in words and any(str(sweep).encode() in word for word in words):
                found.append(int(status.parent.name))
    return found


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep of eight trials that was left alone."""
    folder = tmp_path_factory.mktemp("whole")
    words = ["tune", str(written(folder, "{random: {trials: 8}}", epochs=8)), "--runs-dir", str(folder / "runs")]
    done = subprocess.run([sys.executable, "-m", "dlkit", *words], capture_output=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    (sweep,) = (folder / "runs" / "test" / "tune").iterdir()
    return sweep


def kill(chief: subprocess.Popen[bytes], sweep: Path, what: str) -> None:
    """Kills the chief, whose workers are to end with it, or a worker, or all of them."""
    workers = workers_of(sweep)
    if what != "worker":
        chief.kill()
    for worker in {"chief": [], "worker": workers[:1], "all": workers}[what]:
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)
    if what != "worker":
        chief.wait()
        deadline = time.monotonic() + 30
        while workers_of(sweep):
            assert time.monotonic() < deadline
            time.sleep(0.1)


@pytest.mark.parametrize(
    "kills",
    [
        [("chief", 1), ("worker", 2), ("all", 4)],  # each once so many trials have ended
        pytest.param(
            [(what, None) for what in ("all", "worker", "chief") * 4], marks=pytest.mark.slow
        ),  # at any moment
    ],
    ids=["three", "many"],
)
def test_however_often_it_is_killed_a_sweep_ends_as_one_left_alone(
    whole: Path, kills: Sequence[tuple[str, int | None]], tmp_path: Path, run: Callable[..., subprocess.Popen[bytes]]
) -> None:
    recipe = str(written(tmp_path, "{random: {trials: 6}}", epochs=8))  # and two more in the end
    chief = run("tune", recipe, "--workers", "2")
    root = tmp_path / "runs" / "test" / "tune"
    wait_until(lambda: any(root.glob("*/group.json")), chief)
    (sweep,) = root.iterdir()
    journal, moments = Journal(sweep / TRIALS), random.Random(1)
    kept: dict[int, Outcome] = {}

    def ended() -> dict[int, Outcome]:
        return {found.number: found.outcome for found in journal.trials() if found.outcome}

    for what, trials in kills:
        if trials is None:
            time.sleep(moments.uniform(0, 12))
        else:
            wait_until(lambda: len(ended()) >= trials, chief)  # noqa: B023  it is called here
        if chief.poll() is not None:
            break
        kill(chief, sweep, what)
        kept |= ended()
        if what != "worker":
            chief = run("tune", recipe, "--resume", "--workers", "2")
    assert chief.wait(SECONDS) == 0
    assert run("tune", recipe, "--resume", "--workers", "2", "--set", "tune.algorithm.trials=8").wait(SECONDS) == 0
    assert table_of(sweep) == table_of(whole)
    assert (sweep / TRIALS).read_text().count('"ended"') == 8
    for number, outcome in ended().items():
        assert kept.get(number, outcome) == outcome
        member = f"members/{number:04d}/metrics.jsonl"
        assert (sweep / member).read_bytes() == (whole / member).read_bytes()
    assert (sweep / "best.yaml").read_bytes() == (whole / "best.yaml").read_bytes()


def test_workers_of_another_host_join(
    two_hosts: tuple[str, str], tmp_path: Path, run: Callable[..., subprocess.Popen[bytes]]
) -> None:
    recipe = str(written(tmp_path, "{random: {trials: 3}}", epochs=1))
    here, there = (("ip", "netns", "exec", host) for host in two_hosts)
    chief = run("tune", recipe, "--chief", "--port", "5005", before=here)
    worker = run("tune", recipe, "--join", "10.77.0.1:5005", before=there)
    assert (chief.wait(SECONDS), worker.wait(SECONDS)) == (0, 0)
    (sweep,) = (tmp_path / "runs" / "test" / "tune").iterdir()
    assert [row["status"] for row in table_of(sweep)] == ["finished"] * 3
    assert "trial 3: finished" in (tmp_path / "runs-1.txt").read_text()


def test_ctrl_c_lets_the_trials_be_saved_and_says_how_to_go_on(
    tmp_path: Path, run: Callable[..., subprocess.Popen[bytes]]
) -> None:
    recipe = str(written(tmp_path, epochs=200))
    process = run("tune", recipe)
    root = tmp_path / "runs" / "test" / "tune"
    wait_until(lambda: any(root.glob("*/members/0001/metrics.jsonl")), process)
    process.send_signal(signal.SIGINT)
    assert process.wait(SECONDS) == 130
    (sweep,) = root.iterdir()
    assert GroupFolder(sweep).member(1).state() == "interrupted"
    assert f"Go on with: dlkit tune {recipe} --resume" in (tmp_path / "runs-0.txt").read_text()
