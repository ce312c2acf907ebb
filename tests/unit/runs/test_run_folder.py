"""A run folder: its name, its lock, its state, its metrics."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dlkit.errors import DlkitError
from dlkit.runs.folder import RunFolder
from dlkit.runs.status import Status


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path / "runs", "digits/cnn")


@contextmanager
def running_elsewhere(run: RunFolder) -> Iterator[subprocess.Popen[str]]:
    """Another process that runs the run until it is killed."""
    code = """
import pathlib, sys, time
from dlkit.runs.folder import RunFolder
with RunFolder(pathlib.Path(sys.argv[1])).running():
    print("running", flush=True)
    time.sleep(60)
"""
    process = subprocess.Popen([sys.executable, "-c", code, str(run.path)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout and process.stdout.readline() == "running\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def test_folders_are_named_by_recipe_and_time_and_never_collide(tmp_path: Path):
    runs = [RunFolder.create(tmp_path, "digits/cnn") for _ in range(300)]
    assert len({run.path for run in runs}) == 300
    assert all(run.path.is_dir() and run.path.parent == tmp_path / "digits" / "cnn" for run in runs)
    assert all(re.fullmatch(r"\d{8}-\d{6}-[0-9a-f]{4}", run.name) for run in runs)


def test_a_name_that_is_taken_is_drawn_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    drawn = iter(["aaaa", "aaaa", "aaaa", "bbbb", "bbbb", "cccc"])
    monkeypatch.setattr("dlkit.runs.folder.secrets.token_hex", lambda size: next(drawn))
    assert [RunFolder.create(tmp_path, "x").name[-4:] for _ in range(3)] == ["aaaa", "bbbb", "cccc"]


def test_a_root_that_is_a_file_is_told_in_a_sentence(tmp_path: Path):
    (tmp_path / "runs").write_text("")
    with pytest.raises(DlkitError, match="Cannot write"):
        RunFolder.create(tmp_path / "runs", "digits/cnn")


def test_the_state_follows_the_run(run: RunFolder):
    with run.running(workers=2) as status:
        assert run.state() == "running"
        assert run.read_status() == status
        assert (status.pid, status.workers, status.epoch) == (os.getpid(), 2, 0)
        run.update_status(stage="train", epoch=3, epochs=20, step=1407)
    assert run.state() == "finished"
    status = run.read_status()
    assert (status.stage, status.epoch, status.epochs, status.step, status.workers) == ("train", 3, 20, 1407, 2)


def test_status_json_is_what_the_contract_says(run: RunFolder):
    with run.running():
        pass
    written = json.loads(run.status.read_text())
    assert {"state", "stage", "epoch", "step", "workers", "error"} <= written.keys()


@pytest.mark.parametrize(
    ("raised", "state", "told"),
    [
        (DlkitError("The loss became nan.", "Lower it."), "failed", "The loss became nan."),
        (ValueError("bad"), "failed", "ValueError: bad"),
        (KeyboardInterrupt(), "interrupted", None),
    ],
)
def test_how_it_ended_is_noted_and_the_error_passes_on(run: RunFolder, raised, state: str, told: str | None):
    with pytest.raises(type(raised)), run.running():
        raise raised
    assert run.state() == state
    assert run.read_status().error == told


def test_a_second_process_is_refused_and_told_the_first(run: RunFolder):
    with running_elsewhere(run) as other:
        assert run.state() == "running"
        with pytest.raises(DlkitError, match=f"in use by process {other.pid} on ") as told, run.running():
            pass
        assert told.value.code == "run-in-use"
        assert run.read_status().pid == other.pid


def test_a_run_in_this_process_is_locked_too(run: RunFolder):
    with run.running(), pytest.raises(DlkitError, match=f"process {os.getpid()} "), run.running():
        pass


def test_a_killed_run_is_recognized_and_can_be_taken_up(run: RunFolder):
    with running_elsewhere(run) as other:
        os.kill(other.pid, signal.SIGKILL)
        other.wait()
        assert run.read_status().state == "running"
        assert run.state() == "killed"
    (run.path / ".model.12345678.tmp.keras").write_text("half")
    with run.running():
        assert run.state() == "running"
        assert not list(run.path.glob("*.tmp*"))
        assert not list(run.path.glob(".*.tmp*"))


def test_a_status_that_dlkit_did_not_write_is_an_error(run: RunFolder):
    for text in ("", "[]", '{"state": "running"}', '{"color": 1}'):
        run.status.write_text(text)
        with pytest.raises(DlkitError) as told:
            run.state()
        assert told.value.code == "not-a-run"


def test_status_round_trip(run: RunFolder):
    status = Status.of_this_process(workers=3)
    status.write(run.status)
    assert Status.read(run.status) == status


def test_metrics_come_back_as_they_were(run: RunFolder):
    lines = [
        {"stage": "train", "epoch": 1, "loss": 0.1 + 0.2, "accuracy": 1 / 3},
        {"stage": "train", "epoch": 2, "loss": float("inf"), "accuracy": 5e-324},
    ]
    assert run.read_metrics() == []
    for line in lines:
        run.append_metrics(line)
    assert run.read_metrics() == lines
    run.append_metrics({"loss": float("nan")})
    assert run.read_metrics()[2]["loss"] != run.read_metrics()[2]["loss"]
    assert '"NaN"' in run.metrics.read_text()


def test_each_line_is_in_the_file_at_once(run: RunFolder):
    run.append_metrics({"epoch": 1})
    assert run.metrics.read_text() == '{"epoch": 1}\n'


def test_a_torn_last_line_is_left_out(run: RunFolder):
    run.append_metrics({"epoch": 1})
    with run.metrics.open("a") as file:
        file.write('{"epoch": 2, "lo')
    assert run.read_metrics() == [{"epoch": 1}]


def test_a_damaged_line_in_the_middle_is_named(run: RunFolder):
    run.metrics.write_text('{"epoch": 1}\nnonsense\n{"epoch": 3}\n')
    with pytest.raises(DlkitError, match=r"metrics\.jsonl:2"):
        run.read_metrics()
