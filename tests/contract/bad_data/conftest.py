"""What every bad input goes through: a recipe that asks for it is loaded and prepared, and must be refused well."""

from __future__ import annotations

import builtins
import errno
import io
import os
import resource
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import dlkit
from dlkit.errors import DlkitError
from dlkit.recipe.diagnostics import RecipeError
from dlkit.workflows.preparation import prepare

MOST_BYTES = 2**30
DENSE = ["Flatten", {"Dense": {"units": 2}}]
TEXT = [{"TextVectorization": {"max_tokens": 50}}, {"Embedding": {"input_dim": 50, "output_dim": 2}}, *DENSE]
MODELS = {
    **{name: ["Flatten", {"Dense": {"units": 100}}] for name in ("mnist", "fashion_mnist", "cifar10", "cifar100")},
    **dict.fromkeys(("text_folder", "text_lines", "imdb", "reuters"), TEXT),
    "text_corpus": [{"Embedding": {"input_dim": 50, "output_dim": 2}}, {"Dense": {"units": 2}}],
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


def most_memory() -> int:
    """The most bytes that this process has had in memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 2**10)


def files_of(folder: Path) -> dict[str, tuple[int, int] | None]:
    """Sizes and times of what is in a folder; None in place of a folder's."""
    found: dict[str, tuple[int, int] | None] = {}
    for root, folders, names in os.walk(folder):
        found.update({os.path.join(root, name): None for name in folders})
        for path in (os.path.join(root, name) for name in names):
            told = os.lstat(path)
            found[path] = (told.st_size, told.st_mtime_ns)
    return found


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: list[str]) -> Refused:
    """Asks for data as a user's recipe does; returns the text of the refusal."""
    home = tmp_path / "home"
    home.mkdir()
    for name in ("HOME", "TMPDIR", "DLKIT_CACHE_DIR", "KERAS_HOME"):
        monkeypatch.setenv(name, str(home / name))
    monkeypatch.delenv("DLKIT_DATA_DIR", raising=False)
    monkeypatch.chdir(home)

    def ask(source: str, arguments: dict[str, Any], *told: str, left: Sequence[str] = (), **data: Any) -> str:
        """Args: source, its arguments, what the message tells, folders that may be left, and more of `data`."""
        global _watching
        before = files_of(tmp_path)
        written.clear()
        memory = most_memory()
        _watching = True
        try:
            with pytest.raises((DlkitError, RecipeError)) as caught:
                prepare(dlkit.load(recipe_of(source, arguments, data), allow_plugins=True))
        finally:
            _watching = False
        error, text = caught.value, str(caught.value)
        for part in told:
            assert part in text, text
        cures = [error.cure] if isinstance(error, DlkitError) else [found.cure for found in error.diagnostics]
        assert all(cures), f"without a cure: {text}"
        new = {path for path, _ in files_of(tmp_path).items() - before.items()}
        for folder in left:  # the splits that are sound may have been kept; a temporary file is no `.npy`
            new -= {str(tmp_path / folder), *map(str, (tmp_path / folder).glob("*.npy"))}
        assert not new and before.keys() <= files_of(tmp_path).keys(), f"left in the folder: {new}"
        assert all(path.startswith(f"{tmp_path}/") for path in written), written
        assert most_memory() - memory < MOST_BYTES
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


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes a step of writing to the folder of the cache fail as on a disk that is full."""

    def fail(*_: Any, **__: Any) -> Any:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    class Full(io.FileIO):
        write = fail

    def fill(step: str) -> None:
        opened = Path.open

        def open_full(path: Path, mode: str = "r", *more: Any, **named: Any) -> Any:
            if "DLKIT_CACHE_DIR" not in str(path) or "w" not in mode:
                return opened(path, mode, *more, **named)
            return fail() if step == "open" else Full(path, "w")

        match step:
            case "mkdir":
                monkeypatch.setattr(Path, "mkdir", fail)
            case "fsync":
                monkeypatch.setattr(os, "fsync", fail)
            case _:
                monkeypatch.setattr(Path, "open", open_full)

    return fill
