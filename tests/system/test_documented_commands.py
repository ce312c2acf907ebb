"""Every command of the documentation does what the page says: each page is run from top to bottom in an empty folder."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.documents import PAGES, Block, blocks, name_of

QUICK = "docs/eject.md"  # the page that is run every time
_OWN_PROCESS = ("--logical-devices", "--workers")  # what is to be said before TensorFlow starts
_OF_THE_DATA_FOLDER = re.compile(r"\b(?:adult|captions|cifar10|fashion_mnist|imdb|rt_polarity|shakespeare|wardrobe)\b")

RUN = {name_of(page): list(blocks(page.read_text(encoding="utf-8"))) for page in PAGES}
RUN = {name: found for name, found in RUN.items() if any(block.commands for block in found)}
EACH = [pytest.param(name, marks=[] if name == QUICK else [pytest.mark.slow], id=name) for name in RUN]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, with the runs inside."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DLKIT_RUNS_DIR", "runs")
    return tmp_path


@pytest.mark.parametrize("page", EACH)
def test_the_commands_of_a_page(page: str, folder: Path, dlkit, reports, repository: Path, request) -> None:
    to_run = [block for block in RUN[page] if "not run" not in block.marks]
    if any(_OF_THE_DATA_FOLDER.search(line) for block in to_run for line in block.commands):
        request.getfixturevalue("data_dir")
    for block in to_run:
        if name := block.marks.get("file"):
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_text(block.text, encoding="utf-8")
        elif "run" in block.marks:
            _run_python(block, repository)
        else:
            for line in block.commands:
                wanted = int(block.marks.get("status", 0)) if line == block.commands[-1] else 0
                status, said = _run(line, dlkit, repository)
                assert status == wanted, f"{line}\n{said}"


def test_a_mark_tells_why_a_block_is_not_run() -> None:
    marked = [block for found in RUN.values() for block in found if "not run" in block.marks]
    assert marked and all(block.marks["not run"] for block in marked)
    assert sum(len(block.commands) for found in RUN.values() for block in found) > 25


def _run(line: str, dlkit, repository: Path) -> tuple[int, str]:
    """The exit status of a line, and what it said; what it prints goes to a file where the line says so."""
    words = shlex.split(line, comments=True)[1:]
    target = None
    if ">" in words:
        target, words = words[words.index(">") + 1], words[: words.index(">")]
    if words[0] == "tensorboard":
        return _served([*words, "--port", "0"], repository)
    if any(word in words for word in _OWN_PROCESS):
        done = _process(words, repository)
        stdout, stderr = done.communicate()
        return done.returncode, stdout + stderr
    answer = dlkit(*words)
    if target:
        Path(target).write_text(answer.stdout, encoding="utf-8")
    return answer.status, answer.stdout + answer.stderr


def _served(words: list[str], repository: Path) -> tuple[int, str]:
    """What comes of a command that serves until somebody presses Ctrl-C."""
    process = _process(words, repository)
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if "Ctrl-C" in line:
            process.send_signal(signal.SIGINT)
    process.communicate()
    return process.returncode, "".join(said)


def _process(words: list[str], repository: Path) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(repository)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([sys.executable, "-m", "dlkit", *words], **pipes, text=True, env=environment)


def _run_python(block: Block, repository: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(repository)}
    done = subprocess.run(
        [sys.executable, "-c", block.text], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{block.text}\n{done.stderr}"
