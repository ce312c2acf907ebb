from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from dlkit.data.arrays import Arrays
from dlkit.data.sources.text_folder import text_folder
from dlkit.errors import DlkitError

TEXTS = {"calm/1.txt": " All is well.\r\nReally.\n", "calm/2.txt": "\ufeffYes", "angry/1.TXT": "No!"}


def write(folder: Path, texts: dict[str, str | bytes], split: str = "") -> Path:
    for name, text in texts.items():
        (folder / split / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / split / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def pairs(arrays: Arrays | None) -> list[tuple[str, int]]:
    assert arrays is not None
    return [*zip(np.asarray(arrays.features["text"]), np.asarray(arrays.targets["label"]).tolist(), strict=True)]


EXPECTED = [("No!", 0), ("All is well.\nReally.", 1), ("Yes", 1)]


def test_a_folder_is_a_class_and_a_file_a_text(tmp_path: Path) -> None:
    splits = text_folder(write(tmp_path, dict(TEXTS)))
    assert pairs(splits.train) == EXPECTED and splits.validation is None and splits.test is None
    assert splits.facts is not None and splits.facts.targets["label"].labels == ("angry", "calm")
    assert splits.train.targets["label"].dtype == np.int32


def test_ready_splits_are_kept(tmp_path: Path) -> None:
    for split in ("train", "val", "test"):
        write(tmp_path, {name: f"{text!s} {split}" for name, text in TEXTS.items()}, split)
    splits = text_folder(tmp_path)
    assert [pairs(part)[0][0] for part in splits.named().values()] == ["No! train", "No! val", "No! test"]


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
def test_archives_are_read_like_folders(tmp_path: Path, kind: str) -> None:
    folder, archive = write(tmp_path / "texts", dict(TEXTS)), tmp_path / f"texts.{kind}"
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    if kind == "zip":
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
            for file in files:
                packed.write(file, file.relative_to(tmp_path))
    else:
        with tarfile.open(archive, "w:gz" if kind == "tar.gz" else "w") as packed_tar:
            for file in files:
                packed_tar.add(file, file.relative_to(tmp_path))
    assert pairs(text_folder(archive).train) == EXPECTED


def test_all_bad_files_are_named_at_once(tmp_path: Path) -> None:
    bad = {"calm/bad.txt": b"fine\nna\xefve", "angry/empty.txt": b"", "angry/blank.txt": b" \n"}
    with pytest.raises(DlkitError) as error:
        text_folder(write(tmp_path, {**TEXTS, **bad}))
    for told in (
        f"{tmp_path / 'calm/bad.txt'}:2: byte 3 of the line, 0xef, is no UTF-8",
        f"{tmp_path / 'angry/empty.txt'} holds no text",
        f"{tmp_path / 'angry/blank.txt'} holds no text",
        "save the file as UTF-8",
    ):
        assert told in str(error.value)
    assert "1.txt" not in str(error.value)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({"calm/1.txt": "a"}, "has only one class: calm"),
        ({**TEXTS, "calm/picture.png": "a"}, "picture.png is a stray file"),
        ({"notes.md": "a"}, "notes.md is a stray file"),
    ],
)
def test_folders_without_classes_of_texts_are_told(tmp_path: Path, texts: dict[str, str | bytes], message: str) -> None:
    with pytest.raises(DlkitError, match=message):
        text_folder(write(tmp_path, texts))


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(DlkitError, match="There is no folder or archive of texts at"):
        text_folder(tmp_path / "nowhere")
