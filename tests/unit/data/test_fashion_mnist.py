from __future__ import annotations

import gzip
import sys
import tracemalloc
import types
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlkit.data.reading.idx import read_idx
from dlkit.data.sources import fashion_mnist as source
from dlkit.data.sources.fashion_mnist import fashion_mnist
from dlkit.errors import DlkitError
from dlkit.recipe.registry import find


def idx(array: np.ndarray, *, claimed: int | None = None) -> bytes:
    lengths = (len(array) if claimed is None else claimed, *array.shape[1:])
    return bytes([0, 0, 8, array.ndim]) + b"".join(length.to_bytes(4, "big") for length in lengths) + array.tobytes()


IMAGES = np.arange(3 * 28 * 28, dtype=np.uint32).astype(np.uint8).reshape(3, 28, 28)
LABELS = np.array([0, 7, 9], np.uint8)
CONTENTS = {
    "train-images-idx3-ubyte": idx(IMAGES),
    "train-labels-idx1-ubyte": idx(LABELS),
    "t10k-images-idx3-ubyte": idx(IMAGES[:2]),
    "t10k-labels-idx1-ubyte": idx(LABELS[:2]),
}


def write(folder: Path, *, packed: bool = True, **changed: bytes) -> Path:
    """The four files, some of them with another content; an empty one is left out."""
    folder.mkdir(parents=True)
    for name, content in {**CONTENTS, **{name.replace("_", "-"): content for name, content in changed.items()}}.items():
        if content and packed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content))
        elif content:
            (folder / name).write_bytes(content)
    return folder


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No folder that is looked at holds the files, and nothing can be downloaded."""
    monkeypatch.delenv("DLKIT_DATA_DIR", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(source, "FASHION_MNIST", replace(source.FASHION_MNIST, installed=str(tmp_path / "debian")))

    def load_data() -> None:
        print("Downloading data from nowhere")
        raise Exception("URL fetch failure: no network")

    fake: Any = types.ModuleType("keras")
    fake.datasets = types.SimpleNamespace(fashion_mnist=types.SimpleNamespace(load_data=load_data))
    monkeypatch.setitem(sys.modules, "keras", fake)


@pytest.mark.parametrize("packed", [True, False])
def test_reads_raw_bytes_classes_and_groups(tmp_path: Path, packed: bool) -> None:
    splits = fashion_mnist(str(write(tmp_path / "mine", packed=packed)))
    assert splits.test is not None and splits.validation is None
    assert splits.train.features["image"].dtype == np.uint8
    np.testing.assert_array_equal(splits.train.features["image"][..., 0], IMAGES)
    assert splits.train.targets["garment"].tolist() == [0, 7, 9]
    assert splits.train.targets["group"].tolist() == [0, 3, 3]
    assert splits.test.targets["garment"].dtype == splits.test.targets["group"].dtype == np.int32


def test_every_garment_has_its_group() -> None:
    garments, groups = (target["labels"] for target in find("source", "fashion_mnist").declared["targets"].values())
    groups = {garment: groups[group] for garment, group in zip(garments, source.GROUP_OF_GARMENT, strict=True)}
    assert groups == {
        "T-shirt/top": "top", "trouser": "trouser", "pullover": "top", "dress": "dress", "coat": "top",
        "sandal": "shoe", "shirt": "top", "sneaker": "shoe", "bag": "bag", "ankle boot": "shoe",
    }  # fmt: skip


@pytest.mark.parametrize(
    "place", ["data/fashion-mnist", "data/fashion_mnist", "keras/datasets/fashion-mnist", "debian"]
)
def test_looks_in_every_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    monkeypatch.setenv("DLKIT_DATA_DIR", str(tmp_path / "data"))
    write(tmp_path / place)
    assert len(fashion_mnist().train) == 3


def test_looks_in_keras_cache_of_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    write(tmp_path / ".keras" / "datasets" / "fashion-mnist")
    assert len(fashion_mnist().train) == 3


def test_a_relative_path_is_looked_for_in_the_data_folder_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLKIT_DATA_DIR", str(tmp_path))
    write(tmp_path / "mine")
    assert len(fashion_mnist("mine").train) == 3


def test_a_place_that_lacks_a_file_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLKIT_DATA_DIR", str(tmp_path / "data"))
    write(tmp_path / "data" / "fashion-mnist", t10k_labels_idx1_ubyte=b"")
    write(tmp_path / "debian", train_labels_idx1_ubyte=idx(np.array([5, 5, 5], np.uint8)))
    assert fashion_mnist().train.targets["garment"].tolist() == [5, 5, 5]


def test_offline_the_error_lists_every_place_and_the_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DLKIT_DATA_DIR", str(tmp_path / "data"))
    write(tmp_path / "debian", t10k_labels_idx1_ubyte=b"")
    with pytest.raises(DlkitError) as error:
        fashion_mnist()
    for place in ("data/fashion-mnist", "data/fashion_mnist", "keras/datasets/fashion-mnist"):
        assert f"{tmp_path / place}: no such folder" in error.value.message
    assert f"{tmp_path / 'debian'}: lacks t10k-labels-idx1-ubyte" in error.value.message
    assert "URL fetch failure: no network" in error.value.message
    assert "train-images-idx3-ubyte.gz" in (error.value.cure or "")
    assert capsys.readouterr().out == ""


def test_a_path_without_the_files_is_an_error_and_no_other_place_is_taken(tmp_path: Path) -> None:
    write(tmp_path / "debian")
    with pytest.raises(DlkitError, match="mispelt: no such folder") as error:
        fashion_mnist(str(tmp_path / "mispelt"))
    assert str(tmp_path / "debian") in (error.value.cure or "")


def test_what_keras_downloads_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    downloaded = ((IMAGES, LABELS), (IMAGES[:2], LABELS[:2]))
    monkeypatch.setattr(sys.modules["keras"].datasets.fashion_mnist, "load_data", lambda: downloaded)
    splits = fashion_mnist()
    assert [len(part) for part in splits.named().values()] == [3, 2]
    assert splits.train.targets["garment"].tolist() == [0, 7, 9]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\0\0\x08\x01" + CONTENTS["train-images-idx3-ubyte"][4:], "begins with 0x00000801, where 0x00000803"),
        (b"\0\0\x0d\x03" + CONTENTS["train-images-idx3-ubyte"][4:], "begins with 0x00000d03"),
        (b"PK", "begins with 0x504b"),
        (CONTENTS["train-images-idx3-ubyte"][:10], "cut short: it ends in its header"),
        (CONTENTS["train-images-idx3-ubyte"][:-1], "claims 3 examples, 2,352 bytes, but it holds 2,351 bytes"),
        (CONTENTS["train-images-idx3-ubyte"] + b"\0", "holds more than 2,352 bytes"),
        (idx(IMAGES, claimed=2**32 - 1), "claims 4,294,967,295 examples"),
        (idx(IMAGES, claimed=0), r"shape \(0, 28, 28\)"),
        (idx(IMAGES.reshape(3, 14, 56)), r"shape \(3, 14, 56\), where \(examples, 28, 28\)"),
        (idx(IMAGES[:2]), "2 images, but .*train-labels-idx1-ubyte(.gz)? 3 labels"),
    ],
)
@pytest.mark.parametrize("packed", [True, False])
def test_damaged_images_are_named(tmp_path: Path, packed: bool, content: bytes, message: str) -> None:
    folder = write(tmp_path / "mine", packed=packed, train_images_idx3_ubyte=content)
    with pytest.raises(DlkitError, match=message) as error:
        fashion_mnist(str(folder))
    assert "train-images-idx3-ubyte" in error.value.message


def test_labels_outside_the_classes_are_named(tmp_path: Path) -> None:
    folder = write(tmp_path / "mine", t10k_labels_idx1_ubyte=idx(np.array([3, 10], np.uint8)))
    with pytest.raises(
        DlkitError, match=r"t10k-labels-idx1-ubyte.gz: example 1 has the label 10, which is none of 0 to 9"
    ):
        fashion_mnist(str(folder))


@pytest.mark.parametrize(("cut", "message"), [(slice(0, -20), "cut short"), (slice(0, 12), "cut short")])
def test_a_compressed_file_cut_short_is_named(tmp_path: Path, cut: slice, message: str) -> None:
    folder = write(tmp_path / "mine")
    file = folder / "train-labels-idx1-ubyte.gz"
    file.write_bytes(file.read_bytes()[cut])
    with pytest.raises(DlkitError, match=rf"train-labels-idx1-ubyte\.gz is {message}"):
        fashion_mnist(str(folder))


@pytest.mark.parametrize("place", [10, -5])  # the first block of the compressed data; the check sum
def test_damaged_compression_is_named(tmp_path: Path, place: int) -> None:
    folder = write(tmp_path / "mine")
    file = folder / "train-images-idx3-ubyte.gz"
    content = bytearray(file.read_bytes())
    content[place] ^= 0xFF
    file.write_bytes(bytes(content))
    with pytest.raises(DlkitError, match=r"train-images-idx3-ubyte\.gz"):
        fashion_mnist(str(folder))


def test_a_header_that_claims_terabytes_allocates_nothing(tmp_path: Path) -> None:
    file = tmp_path / "images"
    file.write_bytes(idx(IMAGES, claimed=2**32 - 1))
    tracemalloc.start()
    with pytest.raises(DlkitError, match="4,294,967,295"):
        read_idx(file, (28, 28))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000_000  # the header claims 3 TiB


def test_all_damaged_files_are_named_at_once(tmp_path: Path) -> None:
    labels = np.array([3, 10], np.uint8)
    folder = write(tmp_path / "mine", train_images_idx3_ubyte=b"PK", t10k_labels_idx1_ubyte=idx(labels))
    with pytest.raises(DlkitError) as error:
        fashion_mnist(str(folder))
    first, second = error.value.message.splitlines()
    assert "train-images-idx3-ubyte.gz begins with 0x504b" in first
    assert "t10k-labels-idx1-ubyte.gz: example 1 has the label 10" in second


def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: object) -> None:
        raise PermissionError(13, "Permission denied")  # not by chmod: tests may run as root

    monkeypatch.setattr("os.scandir", refuse)
    with pytest.raises(DlkitError, match="mine: cannot be read: Permission denied"):
        fashion_mnist(str(tmp_path / "mine"))
