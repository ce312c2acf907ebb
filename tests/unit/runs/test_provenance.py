"""provenance.json."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dlkit.runs import provenance as module
from dlkit.runs.provenance import environment, git_state, provenance


@pytest.fixture
def repository_of_recipe(tmp_path: Path) -> Path:
    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
        subprocess.run(["git", "-C", str(tmp_path), *identity, *arguments], check=True, capture_output=True)

    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "a.yaml").write_text("seed: 1\n")
    git("init")
    git("add", ".")
    git("commit", "-m", "first")
    return tmp_path


def test_it_holds_what_the_contract_asks_for_and_is_json(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "PACKAGES", ("numpy", "no-such-package"))
    told = provenance(
        command=["dlkit", "train", "my recipe.yaml"],
        seeds={"seed": 7},
        data_fingerprint="abc",
        chosen={"training.jit_compile": False},
        gpus=["NVIDIA H200"],
    )
    told = json.loads(json.dumps(told))
    assert told["command"] == "dlkit train 'my recipe.yaml'"
    assert told["versions"]["python"] == sys.version.split()[0]
    assert told["versions"]["numpy"][0].isdigit()
    assert told["versions"]["no-such-package"] is None
    assert told["hardware"]["gpus"] == ["NVIDIA H200"]
    assert told["hardware"]["cores"] >= 1
    assert told["hardware"]["memory_bytes"] > 10**8
    assert told["hardware"]["cpu"]
    assert (told["seeds"], told["data_fingerprint"], told["git"]) == ({"seed": 7}, "abc", None)
    assert told["chosen"] == {"training.jit_compile": False}


def test_only_the_variables_that_bear_on_the_result_are_noted(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    told = environment()
    assert told["OMP_NUM_THREADS"] == "2"
    assert told["TF_ENABLE_ONEDNN_OPTS"] == "0"
    assert "hidden" not in told.values()


def test_commit_and_uncommitted_diff_of_the_folder_of_the_recipe(repository_of_recipe: Path):
    clean = git_state(repository_of_recipe / "recipes")
    assert clean is not None
    assert len(clean["commit"]) == 40
    assert clean["diff"] == ""
    (repository_of_recipe / "recipes" / "a.yaml").write_text("seed: 2\n")
    changed = git_state(repository_of_recipe / "recipes")
    assert changed is not None
    assert "-seed: 1\n+seed: 2\n" in changed["diff"]
    assert "note" not in changed


def test_a_long_diff_is_cut_and_says_so(repository_of_recipe: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "DIFF_LIMIT_BYTES", 100)
    (repository_of_recipe / "recipes" / "a.yaml").write_text("seed: 2\n" * 100)
    told = git_state(repository_of_recipe)
    assert told is not None
    assert len(told["diff"]) == 100
    assert "the first 100 are kept" in told["note"]


def test_a_hook_of_another_repository_does_not_mislead(repository_of_recipe: Path, monkeypatch: pytest.MonkeyPatch):
    expected = git_state(repository_of_recipe)
    monkeypatch.setenv("GIT_DIR", str(repository_of_recipe / "nowhere"))
    assert git_state(repository_of_recipe) == expected


def test_without_a_repository_a_commit_or_git_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert git_state(tmp_path) is None
    subprocess.run(["git", "init", str(tmp_path)], check=True, capture_output=True)
    assert git_state(tmp_path) is None
    monkeypatch.setenv("PATH", "")
    assert git_state(tmp_path) is None


def test_the_ground_floor_imports_nothing_heavy():
    code = """
import sys
import dlkit.runs.find, dlkit.runs.folder, dlkit.runs.provenance, dlkit.training.interruption
heavy = {"tensorflow", "keras", "numpy", "pydantic", "rich", "sklearn"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True)
