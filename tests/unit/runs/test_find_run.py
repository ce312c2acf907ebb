"""Which run a word means."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dlkit.errors import DlkitError
from dlkit.runs.find import all_runs, find_run, runs_root
from dlkit.runs.folder import RunFolder
from dlkit.runs.status import Status


def make_run(root: Path, name: str) -> Path:
    (root / name).mkdir(parents=True)
    Status.of_this_process().write(root / name / "status.json")
    return root / name


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "runs"
    make_run(root, "digits/cnn/20250131-142530-aaaa")
    make_run(root, "fashion_mnist/cnn/20250201-000000-bbbb")
    make_run(root, "digits/cnn/20241231-235959-cccc")
    group = root / "digits/mlp/20250115-120000-dddd"
    for number in ("0001", "0002"):
        make_run(group, f"members/{number}")
    (group / "group.json").write_text("{}")
    (root / "digits" / "notes").mkdir()
    return root


def names(runs: list[RunFolder], root: Path) -> list[str]:
    return [run.path.relative_to(root).as_posix() for run in runs]


def told_by(reference: str, root: Path) -> DlkitError:
    with pytest.raises(DlkitError) as told:
        find_run(reference, root)
    return told.value


def test_all_runs_newest_first_with_the_members_of_groups(root: Path):
    assert names(all_runs(root), root) == [
        "fashion_mnist/cnn/20250201-000000-bbbb",
        "digits/cnn/20250131-142530-aaaa",
        "digits/mlp/20250115-120000-dddd/members/0002",
        "digits/mlp/20250115-120000-dddd/members/0001",
        "digits/cnn/20241231-235959-cccc",
    ]


def test_a_renamed_run_has_the_time_of_its_status(root: Path):
    path = make_run(root, "kept/good_one")
    os.utime(path / "status.json", (0, 0))
    assert names(all_runs(root), root)[-1] == "kept/good_one"


def test_without_a_folder_there_are_no_runs(tmp_path: Path):
    assert all_runs(tmp_path / "nowhere") == []
    error = told_by("latest", tmp_path / "nowhere")
    assert error.code == "run-not-found"
    assert "There are no runs in" in error.message


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("latest", "fashion_mnist/cnn/20250201-000000-bbbb"),
        ("aaaa", "digits/cnn/20250131-142530-aaaa"),
        ("digits/cnn/2025", "digits/cnn/20250131-142530-aaaa"),
        ("digits/cnn/20241231-235959-cccc", "digits/cnn/20241231-235959-cccc"),
        ("dddd/members/0001", "digits/mlp/20250115-120000-dddd/members/0001"),
    ],
)
def test_a_word_means_a_run(root: Path, reference: str, name: str):
    assert find_run(reference, root).path == root / name


def test_a_whole_name_wins_over_names_that_contain_it(root: Path):
    path = make_run(root, "x")
    make_run(root, "digits/xx")
    assert find_run("x", root).path == path


def test_a_path_means_its_folder_wherever_it_is(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    moved = make_run(tmp_path, "elsewhere/moved")
    assert find_run(str(moved), root).path == moved
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert find_run("moved/", root).path.resolve() == moved


def test_a_folder_of_the_same_word_does_not_hide_a_run(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "fashion_mnist").mkdir()
    monkeypatch.chdir(tmp_path)
    assert find_run("fashion_mnist", root).name == "20250201-000000-bbbb"


def test_an_ambiguous_word_lists_what_it_may_mean(root: Path):
    error = told_by("digits/cnn", root)
    assert error.code == "ambiguous-run"
    assert "digits/cnn/20250131-142530-aaaa\n  digits/cnn/20241231-235959-cccc" in error.message


def test_a_long_list_is_cut(root: Path):
    for number in range(9):
        make_run(root, f"many/20250101-00000{number}-eeee")
    error = told_by("many", root)
    assert error.message.count("many/") == 5
    assert error.message.endswith("and 4 more")


def test_a_misspelt_word_gets_the_nearest_names(root: Path):
    error = told_by("fashon_mnist/cnn/20250201", root)
    assert error.code == "run-not-found"
    assert error.cure == "The nearest names are:\n  fashion_mnist/cnn/20250201-000000-bbbb"


def test_a_strange_word_gets_the_newest_names(root: Path):
    cure = told_by("?", root).cure
    assert cure is not None
    assert cure.startswith("The newest are:\n  fashion_mnist/cnn/20250201-000000-bbbb\n  digits/cnn/20250131")


def test_a_folder_without_status_is_no_run(root: Path, tmp_path: Path):
    assert told_by(str(tmp_path), root).code == "not-a-run"


def test_a_group_is_no_run_and_names_its_members(root: Path):
    error = told_by(str(root / "digits/mlp/20250115-120000-dddd"), root)
    assert error.code == "not-a-run"
    assert "a group of 2 runs" in error.message
    assert error.cure is not None
    assert error.cure.endswith("members/0001")


def test_the_root_is_the_option_then_the_environment_then_runs(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DLKIT_RUNS_DIR", "from_environment")
    assert runs_root(Path("given")) == Path("given")
    assert runs_root() == Path("from_environment")
    monkeypatch.setenv("DLKIT_RUNS_DIR", "")
    assert runs_root() == Path("runs")
