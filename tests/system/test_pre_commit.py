"""The checks before a commit, on a copy of what git knows: they pass, and a mistake fails them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]


def git(*words: str, cwd: Path) -> str:
    identity = ("-c", "user.name=test", "-c", "user.email=test@localhost")
    return subprocess.run(["git", *identity, *words], cwd=cwd, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def checkout(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the repository as they are now, committed, with the environment of this process for `.venv`."""
    if not (repository / ".git").exists():
        pytest.skip("needs a git checkout")
    folder = tmp_path_factory.mktemp("commit") / "checkout"
    for name in git("ls-files", "--cached", "--others", "--exclude-standard", cwd=repository).splitlines():
        if (repository / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(repository / name, folder / name)
    git("init", "--quiet", cwd=folder)
    git("add", "--all", cwd=folder)
    git("commit", "--quiet", "--no-verify", "--message", "all", cwd=folder)
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


@pytest.fixture
def run(checkout: Path, tmp_path: Path) -> Run:
    def runner(*words: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(checkout), "PRE_COMMIT_HOME": str(tmp_path)}
        command = [sys.executable, "-m", "pre_commit", "run", *words]
        return subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)

    return runner


@pytest.mark.parametrize("hook", ["ruff-check", "ruff-format", "lint-imports", "recipes", "generated"])
def test_a_check_passes(run: Run, hook: str) -> None:
    told = run(hook, "--all-files")
    assert told.returncode == 0, told.stdout + told.stderr
    assert "Passed" in told.stdout


@pytest.mark.slow
def test_types_pass(run: Run) -> None:
    told = run("mypy", "--all-files")
    assert told.returncode == 0, told.stdout


@pytest.mark.parametrize(
    ("hook", "path", "before", "after", "message"),
    [
        ("ruff-check", "dlkit/errors.py", "class DlkitError", "import os\nclass DlkitError", "F401"),
        ("recipes", "recipes/digits/cnn.yaml", "kernel_size: 3", "kernel_sise: 3", "did you mean `kernel_size`?"),
        ("generated", "docs/mutations.md", "| `one-fold`", "| `one-flod`", "files were modified by this hook"),
    ],
)
def test_a_mistake_fails_it(
    checkout: Path, run: Run, hook: str, path: str, before: str, after: str, message: str
) -> None:
    file = checkout / path
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace(before, after, 1), encoding="utf-8")
    try:
        told = run(hook, "--files", path)
    finally:
        file.write_text(text, encoding="utf-8")
    assert told.returncode == 1
    assert message in told.stdout
