"""scripts/new: what it writes loads, is clean, and is awaited by a test that says what there is to fill in."""

from __future__ import annotations

import json
import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

NEW = Path(__file__).resolve().parents[2] / "scripts" / "lib" / "new.py"
KINDS = sorted(runpy.run_path(str(NEW))["PLANS"])
# Of what awaits each kind: the tests that fail until its questions are answered.
ASKING = {
    **dict.fromkeys(KINDS, {"test_a_file_declares_the_one_component_that_it_is_named_after"}),
    **{
        "architecture": {
            "test_a_file_declares_the_one_component_that_it_is_named_after",
            "test_the_declaration_names_the_file",
            "test_its_docstring_names_a_paper",
        }
    },
}
NOT_NOW = (  # trainings, and processes that import TensorFlow once more
    "test_keras_alone_loads_it_and_it_gives_the_same",
    "test_keras_alone_loads_what_is_saved",
)


def name_of(kind: str) -> str:
    return "fresh/recipe" if kind == "recipe" else f"fresh_{kind}"


@pytest.fixture(scope="module")
def checkout(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout with a new component of each kind."""
    folder = tmp_path_factory.mktemp("new") / "checkout"
    for part in ("configs", "dlkit", "recipes", "scripts", "tests"):
        shutil.copytree(repository / part, folder / part, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
    shutil.copy(repository / "pyproject.toml", folder)
    new = runpy.run_path(str(folder / "scripts" / "lib" / "new.py"))
    for kind in KINDS:
        assert new["main"]([kind, name_of(kind)]) == 0
    return folder


def in_checkout(checkout: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    return subprocess.run(
        [sys.executable, "-m", *words], cwd=checkout, env=environment, capture_output=True, text=True, check=False
    )


def test_what_is_written_is_clean(checkout: Path) -> None:
    for words in (["ruff", "check", "."], ["ruff", "format", "--check", "."]):
        told = in_checkout(checkout, *words)
        assert told.returncode == 0, told.stdout
