"""A file is replaced whole or not at all."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dlkit.errors import DlkitError
from dlkit.runs.atomic import remove_leftovers, replacing, write_bytes, write_json, write_text


def run_python(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True)


def test_text_bytes_and_json_are_written(tmp_path: Path):
    write_text(tmp_path / "a.txt", "één\r\n")
    write_bytes(tmp_path / "b.bin", b"\0\1")
    write_json(tmp_path / "c.json", {"a": [1, 0.1]})
    assert (tmp_path / "a.txt").read_bytes() == "één\r\n".encode()
    assert (tmp_path / "b.bin").read_bytes() == b"\0\1"
    assert json.loads((tmp_path / "c.json").read_text()) == {"a": [1, 0.1]}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "b.bin", "c.json"]


def test_the_temporary_file_is_hidden_and_keeps_folder_and_suffix(tmp_path: Path):
    with replacing(tmp_path / "model.keras") as temporary:
        temporary.write_text("new")
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".keras"
        assert temporary.name.startswith(".")
        assert not (tmp_path / "model.keras").exists()
    assert (tmp_path / "model.keras").read_text() == "new"


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path):
    path = tmp_path / "model.keras"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), replacing(path) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_kill_leaves_the_old_file_and_its_leftover_can_be_removed(tmp_path: Path):
    path = tmp_path / "model.keras"
    path.write_text("old")
    code = """
import os, pathlib, signal, sys
from dlkit.runs.atomic import replacing
with replacing(pathlib.Path(sys.argv[1])) as temporary:
    temporary.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert run_python(code, path).returncode == -9
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 2
    remove_leftovers(tmp_path)
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_the_old_file_and_is_told_in_a_sentence(tmp_path: Path):
    path = tmp_path / "weights.bin"
    path.write_text("old")
    # A limit on the size of files stands in for the full disk: the kernel refuses the write halfway.
    code = """
import pathlib, resource, sys
from dlkit.errors import DlkitError
from dlkit.runs.atomic import write_bytes
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    write_bytes(pathlib.Path(sys.argv[1]), bytes(1_000_000))
except DlkitError as error:
    print(error.code, error.message)
"""
    done = run_python(code, path)
    assert done.stdout.startswith(f"cannot-write Cannot write {path}: "), done.stderr
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_missing_is_told_in_a_sentence(tmp_path: Path):
    with pytest.raises(DlkitError, match="No such file") as told:
        write_text(tmp_path / "missing" / "a.txt", "x")
    assert told.value.code == "cannot-write"
