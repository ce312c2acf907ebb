"""Bad arrays, idx files, pickles, records and texts."""

from __future__ import annotations

import gzip
import pickle
import runpy
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Refused = Callable[..., str]
EXAMPLES = Path(__file__).parents[1] / "source_examples"
X, Y = np.zeros((40, 3), np.float32), np.arange(40) % 2


def written(source: str, folder: Path) -> dict[str, Any]:
    """The small files of the contract test of sources, and the arguments that read them."""
    return runpy.run_path(str(EXAMPLES / f"{source}.py"))["arguments"](folder)


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"x": X, "y": np.array([{}] * 40, object)}, ("y", "object")),
        ({"x": X, "y": Y[:-1]}, ("40", "39")),
        ({"x": X, "y": np.zeros(40, np.int64)}, ("y", "one class")),
        ({"x": np.where(np.arange(3) == 1, np.inf, X), "y": Y}, ("x", "inf")),
        ({"x": X, "y": np.full(40, np.nan)}, ("y", "nan")),
        ({"x": X, "y": Y - 1}, ("y", "-1")),
        ({"x": X[:0], "y": Y[:0]}, ("x",)),
    ],
)
def test_npz(arrays: dict[str, np.ndarray], told: tuple[str, ...], tmp_path: Path, refused: Refused) -> None:
    np.savez(tmp_path / "mine.npz", **arrays)
    text = refused("npz", {"path": str(tmp_path / "mine.npz")}, "mine.npz")
    assert all(part in text.lower() for part in told), text


def idx(shape: tuple[int, ...], content: bytes) -> bytes:
    return bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + content


@pytest.mark.parametrize("source", ["mnist", "fashion_mnist"])
@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("train-images-idx3-ubyte", idx((4_000_000_000, 28, 28), bytes(100))),
        ("train-images-idx3-ubyte", idx((400, 28, 28), bytes(400 * 784 - 1))),
        ("t10k-labels-idx1-ubyte", idx((99,), bytes(99))),
        ("t10k-labels-idx1-ubyte", idx((100,), bytes([255] * 100))),
        ("train-labels-idx1-ubyte", idx((400, 28, 28), bytes(400 * 784))),
        ("train-labels-idx1-ubyte", b""),
    ],
)
def test_idx_files(source: str, file: str, content: bytes, tmp_path: Path, refused: Refused) -> None:
    arguments = written("mnist", tmp_path)
    (tmp_path / file).write_bytes(content)
    refused(source, arguments, file)
    (tmp_path / file).unlink()
    (tmp_path / f"{file}.gz").write_bytes(gzip.compress(content)[:-5])
    refused(source, arguments, f"{file}.gz")


class Payload:
    """Makes a folder when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> Any:
        import os

        return os.mkdir, (self.path,)


@pytest.mark.parametrize("source", ["cifar10", "cifar100"])
def test_pickles_are_never_run(source: str, tmp_path: Path, refused: Refused) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    arguments = written(source, folder)
    binary = sorted(folder.iterdir())
    for file in binary:
        (folder / file.stem).write_bytes(pickle.dumps({b"data": Payload(tmp_path / "made"), b"labels": []}))
        file.unlink()
    refused(source, arguments, *(file.stem for file in binary))
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"fine\n\xff\xfe broken\n", "negative.txt:2"), (b"", "negative.txt"), (b"\n \n", "negative.txt")],
)
def test_text_lines(content: bytes, told: str, tmp_path: Path, refused: Refused) -> None:
    (tmp_path / "positive.txt").write_text("good\n" * 30)
    (tmp_path / "negative.txt").write_bytes(content)
    files = {"positive": "positive.txt", "negative": "negative.txt"}
    refused("text_lines", {"path": str(tmp_path), "files": files}, told)


@pytest.mark.parametrize("content", [b"some text \xff" * 50, b"", b"short"])
def test_text_corpus(content: bytes, tmp_path: Path, refused: Refused) -> None:
    (tmp_path / "corpus.txt").write_bytes(content)
    refused("text_corpus", {"path": str(tmp_path / "corpus.txt"), "length": 20}, "corpus.txt")


def test_records_cut_short(tmp_path: Path, refused: Refused) -> None:
    arguments = written("tfrecord", tmp_path)
    files = sorted(tmp_path.rglob("*.tfrecord*"))
    for file in files:
        file.write_bytes(file.read_bytes()[:-7])
    refused("tfrecord", arguments, *(file.name for file in files))


@pytest.mark.parametrize(
    ("returned", "told"),
    [("np.zeros((9, 2)), np.zeros(8)", "8"), ("np.zeros((9, 2)), np.array([{}] * 9, object)", "object")],
)
def test_a_function_of_ones_own(returned: str, told: str, tmp_path: Path, refused: Refused, monkeypatch: Any) -> None:
    module = f"my_data_{told}"  # of its own: Python imports a module once
    (tmp_path / f"{module}.py").write_text(f"import numpy as np\n\ndef make():\n    return {returned}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    refused("python", {"function": f"{module}:make"}, f"{module}:make", told)
