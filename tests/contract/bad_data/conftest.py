"""What every bad input goes through: a recipe that asks for it is loaded and prepared, and must be refused well."""

from __future__ import annotations

import builtins
import errno
import io
import os
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import dlkit
from dlkit.errors import DlkitError
from dlkit.recipe.diagnostics import RecipeError
from dlkit.workflows.preparation import prepare

MOST_SECONDS, MOST_BYTES = 10.0, 2**28
DENSE = ["Flatten", {"Dense": {"units": 2}}]
TEXT = [{"TextVectorization": {"max_tokens": 50}}, {"Embedding": {"output_dim": 2}}, *DENSE]
MODELS = {
    **dict.fromkeys(("text_folder", "text_lines", "imdb", "reuters"), TEXT),
    "text_corpus": [{"Embedding": {"output_dim": 2}}, {"Dense": {"units": 2}}],
}

Refused = Callable[..., str]
_written: list[str] = []
_watching = False


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    """Notes every path that Python writes to; Python cannot be asked to forget such a hook."""
    if not _watching:
        return
    if event == "open":
        path, _, flags = arguments
        writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if writes and isinstance(path, str | bytes) and "__pycache__" not in os.fsdecode(path):
            _written.append(os.path.abspath(os.fsdecode(path)))
    elif event in ("os.mkdir", "os.link", "os.symlink", "os.rename"):
        _written.extend(os.path.abspath(os.fsdecode(path)) for path in arguments[: 1 if event == "os.mkdir" else 2])


sys.addaudithook(_watch)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The paths that were written to during the test."""
    _written.clear()
    yield _written


def files_of(folder: Path) -> dict[str, tuple[int, int]]:
    found = [Path(root, name).lstat() for root, folders, names in os.walk(folder) for name in (*folders, *names)]
    paths = [os.path.join(root, name) for root, folders, names in os.walk(folder) for name in (*folders, *names)]
    return {path: (told.st_size, told.st_mtime_ns) for path, told in zip(paths, found, strict=True)}


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: list[str]) -> Refused:
    """Asks for data as a user's recipe does; returns the text of the refusal."""
    home = tmp_path / "home"
    home.mkdir()
    for name in ("HOME", "TMPDIR", "DLKIT_CACHE_DIR", "KERAS_HOME"):
        monkeypatch.setenv(name, str(home / name))
    monkeypatch.delenv("DLKIT_DATA_DIR", raising=False)
    monkeypatch.chdir(home)

    def ask(source: str, arguments: dict[str, Any], *told: str, **data: Any) -> str:
        global _watching
        before = files_of(tmp_path)
        written.clear()
        started = time.perf_counter()
        if not tracemalloc.is_tracing():
            tracemalloc.start(1)
        tracemalloc.reset_peak()
        _watching = True
        try:
            with pytest.raises((DlkitError, RecipeError)) as caught:
                prepare(dlkit.load(recipe_of(source, arguments, data), allow_plugins=True))
        finally:
            _watching = False
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        error, text = caught.value, str(caught.value)
        for part in told:
            assert part in text, text
        cures = [error.cure] if isinstance(error, DlkitError) else [found.cure for found in error.diagnostics]
        assert all(cures), f"without a cure: {text}"
        assert files_of(tmp_path) == before, "something was left in the folder"
        assert all(path.startswith(f"{tmp_path}/") for path in written), written
        assert time.perf_counter() - started < MOST_SECONDS and peak < MOST_BYTES, peak
        return text

    return ask


def recipe_of(source: str, arguments: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": "bad",
        "data": {"source": {source: arguments}, **data},
        "model": {"sequential": MODELS.get(source, DENSE)},
        "training": {"epochs": 1},
    }


@pytest.fixture
def forbid(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Makes files and folders that may not be read, also where the tests run as root."""
    forbidden: set[str] = set()

    def checked(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any, *rest: Any, **named: Any) -> Any:
            if isinstance(path, str | os.PathLike) and os.fspath(path).rstrip("/") in forbidden:
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(path))
            return function(path, *rest, **named)

        return call

    def forbid(path: Path) -> None:
        path.chmod(0)
        if not forbidden:
            for module, name in ((builtins, "open"), (io, "open"), (os, "open"), (os, "scandir"), (os, "listdir")):
                monkeypatch.setattr(module, name, checked(getattr(module, name)))
        forbidden.add(str(path))

    return forbid
