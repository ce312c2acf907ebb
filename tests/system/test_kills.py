"""Real processes, killed at random moments: `dlkit resume` ends where a run left alone does, to the bit."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import keras
import pytest

from dlkit.runs.find import all_runs
from dlkit.runs.folder import RunFolder
from dlkit.training.checkpoints import read_state, states_of
from tests.killing import assert_same_state

RECIPE = """
name: test/kills
seed: 11
data:
  source: digits
  batch_size: 32
  augment: [{RandomTranslation: {height_factor: 0.1, width_factor: 0.1}}]
model:
  sequential:
    - Rescaling: {scale: 1/16}
    - Conv2D: {filters: 8, kernel_size: 3, use_bias: false, name: conv}
    - BatchNormalization: {name: norm}
    - ReLU
    - Flatten
    - Dropout: {rate: 0.3}
    - Dense: {units: $data.classes, kernel_regularizer: {L2: {l2: 1e-4}}, name: classifier}
training:
  epochs: 12
  optimizer: {Adam: {learning_rate: 2e-3, use_ema: true, ema_momentum: 0.95}}
  checkpoint: {every: {steps: 7}}
  callbacks:
    - EarlyStopping: {monitor: val_accuracy, patience: 4, restore_best_weights: true}
    - ReduceLROnPlateau: {monitor: val_loss, patience: 1, factor: 0.5}
  stages:
    - {name: whole}
    - {name: head, freeze: [conv, norm], optimizer: {SGD: {learning_rate: 0.01, gradient_accumulation_steps: 3}}, epochs: 6}
"""
SECONDS = 240


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "kills.yaml"
    path.write_text(RECIPE)
    return path


@pytest.fixture(scope="module")
def whole(recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """The run that was left alone."""
    root = tmp_path_factory.mktemp("whole")
    words = ["train", str(recipe), "--runs-dir", str(root)]
    done = subprocess.run([sys.executable, "-m", "dlkit", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return only_run(root)


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts `dlkit` with these words."""
    started: list[subprocess.Popen[str]] = []

    def begin(*words: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "dlkit", *map(str, words)]
        started.append(
            subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
            )
        )
        return started[-1]

    yield begin
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        if not process.stdout.closed:
            process.communicate()


def only_run(root: Path) -> RunFolder:
    (run,) = all_runs(root)
    return run


def wait_for(happened: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Waits until something has happened, or the process has ended."""
    deadline = time.monotonic() + SECONDS
    while not happened() and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def traces(root: Path) -> set[str]:
    """The files of states, those that are being written included."""
    return {path.name for path in root.rglob("checkpoints/*")} | {path.name for path in root.rglob("checkpoints/.*")}


def assert_same(run: RunFolder, whole: RunFolder) -> None:
    assert run.metrics.read_bytes() == whole.metrics.read_bytes()
    assert run.evaluation.read_bytes() == whole.evaluation.read_bytes()
    for name in ("best.keras", "model.keras"):
        models = [keras.models.load_model(each.path / name) for each in (run, whole)]
        for here, there in zip(*(model.get_weights() for model in models), strict=True):
            assert here.tobytes() == there.tobytes(), name
    assert_same_state(*(read_state(states_of(each)[-1]) for each in (run, whole)))


@pytest.mark.parametrize("kills", [3, pytest.param(12, marks=pytest.mark.slow)])
def test_a_run_killed_again_and_again_ends_as_one_left_alone(whole, recipe, tmp_path, start, kills) -> None:
    moments, words = random.Random(kills), ("train", recipe)
    for number in range(kills):
        before = traces(tmp_path)
        process = start(*words, "--runs-dir", tmp_path)
        wait_for(lambda: traces(tmp_path) != before, process)  # noqa: B023
        # At once, while a state is written; or later, in a step, in a validation, between two epochs.
        time.sleep(0 if number % 3 == 0 else moments.uniform(0, 0.5))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        words = ("resume", "latest")
        if process.returncode == 0:
            break
        assert only_run(tmp_path).state() == "killed"
    process = start("resume", "latest", "--runs-dir", tmp_path)
    output = process.communicate(timeout=SECONDS)[0]
    assert process.returncode == 0, output[-3000:]
    assert_same(only_run(tmp_path), whole)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_a_state_and_says_how_to_go_on(whole, recipe, tmp_path, start, number, status) -> None:
    process = start("train", recipe, "--runs-dir", tmp_path, "--set", "training.checkpoint.every.steps=100000")
    wait_for(lambda: any("epoch  1/12" in log.read_text() for log in tmp_path.rglob("log.txt")), process)
    time.sleep(0.1)
    os.kill(process.pid, number)
    output = process.communicate(timeout=SECONDS)[0]
    run = only_run(tmp_path)
    assert process.returncode == status, output[-3000:]
    assert output.splitlines()[-1] == f"Go on with: dlkit resume {run.path}"
    assert run.state() == "interrupted" and states_of(run)
    process = start("resume", "latest", "--runs-dir", tmp_path)
    output = process.communicate(timeout=SECONDS)[0]
    assert process.returncode == 0 and "going on: " in output, output[-3000:]
    assert run.metrics.read_bytes() == whole.metrics.read_bytes()
    assert run.evaluation.read_bytes() == whole.evaluation.read_bytes()
