"""MNIST shares its reading with Fashion-MNIST, whose tests go through it; here is what is MNIST's own."""

from __future__ import annotations

import gzip
import sys
import types
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlkit.data.sources import mnist as source
from dlkit.data.sources.mnist import mnist
from dlkit.errors import DlkitError

IMAGES = np.arange(3 * 28 * 28, dtype=np.uint32).astype(np.uint8).reshape(3, 28, 28)
LABELS = np.array([0, 7, 9], np.uint8)


def write(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for split, count in (("train", 3), ("t10k", 2)):
        for name, array in (("images-idx3", IMAGES[:count]), ("labels-idx1", LABELS[:count])):
            header = bytes([0, 0, 8, array.ndim]) + b"".join(length.to_bytes(4, "big") for length in array.shape)
            (folder / f"{split}-{name}-ubyte.gz").write_bytes(gzip.compress(header + array.tobytes()))
    return folder


@pytest.fixture(autouse=True)
def keras(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """No folder that is looked at holds the files, and nothing can be downloaded."""
    monkeypatch.setenv("DLKIT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(source, "MNIST", replace(source.MNIST, installed=str(tmp_path / "system")))

    def load_data() -> None:
        raise Exception("URL fetch failure: no network")

    fake: Any = types.ModuleType("keras")
    fake.datasets = types.SimpleNamespace(mnist=types.SimpleNamespace(load_data=load_data))
    monkeypatch.setitem(sys.modules, "keras", fake)
    return fake


@pytest.mark.parametrize("place", ["data/mnist", "keras/datasets/mnist", "system"])
def test_looks_in_every_place(tmp_path: Path, place: str) -> None:
    write(tmp_path / place)
    splits = mnist()
    assert splits.test is not None and len(splits.test) == 2
    np.testing.assert_array_equal(splits.train.features["image"][..., 0], IMAGES)
    assert splits.train.features["image"].dtype == np.uint8
    assert splits.train.targets["digit"].tolist() == [0, 7, 9]
    assert splits.train.targets["digit"].dtype == np.int32


def test_a_path_is_taken_before_any_place(tmp_path: Path) -> None:
    write(tmp_path / "mine")
    assert len(mnist(str(tmp_path / "mine")).train) == 3
    with pytest.raises(DlkitError, match="mispelt: no such folder"):
        mnist(str(tmp_path / "mispelt"))


def test_what_keras_has_cached_or_downloads_is_taken(keras: Any) -> None:
    keras.datasets.mnist.load_data = lambda: ((IMAGES, LABELS), (IMAGES[:2], LABELS[:2]))
    splits = mnist()
    assert [len(part) for part in splits.named().values()] == [3, 2]
    assert splits.train.features["image"].shape == (3, 28, 28, 1)


def test_offline_the_error_lists_every_place_and_the_cure(tmp_path: Path) -> None:
    with pytest.raises(DlkitError) as error:
        mnist()
    assert error.value.message.startswith("The files of MNIST were not found.")
    for place in ("data/mnist", "keras/datasets/mnist", "system"):
        assert f"{tmp_path / place}: no such folder" in error.value.message
    assert "download by Keras: URL fetch failure: no network" in error.value.message
    assert "train-images-idx3-ubyte.gz" in (error.value.cure or "")
