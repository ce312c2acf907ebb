from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dlkit
from dlkit.data.load import load
from dlkit.data.reading.texts import decoded
from dlkit.data.sources.text_lines import text_lines
from dlkit.errors import DlkitError
from dlkit.recipe.components import Components
from dlkit.recipe.diagnostics import RecipeError
from dlkit.recipe.facts import DataFacts, Target

FILES = {"positive": "x.pos", "negative": "x.neg"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "x.pos").write_text("good\nvery good\n")
    (tmp_path / "x.neg").write_text("bad\n")
    return tmp_path


def message_of(folder: Path | None, files: dict[str, Any] = FILES, **arguments: Any) -> str:
    with pytest.raises(DlkitError) as error:
        text_lines(files, folder, **arguments)
    return str(error.value)


def test_a_line_is_a_text_and_a_file_a_class(folder: Path) -> None:
    splits = text_lines(FILES, folder)
    assert splits.train.features["text"].tolist() == ["good", "very good", "bad"]  # type: ignore[union-attr]
    assert splits.train.targets["label"].tolist() == [0, 0, 1]  # type: ignore[union-attr]
    assert splits.train.targets["label"].dtype == np.int32 and splits.test is None
    assert splits.facts == DataFacts(targets={"label": Target("classes", classes=2, labels=("positive", "negative"))})


def test_the_classes_are_numbered_as_they_are_written(folder: Path) -> None:
    (folder / "test.pos").write_text("fine\n")
    (folder / "test.neg").write_text("poor\nawful\n")
    splits = text_lines(
        dict(reversed(FILES.items())), folder, test_files={"positive": "test.pos", "negative": "test.neg"}
    )
    assert splits.facts is not None and splits.facts.targets["label"].labels == ("negative", "positive")
    assert splits.train.targets["label"].tolist() == [0, 1, 1]  # type: ignore[union-attr]
    assert splits.test is not None
    assert splits.test.features["text"].tolist() == ["poor", "awful", "fine"]  # type: ignore[union-attr]
    assert splits.test.targets["label"].tolist() == [0, 0, 1]  # type: ignore[union-attr]


def test_blank_lines_blanks_at_the_ends_and_foreign_line_ends_do_not_count(folder: Path) -> None:
    (folder / "x.pos").write_bytes("\ufeff good \r\n\r\n\t\r\nline\u2028one\x85two \rlast".encode())
    assert text_lines(FILES, folder).train.features["text"].tolist() == [  # type: ignore[union-attr]
        "good",
        "line\u2028one\x85two",
        "last",
        "bad",
    ]


def test_files_are_found_in_the_data_folder(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DLKIT_DATA_DIR", str(folder))
    monkeypatch.chdir("/")
    assert len(text_lines(FILES).train) == 3
    (folder / "inner").mkdir()
    for name in FILES.values():
        (folder / name).rename(folder / "inner" / name)
    assert len(text_lines(FILES, Path("inner")).train) == 3
    message = message_of(None)
    assert f"There is no file `x.pos`. Looked at: x.pos, {folder / 'x.pos'}" in message
    assert "set `path` to the folder of the files" in message


def test_all_files_that_cannot_be_read_are_named_at_once(folder: Path) -> None:
    (folder / "cut.txt").write_bytes(b"fine\nthis is good \xe9t\xe9\n")
    (folder / "empty.txt").write_bytes(b"\n \n")
    (folder / "wide.txt").write_text("wide", encoding="utf-16")
    files = {"a": "cut.txt", "b": "empty.txt", "c": "x.poss", "d": "wide.txt", "e": "x.neg"}
    message = message_of(folder, files)
    for told in (
        f"{folder / 'cut.txt'}:2: byte 14 of the line, 0xe9, is no UTF-8",
        f"{folder / 'empty.txt'} holds no text, so there is none of the class `b`",
        f"There is no file `x.poss`. Looked at: {folder / 'x.poss'}",
        "did you mean `x.pos`?",
        "wide.txt:1: byte 1 of the line, 0xff, is no UTF-8: the file is in UTF-16",
        "save the file as UTF-8",
    ):
        assert told in message
    assert "x.neg" not in message


def test_a_folder_in_place_of_a_file_is_told(folder: Path) -> None:
    (folder / "inner").mkdir()
    assert "There is no file `inner`" in message_of(folder, {**FILES, "negative": "inner"})


@pytest.mark.parametrize(
    ("files", "arguments", "message"),
    [
        ({"positive": "x.pos"}, {}, "names one class only, `positive`"),
        ({}, {}, "names no class"),
        ({"a": "x.pos", "b": "./x.pos"}, {}, "gives `./x.pos` to two classes, `a`, `b`"),
        ({"a": "x.pos", "b": 3}, {}, "`files.b` of text_lines is 3"),
        (FILES, {"test_files": {"positive": "t.pos"}}, "`test_files` of text_lines has the classes `positive`, where"),
    ],
)
def test_mappings_that_make_no_classes_are_told(
    folder: Path, files: dict[str, Any], arguments: dict[str, Any], message: str
) -> None:
    assert message in message_of(folder, files, **arguments)


def test_a_test_split_of_its_own_is_not_cut_again(folder: Path) -> None:
    declared = Components().source_facts("text_lines", {})
    arguments = {"files": FILES, "path": str(folder), "test_files": FILES}
    assert load("text_lines", arguments, declared=declared, validation=1, seed=1).test is not None
    with pytest.raises(DlkitError, match="the source comes with one"):
        load("text_lines", arguments, declared=declared, test=0.5, seed=1)


def test_a_recipe_says_the_folder_beside_itself(folder: Path) -> None:
    (folder / "recipe.yaml").write_text(
        "name: lines\ndata:\n  source:\n    text_lines: {path: ., files: {positive: x.pos, negative: x.neg}}\n"
        "model: {sequential: [TextVectorization, {Embedding: {input_dim: 10, output_dim: 2}}, Flatten, {Dense: {units: $data.classes}}]}\n"
        "training: {epochs: 1}\n"
    )
    source = dlkit.load(folder / "recipe.yaml").config.data.source
    assert len(text_lines(**source.arguments).train) == 3


def test_a_recipe_with_another_value_than_a_file_is_told() -> None:
    source = {"text_lines": {"files": {"positive": 3, "negative": "x.neg"}}}
    recipe = {"name": "x", "data": {"source": source}, "model": {"sequential": ["Flatten"]}, "training": {"epochs": 1}}
    with pytest.raises(RecipeError, match="`files` of text_lines takes a mapping of names to texts"):
        dlkit.load(recipe)


def test_the_place_of_a_byte_counts_behind_the_mark() -> None:
    with pytest.raises(DlkitError, match=r"^x:1: byte 3 of the line, 0xc3, is no UTF-8"):
        decoded(b"\xef\xbb\xbfab\xc3", "x")


def test_rt_polarity_has_its_published_sizes(data_dir: Path) -> None:
    path = data_dir / "text" / "rt-polarity"
    if not path.is_dir():
        pytest.skip(f"rt-polarity is not in {data_dir}")
    train = text_lines({"positive": "rt-polarity.pos", "negative": "rt-polarity.neg"}, path).train
    assert np.bincount(np.asarray(train.targets["label"])).tolist() == [5_331, 5_331]
    assert train.features["text"][5_331] == "simplistic , silly and tedious ."
