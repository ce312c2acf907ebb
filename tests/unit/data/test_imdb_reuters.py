from __future__ import annotations

import io
import json
import pickle
import sys
import tarfile
import types
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlkit.data.arrays import Arrays, Splits
from dlkit.data.sources import reuters as reuters_file
from dlkit.data.sources.imdb import imdb
from dlkit.data.sources.reuters import reuters
from dlkit.errors import DlkitError

WORDS = {"the": 1, "film": 2, "is": 3, "good": 4, "n'est": 5, "été": 6}
TRAIN, TEST = [[1, 2, 3, 4], [2], [6, 5]], [[4, 4], [3]]


def ragged(rows: list[Any]) -> np.ndarray:
    made = np.empty(len(rows), object)
    made[:] = rows
    return made


def write_imdb(folder: Path, **changed: Any) -> Path:
    """Keras's two files, some of the arrays with other content; None leaves one out."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {
        "x_train": ragged(TRAIN),
        "y_train": np.array([1, 0, 1]),
        "x_test": ragged(TEST),
        "y_test": np.array([1, 0]),
    }
    np.savez(folder / "imdb.npz", **{name: array for name, array in {**arrays, **changed}.items() if array is not None})
    (folder / "imdb_word_index.json").write_text(json.dumps(WORDS))
    return folder


def write_reviews(folder: Path) -> Path:
    """The folder as it is published, with the files that come with it."""
    for split in ("train", "test"):
        for name, text in (
            ("neg/0_2", "Bad.<br />Sad."),
            ("pos/0_9", "Good film!\n"),
            ("pos/10_8", "Fine"),
            ("unsup/0_0", "?"),
        ):
            file = folder / split / f"{name}.txt"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{split}: {text}")
        (folder / split / "urls_pos.txt").write_text("http://nowhere")
        (folder / split / "labeledBow.feat").write_text("9 0:1")
    (folder / "imdb.vocab").write_text("film")
    return folder


def pack(folder: Path, archive: Path) -> Path:
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(folder, folder.name)
    return archive


def texts(arrays: Arrays | None) -> list[str]:
    assert arrays is not None
    assert arrays.features["text"].dtype == object
    return np.asarray(arrays.features["text"]).tolist()


def labels(arrays: Arrays | None) -> list[int]:
    assert arrays is not None
    (values,) = arrays.targets.values()
    assert values.dtype == np.int32
    return np.asarray(values).tolist()


def is_from_words(splits: Splits) -> None:
    assert texts(splits.train) == ["the film is good", "film", "été n'est"] and labels(splits.train) == [1, 0, 1]
    assert texts(splits.test) == ["good good", "is"] and labels(splits.test) == [1, 0]


def is_from_reviews(splits: Splits) -> None:
    assert texts(splits.train) == ["train: Bad.<br />Sad.", "train: Good film!", "train: Fine"]
    assert labels(splits.train) == labels(splits.test) == [0, 1, 1]
    assert texts(splits.test)[1] == "test: Good film!"


def message_of(path: Path | None, source: Callable[..., Splits] = imdb) -> str:
    with pytest.raises(DlkitError) as error:
        source(path)
    return str(error.value)


@pytest.fixture(autouse=True)
def keras(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """No folder that is looked at holds the files, and nothing can be downloaded; the calls that tried are listed."""
    monkeypatch.setenv("DLKIT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    called: list[str] = []

    def refuse(function: str) -> Callable[[], Any]:
        def call() -> Any:
            called.append(function)
            raise Exception("URL fetch failure")

        return call

    sets = types.SimpleNamespace(load_data=refuse("load_data"), get_word_index=refuse("get_word_index"))
    module = types.SimpleNamespace(datasets=types.SimpleNamespace(imdb=sets, reuters=sets), called=called)
    monkeypatch.setitem(sys.modules, "keras", module)
    return module


# Finding


@pytest.mark.parametrize("place", ["data/imdb", "keras/datasets", "here"])
def test_words_are_found_in_each_place(tmp_path: Path, place: str) -> None:
    write_imdb(tmp_path / place)
    is_from_words(imdb(tmp_path / "here") if place == "here" else imdb())
    is_from_words(imdb(tmp_path / place / "imdb.npz"))


@pytest.mark.parametrize("place", ["data/imdb/aclImdb", "data/aclImdb", "keras/datasets/aclImdb"])
def test_reviews_are_found_in_each_place_before_words(tmp_path: Path, place: str) -> None:
    write_reviews(tmp_path / place)
    write_imdb(tmp_path / place)
    is_from_reviews(imdb())
    is_from_reviews(imdb(tmp_path / place))
    is_from_reviews(imdb((tmp_path / place).parent))


def test_the_archive_is_read_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "data" / "imdb").mkdir(parents=True)
    archive = pack(write_reviews(tmp_path / "aclImdb"), tmp_path / "data" / "imdb" / "aclImdb_v1.tar.gz")
    is_from_reviews(imdb())
    is_from_reviews(imdb(archive))
    assert sorted(file.name for file in archive.parent.iterdir()) == ["aclImdb_v1.tar.gz"]


def test_what_was_looked_at_is_told(tmp_path: Path, keras: Any) -> None:
    write_imdb(tmp_path / "data" / "imdb")
    (tmp_path / "data" / "imdb" / "imdb_word_index.json").unlink()
    message = message_of(None)
    assert "The files of IMDB were not found." in message
    assert f"{tmp_path / 'data/imdb'}: lacks imdb_word_index.json, and has neither aclImdb nor aclImdb_v1" in message
    assert f"{tmp_path / 'keras/datasets'}: no such folder" in message
    assert "download by Keras: URL fetch failure" in message
    assert "Put `aclImdb`, aclImdb_v1.tar.gz, or both imdb.npz and imdb_word_index.json into" in message
    assert keras.called == ["load_data"]


def test_nothing_is_downloaded_where_a_path_is_given(tmp_path: Path, keras: Any) -> None:
    message = message_of(tmp_path / "nowhere")
    assert "nowhere: no such folder" in message and "leave out `path`" in message and not keras.called
    assert "is neither an archive nor imdb.npz" in message_of(Path(__file__))
    assert "Put reuters.npz and reuters_word_index.json into" in message_of(tmp_path / "nowhere", reuters)


def test_what_keras_downloads_into_its_cache_is_read(tmp_path: Path, keras: Any) -> None:
    keras.datasets.imdb.load_data = lambda: write_imdb(tmp_path / "keras" / "datasets")
    keras.datasets.imdb.get_word_index = lambda: None
    is_from_words(imdb())


def test_a_download_to_another_place_is_told(tmp_path: Path, keras: Any) -> None:
    keras.datasets.imdb.load_data = keras.datasets.imdb.get_word_index = lambda: None
    assert f"download by Keras: {tmp_path / 'keras/datasets'} no such folder" in message_of(None)


# Damaged files


class Evil:
    def __reduce__(self) -> Any:
        return print, ("run",)


def with_member(folder: Path, name: str, content: bytes) -> Path:
    """The archive with another member in the place of one."""
    with zipfile.ZipFile(folder / "imdb.npz") as old:
        members = {member: old.read(member) for member in old.namelist()}
    with zipfile.ZipFile(folder / "imdb.npz", "w") as new:
        for member, before in members.items():
            new.writestr(member, content if member == f"{name}.npy" else before)
    return folder


def header(shape: tuple[int, ...], descr: str) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"shape": shape, "fortran_order": False, "descr": descr})
    return stream.getvalue()


def test_of_a_pickle_nothing_is_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message = message_of(write_imdb(tmp_path, x_train=ragged([[1], Evil(), [2]])))
    assert f"{tmp_path / 'imdb.npz'}: `x_train` asks for `builtins.print` to be run" in message
    assert "do not trust this file" in message and capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"y_test": None}, "imdb.npz has no `y_test`"),
        ({"x_train": ragged([[1], [7], [2]])}, "`x_train`: text 1 is no list of numbers of words in imdb_word_index"),
        ({"x_train": ragged([[1], "film", [2]])}, "`x_train`: text 1 is no list of numbers"),
        ({"x_train": ragged([[1], [[]], [2]])}, "`x_train`: text 1 is no list of numbers"),
        ({"x_train": ragged([3, [1], [2]])}, "`x_train`: text 0 is no list of numbers"),
        ({"x_train": np.zeros((3, 4), int)}, "`x_train` is no array of lists"),
        ({"y_train": ragged([[0], [1], [1]])}, "or `y_train` no array of numbers"),
        ({"y_train": np.array([0, 1])}, "holds 3 texts and 2 classes"),
        ({"y_train": np.array([0, 1, 2])}, "`y_train`: example 2 has the label 2, which is none of 0 to 1"),
        ({"y_train": np.array([0.0, 1, 1])}, "its labels are float64"),
    ],
)
def test_arrays_of_another_kind_are_told(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    assert message in message_of(write_imdb(tmp_path, **changed))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is a damaged array"),
        (b"\x93NUMPY\x09\x00", "is a damaged array"),
        (header((3,), "|O"), "is cut short"),
        (header((3,), "|O") + b"text", "is no pickle, or a damaged one"),
        (header((3,), "|O") + pickle.dumps([[1], [2], [3]]), "is no array of lists"),
        (header((4_000_000_000,), "<i8") + bytes(24), "is a damaged array: cannot reshape"),
    ],
)
def test_damaged_members_are_told(tmp_path: Path, content: bytes, message: str) -> None:
    assert f"{tmp_path / 'imdb.npz'}: `x_train` {message}" in message_of(
        with_member(write_imdb(tmp_path), "x_train", content)
    )


def test_damaged_files_are_told(tmp_path: Path) -> None:
    whole = (write_imdb(tmp_path) / "imdb.npz").read_bytes()
    for content in (b"", b"no archive", whole[: len(whole) // 2]):
        (tmp_path / "imdb.npz").write_bytes(content)
        assert f"{tmp_path / 'imdb.npz'} is no .npz file, or a damaged one" in message_of(tmp_path)
    (tmp_path / "imdb.npz").write_bytes(whole)
    for text in (b"{", b"[1]", b'{"the": "1"}', b"\xff", b"[" * 100_000):
        (tmp_path / "imdb_word_index.json").write_bytes(text)
        assert f"{tmp_path / 'imdb_word_index.json'} is no index of words" in message_of(tmp_path)


def test_reviews_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    folder = write_reviews(tmp_path / "aclImdb")
    (folder / "train" / "pos" / "1_9.txt").write_bytes(b"caf\xe9")
    (folder / "train" / "neg" / "1_2.txt").write_bytes(b"")
    message = message_of(folder)
    assert f"{folder / 'train/pos/1_9.txt'}:1: byte 4 of the line, 0xe9" in message
    assert f"{folder / 'train/neg/1_2.txt'} holds no text" in message
    (folder / "test" / "pos" / "0_9.txt").unlink()
    (folder / "test" / "pos" / "10_8.txt").unlink()
    assert "has no reviews in test/pos" in message_of(folder)


# Reuters


def test_reuters_is_split_as_keras_does(tmp_path: Path) -> None:
    count = 100
    np.savez(tmp_path / "reuters.npz", x=ragged([[1 + number] for number in range(count)]), y=np.arange(count) % 46)
    (tmp_path / "reuters_word_index.json").write_text(
        json.dumps({f"w{1 + number}": 1 + number for number in range(count)})
    )
    splits = reuters(tmp_path)
    order = np.arange(count)
    np.random.RandomState(113).shuffle(order)  # as keras.datasets.reuters.load_data says
    assert texts(splits.train) == [f"w{1 + number}" for number in order[:80]]
    assert texts(splits.test) == [f"w{1 + number}" for number in order[80:]]
    assert labels(splits.train) + labels(splits.test) == [number % 46 for number in order]


def test_the_topics_are_those_of_keras(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    pytest.importorskip("keras")
    from keras.datasets.reuters import get_label_names

    assert tuple(reuters_file.TOPICS) == get_label_names()


def test_keras_reads_the_same_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What Keras makes of a file, turned back into words, but for the last word of the index, which it drops."""
    monkeypatch.undo()
    load_data = pytest.importorskip("keras").datasets.imdb.load_data
    module = sys.modules[load_data.__module__]
    file = write_imdb(tmp_path) / "imdb.npz"
    monkeypatch.setattr(module, "get_file", lambda **_: str(file))
    (x_train, y_train), _ = load_data()
    words = {number + 3: word for word, number in WORDS.items()} | {2: "été"}
    theirs = {(" ".join(words[number] for number in row[1:]), int(y)) for row, y in zip(x_train, y_train, strict=True)}
    train = imdb(tmp_path).train
    assert theirs == {*zip(texts(train), labels(train), strict=True)}
