"""Which folders `dlkit tensorboard` shows for the words it is given, and under which names."""

from __future__ import annotations

from pathlib import Path

import pytest

from dlkit.cli.commands import tensorboard
from dlkit.cli.commands.tensorboard import _found, _named
from dlkit.errors import DlkitError
from dlkit.runs.folder import RunFolder
from dlkit.runs.group import GroupFolder
from dlkit.runs.status import Status


def make_run(path: Path) -> Path:
    (path / "tensorboard" / "train").mkdir(parents=True)
    (path / "tensorboard" / "train" / "events.out.tfevents.1.x").touch()
    Status.of_this_process().write(RunFolder(path).status)
    return path


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    """Two runs of one recipe, a run of another, and a group of two folds."""
    root = tmp_path / "runs"
    for name in (
        "digits/cnn/20250101-000000-aaaa",
        "digits/cnn/20250102-000000-bbbb",
        "adult/mlp/20250103-000000-cccc",
    ):
        make_run(root / name)
    group = GroupFolder(root / "iris" / "20250104-000000-dddd")
    for number in (1, 2):
        make_run(group.path / "members" / f"{number:04d}")
    group.write({"kind": "folds"})
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return root


@pytest.mark.parametrize(
    ("word", "folder"),
    [
        ("cccc", "adult/mlp/20250103-000000-cccc"),
        ("digits/cnn/20250101-000000-aaaa", "digits/cnn/20250101-000000-aaaa"),
        ("digits/cnn", "digits/cnn"),
        ("digits", "digits"),
        ("iris", "iris"),
        ("dddd", "iris/20250104-000000-dddd"),
        ("latest", "iris/20250104-000000-dddd"),
        ("iris/20250104-000000-dddd", "iris/20250104-000000-dddd"),
        ("0002", "iris/20250104-000000-dddd/members/0002"),
    ],
)
def test_a_word_means_a_run_a_group_or_a_folder_of_runs(root, word, folder):
    assert _found(word, root) == root / folder


def test_paths_mean_what_they_lead_to(root, tmp_path, monkeypatch):
    away = make_run(tmp_path / "copied" / "one")
    assert _found(str(away), root) == away
    assert _found(str(away.parent), root) == away.parent
    assert _found(str(away / "tensorboard"), root) == away / "tensorboard"
    assert _found(str(root), root) == root
    monkeypatch.chdir(tmp_path)
    assert _found("runs/digits", root) == Path("runs/digits")


@pytest.mark.parametrize(
    ("word", "code"), [("20250", "ambiguous-run"), ("zzzz", "run-not-found"), (".", "nothing-to-show")]
)
def test_what_means_nothing_is_told(root, word, code):
    with pytest.raises(DlkitError) as told:
        _found(word, root)
    assert told.value.code == code


def test_one_folder_is_shown_as_it_is(root):
    assert _named([root / "digits"], root) == ["--logdir", str(root / "digits")]


def test_several_are_named_so_that_they_are_told_apart(root, tmp_path):
    one, other = make_run(tmp_path / "here" / "same"), make_run(tmp_path / "there" / "same")
    folders = [root / "digits/cnn", root / "adult/mlp", one, other]
    option, told = _named(folders, root)
    assert option == "--logdir_spec"
    assert told.split(",") == [
        f"digits/cnn:{folders[0]}",
        f"adult/mlp:{folders[1]}",
        f"here/same:{one}",
        f"there/same:{other}",
    ]


def test_a_folder_is_shown_once(root, monkeypatch):
    shown = []
    monkeypatch.setattr(tensorboard, "_serve", lambda out, arguments: shown.append(arguments))
    tensorboard.tensorboard(None, ["cccc", "adult/mlp/20250103-000000-cccc"], None, "localhost", root)
    assert shown == [["--logdir", str(root / "adult/mlp/20250103-000000-cccc"), "--host", "localhost"]]


def test_what_tensorboard_cannot_take_is_told(root, tmp_path):
    strange = make_run(tmp_path / "a,b")
    with pytest.raises(DlkitError, match="comma"):
        _named([strange, root / "digits"], root)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(DlkitError, match="has no event files"):
        _named([empty], root)
