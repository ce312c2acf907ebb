from __future__ import annotations

import errno
import hashlib
import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlkit.data import cache
from dlkit.data.arrays import Arrays, Splits
from dlkit.data.cache import Stored, cached
from dlkit.data.columns import Column, Windows
from dlkit.data.memory import available_memory
from dlkit.errors import DlkitError

VALUES = np.arange(40 * 6, dtype=np.uint8).reshape(40, 2, 3)  # 240 bytes


class Counted(Column):
    """A column that counts the rows that were read, some of which cannot be."""

    def __init__(self, values: np.ndarray = VALUES, bad: tuple[int, ...] = ()) -> None:
        self.values, self.bad, self.rows_read = values, bad, 0
        self.shape, self.dtype = values.shape, values.dtype

    def read(self, rows: np.ndarray) -> np.ndarray:
        self.rows_read += len(rows)
        bad = [row for row in rows.tolist() if row in self.bad]
        if bad:
            raise DlkitError("\n".join(f"row {row} is damaged" for row in bad), "get it anew")
        return self.values[rows]

    def take(self, rows: np.ndarray) -> Counted:
        return Counted(self.values[rows])

    def digest(self) -> bytes:
        return hashlib.sha256(self.values.tobytes()).digest()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DLKIT_CACHE_DIR", str(tmp_path / "kept"))
    return tmp_path / "kept"


def splits(train: Column, test: Column | None = None) -> Splits:
    labels = np.zeros(40, np.int32)
    return Splits(
        Arrays({"x": train, "y": labels}, {"z": labels}), test=None if test is None else Arrays({"x": test}, {})
    )


def kept(column: Column, mode: Any, **options: Any) -> Any:
    made = cached(splits(column), mode, **options)
    np.testing.assert_array_equal(np.asarray(made.train.features["x"]), np.asarray(column))
    return made.train.features["x"]


@pytest.mark.parametrize("mode", ["auto", "memory", True])
def test_what_fits_is_read_whole_once(mode: Any) -> None:
    column = Counted()
    made = cached(splits(column), mode)
    assert type(made.train.features["x"]) is np.ndarray and column.rows_read == 40
    assert list(made.train.features) == ["x", "y"]


def test_without_a_cache_columns_stay_unread() -> None:
    column = Counted()
    assert cached(splits(column), False).train.features["x"] is column and column.rows_read == 0


def test_auto_keeps_what_fits_together_in_the_budget() -> None:
    assert isinstance(kept(Counted(), "auto", budget=240), np.ndarray)
    assert isinstance(kept(Counted(), "auto", budget=239), Counted)
    made = cached(splits(Counted(), Counted()), "auto", budget=479)
    assert isinstance(made.train.features["x"], np.ndarray) and made.test is not None
    assert isinstance(made.test.features["x"], Counted)


def test_the_budget_is_a_quarter_of_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    for available, kind in ((960, np.ndarray), (959, Counted)):
        monkeypatch.setattr(cache, "available_memory", lambda available=available: available)
        assert isinstance(kept(Counted(), "auto"), kind)


def test_the_memory_is_told_in_bytes() -> None:
    assert 2**24 < available_memory() <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def test_windows_stay_windows_but_where_memory_is_asked_for() -> None:
    windows = Windows(np.arange(50.0), np.arange(40), 5)
    assert kept(windows, "auto") is windows and kept(windows, "disk") is windows
    assert isinstance(kept(windows, "memory"), np.ndarray)


def test_more_than_the_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "available_memory", lambda: 100)
    with pytest.raises(DlkitError) as error:
        cached(splits(Counted()), "memory")
    assert "GiB of memory" in error.value.message and "data.cache: disk" in (error.value.cure or "")


def test_the_disk_is_written_once_and_read_again(folder: Path) -> None:
    first, second = Counted(), Counted()
    stored = kept(first, "disk")
    assert isinstance(stored, Stored) and stored.nbytes == 0 and stored.dtype == np.uint8
    kept(second, "disk")
    assert (first.rows_read, second.rows_read) == (80, 40)  # 40 of them by the comparison
    assert os.listdir(folder) == [f"{first.digest().hex()}.npy"]
    np.testing.assert_array_equal(np.load(folder / os.listdir(folder)[0]), VALUES)


def test_what_is_on_disk_is_read_by_rows() -> None:
    stored = kept(Counted(), "disk")
    rows = np.array([7, 3, 7])
    np.testing.assert_array_equal(stored.read(rows), VALUES[rows])
    assert type(stored.read(rows)) is np.ndarray
    taken = stored.take(np.arange(10, 20))
    np.testing.assert_array_equal(taken.read(np.array([1, 0])), VALUES[[11, 10]])
    assert taken.digest() != stored.digest() and taken.shape == (10, 2, 3)


def test_it_is_written_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_CHUNK", 50)
    kept(Counted(), "disk")


def npy(values: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()


@pytest.mark.parametrize(
    "content", [b"", b"\x93NUMPY\1\0", bytes(200), npy(VALUES)[:-1], npy(VALUES[:-1]), npy(VALUES.view(np.int8))]
)
def test_a_damaged_file_is_written_anew(folder: Path, content: bytes) -> None:
    folder.mkdir()
    (folder / f"{Counted().digest().hex()}.npy").write_bytes(content)
    kept(Counted(), "disk")


@pytest.mark.parametrize("mode", ["auto", "memory", "disk"])
def test_all_that_cannot_be_read_is_named_and_nothing_is_left(folder: Path, mode: Any) -> None:
    with pytest.raises(DlkitError) as error:
        cached(splits(Counted(bad=(3, 39)), Counted(VALUES + 1, bad=(5,))), mode)
    for row in (3, 5, 39):
        assert f"row {row} is damaged" in error.value.message
    assert not folder.exists() or os.listdir(folder) == []


def test_all_pieces_are_looked_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_CHUNK", 50)
    with pytest.raises(DlkitError, match=r"row 3 is damaged\nrow 39 is damaged"):
        cached(splits(Counted(bad=(3, 39))), "disk")


def test_a_full_disk_is_told_with_the_folder_and_nothing_is_left(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DlkitError) as error:
        cached(splits(Counted()), "disk")
    assert error.value.message == f"The decoded examples cannot be kept in {folder}: No space left on device"
    assert "DLKIT_CACHE_DIR" in (error.value.cure or "") and "data.cache: false" in (error.value.cure or "")
    assert os.listdir(folder) == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device of Linux")
def test_a_disk_that_is_full_at_once_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Path.open
    monkeypatch.setattr(
        Path,
        "open",
        lambda path, *how, **more: opened(Path("/dev/full") if path.suffix == ".npy" else path, *how, **more),
    )
    with pytest.raises(DlkitError, match=r"cannot be kept in .*: No space left on device"):
        cached(splits(Counted()), "disk")


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("DLKIT_CACHE_DIR", str(tmp_path / "file" / "kept"))
    with pytest.raises(DlkitError, match=r"cannot be kept in .*file/kept: Not a directory"):
        cached(splits(Counted()), "disk")


def test_the_usual_folder_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DLKIT_CACHE_DIR")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache.cache_folder() == tmp_path / ".cache" / "dlkit"
