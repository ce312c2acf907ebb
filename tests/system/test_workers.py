"""Several processes train one model: on one machine, on two hosts, killed, interrupted, resumed to the bit."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from dlkit.runs.find import all_runs
from dlkit.runs.folder import RunFolder
from dlkit.training.checkpoints import states_of

RECIPE = """
name: test/workers
seed: 5
data: {source: digits, batch_size: 64, limit: 700, augment: [{RandomTranslation: {height_factor: 0.1, width_factor: 0.1}}]}
model:
  sequential:
    - Rescaling: {scale: 1/16}
    - Conv2D: {filters: 4, kernel_size: 3, use_bias: false}
    - BatchNormalization
    - ReLU
    - Flatten
    - Dropout: {rate: 0.3}
    - Dense: {units: $data.classes}
training:
  epochs: 10
  optimizer: {Adam: {learning_rate: 3e-3, use_ema: true, ema_momentum: 0.9}}
  checkpoint: {every: {steps: 4}}
"""
SECONDS = 240
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "workers.yaml"
    path.write_text(RECIPE)
    return path


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts `dlkit` with these words; what still runs after the test is killed."""
    started: list[subprocess.Popen[str]] = []

    def begin(*words: object, before: tuple[str, ...] = (), **environment: str) -> subprocess.Popen[str]:
        command = [*before, sys.executable, "-m", "dlkit", *map(str, words)]
        pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        started.append(subprocess.Popen(command, env={**os.environ, **environment}, start_new_session=True, **pipes))
        return started[-1]

    yield begin
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        if not process.stdout.closed:
            process.communicate()


@pytest.fixture(scope="module")
def whole(recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run of two workers that was left alone."""
    root = tmp_path_factory.mktemp("whole")
    words = ["train", str(recipe), "--workers", "2", "--runs-dir", str(root), "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "dlkit", *words], capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("\n") == 1 and json.loads(done.stdout)["metrics"]["test_accuracy"] > 0.1
    (run,) = all_runs(root)
    assert run.read_status().workers == 2
    return run


def only_run(root: Path) -> RunFolder:
    (run,) = all_runs(root)
    return run


def wait_for(happened: Callable[[], Any], process: subprocess.Popen[str]) -> None:
    """Waits until something has happened, or the process has ended."""
    deadline = time.monotonic() + SECONDS
    while not happened() and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def worker_of(launcher: subprocess.Popen[str], number: int) -> int:
    """The process of a worker."""
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            status = (path / "stat").read_text().rpartition(")")[2].split()
            environment = (path / "environ").read_bytes()
            if int(status[1]) == launcher.pid and f'"index": {number}'.encode() in environment:
                return int(path.name)
    raise AssertionError(f"no worker {number}")


def assert_same(one: RunFolder, other: RunFolder) -> None:
    assert one.metrics.read_bytes() == other.metrics.read_bytes()
    assert one.evaluation.read_bytes() == other.evaluation.read_bytes()


def has_states(root: Path, count: int = 1) -> bool:
    return any(len(states_of(run)) >= count for run in all_runs(root))


def test_the_numbers_are_those_of_two_devices_of_one_process(whole, recipe, tmp_path, start) -> None:
    process = start("train", recipe, "--logical-devices", 2, "--runs-dir", tmp_path)
    assert process.wait(SECONDS) == 0, process.communicate()[0][-3000:]
    here, there = only_run(tmp_path).read_metrics(), whole.read_metrics()
    assert [line["loss"] for line in here] == pytest.approx([line["loss"] for line in there], rel=5e-3)
    assert [line["val_loss"] for line in here] == pytest.approx([line["val_loss"] for line in there], rel=5e-3)


@pytest.mark.parametrize("kills", [3, pytest.param(12, marks=pytest.mark.slow)])
def test_a_killed_worker_ends_the_others_and_the_run_goes_on_to_the_bit(whole, recipe, tmp_path, start, kills) -> None:
    moments = random.Random(kills)
    words: tuple[object, ...] = ("train", recipe, "--workers", 2)
    for _ in range(kills):
        newest = [path.name for run in all_runs(tmp_path) for path in states_of(run)][-1:]
        process = start(*words, "--runs-dir", tmp_path)
        wait_for(lambda: [p.name for r in all_runs(tmp_path) for p in states_of(r)][-1:] != newest, process)  # noqa: B023
        time.sleep(moments.uniform(0, 0.15))
        if process.poll() is None:
            os.kill(worker_of(process, moments.randrange(2)), signal.SIGKILL)
        began = time.monotonic()
        output = process.communicate(timeout=60)[0]
        assert time.monotonic() - began < 60
        words = ("resume", "latest")
        if process.returncode == 0:
            break
        assert process.returncode == 1 and "was killed by SIGKILL" in output and "dlkit resume" in output, output[
            -3000:
        ]
    process = start("resume", "latest", "--runs-dir", tmp_path)
    assert process.wait(SECONDS) == 0, process.communicate()[0][-3000:]
    assert_same(only_run(tmp_path), whole)


def test_workers_end_with_a_launcher_that_is_killed(whole, recipe, tmp_path, start) -> None:
    process = start("train", recipe, "--workers", 2, "--runs-dir", tmp_path)
    wait_for(lambda: has_states(tmp_path), process)
    workers = [worker_of(process, number) for number in range(2)]
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)  # the chief holds the same output
    deadline = time.monotonic() + 60
    while any(Path(f"/proc/{worker}").exists() for worker in workers):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    process = start("resume", "latest", "--runs-dir", tmp_path)
    assert process.wait(SECONDS) == 0, process.communicate()[0][-3000:]
    assert_same(only_run(tmp_path), whole)


def test_a_signal_stops_all_at_one_step_and_the_run_goes_on_to_the_bit(whole, recipe, tmp_path, start) -> None:
    process = start("train", recipe, "--workers", 2, "--runs-dir", tmp_path)
    wait_for(lambda: has_states(tmp_path), process)
    os.kill(process.pid, signal.SIGTERM)
    output = process.communicate(timeout=60)[0]
    assert process.returncode == 143, output[-3000:]
    assert f"Go on with: dlkit resume {only_run(tmp_path).path}" in output
    process = start("resume", "latest", "--runs-dir", tmp_path)
    assert process.wait(SECONDS) == 0, process.communicate()[0][-3000:]
    assert_same(only_run(tmp_path), whole)


def test_two_hosts_train_together_through_tf_config(two_hosts, whole, recipe, tmp_path, start) -> None:
    addresses = ["10.77.0.1:23456", "10.77.0.2:23456"]
    workers = []
    for number, host in enumerate(two_hosts):
        told = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": number}}
        threads = {"TF_NUM_INTRAOP_THREADS": "1", "OMP_NUM_THREADS": "1"}
        words = ("train", recipe, "--set", "training.strategy=multi_worker", "--runs-dir", tmp_path)
        workers.append(start(*words, before=("ip", "netns", "exec", host), TF_CONFIG=json.dumps(told), **threads))
    for worker in workers:
        output = worker.communicate(timeout=SECONDS)[0]
        assert worker.returncode == 0, output[-3000:]
    run = only_run(tmp_path)  # the chief's: the other host's is gone
    losses = ([line["loss"] for line in each.read_metrics()] for each in (run, whole))
    assert next(losses) == pytest.approx(next(losses), rel=1e-4)
