"""scripts/new: what it writes is clean and found, and the tests that await it say what there is to fill in."""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

NEW = Path("scripts", "lib", "new.py")
PLANS: dict[str, Any] = runpy.run_path(str(Path(__file__).resolve().parents[2] / NEW))["PLANS"]
WITHOUT_TENSORFLOW = ("tests/unit/recipe/test_components.py", "tests/unit/cli/test_app.py")
# The tests that fail until the questions are answered, and for a format until it is written; every other one passes.
ASKING = {
    "test_a_file_declares_the_one_component_that_it_is_named_after",
    "test_files_of_a_subject_hold_several_components_in_their_order",
    "test_the_help_of_a_command_ends_in_examples_that_work",
    "test_the_declaration_is_literal_and_names_the_file",
    "test_the_declaration_names_the_file",
    "test_its_docstring_names_a_paper",
    "test_it_is_declared",
    "test_the_head_of_the_file",
    "test_it_is_valid_and_named_as_its_file",
    "test_a_format",
    "test_a_model_of_mixed_precision",
    "test_the_same_run_gives_the_same_bytes",
}


def name_of(kind: str) -> str:
    return "fresh/recipe" if kind == "recipe" else f"fresh_{kind}"


def new(checkout: Path, *words: str) -> int:
    return runpy.run_path(str(checkout / NEW))["main"](list(words))


@pytest.fixture(scope="module")
def checkout(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout with a new component of each kind."""
    folder = tmp_path_factory.mktemp("new") / "checkout"
    for part in ("configs", "dlkit", "recipes", "scripts", "tests"):
        shutil.copytree(repository / part, folder / part, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
    shutil.copy(repository / "pyproject.toml", folder)
    for kind in PLANS:
        assert new(folder, kind, name_of(kind)) == 0
    return folder


def in_checkout(checkout: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    return subprocess.run(
        [sys.executable, "-m", *words], cwd=checkout, env=environment, capture_output=True, text=True, check=False
    )


def outcomes(checkout: Path, *tests: str) -> dict[str, bool]:
    """Whether each test of what is new passes."""
    report = checkout / "report.xml"
    chosen = "(fresh or subject) and not (architecture and alone)"  # which saves every other architecture, too
    words = ("--all", "-p", "no:cacheprovider", f"--junitxml={report}", "-k", chosen)
    told = in_checkout(checkout, "pytest", *words, *tests)
    assert told.returncode == 1, told.stdout + told.stderr
    return {case.attrib["name"]: not len(case) for case in ElementTree.parse(report).iter("testcase")}


def test_what_is_written_is_clean(checkout: Path) -> None:
    for words in (["check", "."], ["format", "--check", "."]):
        told = in_checkout(checkout, "ruff", *words)
        assert told.returncode == 0, told.stdout


def test_what_is_written_is_found_and_asks(checkout: Path) -> None:
    """Those components that are a file each, the figures and the command."""
    found = outcomes(checkout, *WITHOUT_TENSORFLOW)
    assert {name for name, passed in found.items() if not passed} == {
        name for name in found if name.partition("[")[0] in ASKING
    }
    for kind in PLANS.keys() - {"recipe", "figure"}:
        assert any(name_of(kind) in test for test in found), kind


@pytest.mark.slow
def test_all_that_awaits_it_passes_but_for_what_it_asks(checkout: Path) -> None:
    tests = {path.replace("some_name", name_of(kind)) for kind, plan in PLANS.items() for path in plan.tests}
    found = outcomes(checkout, *sorted(tests))
    assert {name for name, passed in found.items() if not passed} == {
        name for name in found if name.partition("[")[0] in ASKING
    }
    told = in_checkout(checkout, "mypy", "--no-incremental")
    assert told.returncode == 0, told.stdout


@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [
        ("layer", "squash", "`squash` has the name of a known layer."),
        ("layer", "resnet", "`resnet` has the name of a known architecture."),
        ("layer", "Squash", "`Squash` is no name for a new layer."),
        ("layer", "a/b", "`a/b` is no name for a new layer."),
        ("loss", "lambda", "`lambda` is no name for a new loss."),
        ("command", "train", "dlkit/cli/commands/train.py is there already."),
        ("recipe", "digits/cnn", "recipes/digits/cnn.yaml is there already."),
        ("recipe", "cnn", "`cnn` names no folder."),
    ],
)
def test_a_name_that_is_none_or_taken_is_refused(
    kind: str, name: str, message: str, checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.stat().st_mtime_ns for path in checkout.rglob("*.*")}
    assert new(checkout, kind, name) == 2
    assert capsys.readouterr().err.startswith(f"error: {message}\n")
    assert {path: path.stat().st_mtime_ns for path in checkout.rglob("*.*")} == before


def test_a_kind_that_is_none_is_told(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        new(checkout, "layr", "fresh")
    assert raised.value.code == 2
    assert "invalid choice: 'layr'" in capsys.readouterr().err
