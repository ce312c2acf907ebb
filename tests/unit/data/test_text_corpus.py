from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dlkit
from dlkit.data.arrays import Splits
from dlkit.data.columns import Windows
from dlkit.data.facts import measure
from dlkit.data.load import load
from dlkit.data.sources.text_corpus import text_corpus
from dlkit.data.tokens import tokenizer_of
from dlkit.errors import DlkitError
from dlkit.recipe.components import Components

DECLARED = Components().source_facts("text_corpus", {})


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "corpus.txt"
    path.write_text("to be, or not to be\n" * 40)
    return path


def cut(path: Path, **arguments: Any) -> Splits:
    return load("text_corpus", {"path": str(path), **arguments}, declared=DECLARED, seed=1)


def column(splits: Splits, name: str) -> Windows:
    values = (splits.train.features | splits.train.targets)[name]
    assert isinstance(values, Windows)
    return values


def message_of(path: Path, **arguments: Any) -> str:
    with pytest.raises(DlkitError) as error:
        text_corpus(path, **arguments)
    return str(error.value)


def test_windows_are_the_text_and_the_target_is_one_token_on(corpus: Path) -> None:
    text = corpus.read_text()
    splits = text_corpus(corpus, length=7)
    assert splits.facts is not None
    labels = splits.facts.targets["next"].labels
    assert labels == tuple(sorted(set(text)))
    tokenizer = tokenizer_of(labels, "character")
    tokens, following = np.asarray(column(splits, "tokens")), np.asarray(column(splits, "next"))
    assert tokens.dtype == np.int32 and tokens.shape == (114, 7)
    for number, (window, target) in enumerate(zip(tokens, following, strict=True)):
        assert tokenizer.decode(window) == text[7 * number : 7 * number + 7]
        assert tokenizer.decode(target) == text[7 * number + 1 : 7 * number + 8]


def test_every_token_but_the_first_is_predicted_once_where_windows_fill_the_text(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("abcdefghijklm")
    starts = column(text_corpus(tmp_path / "x.txt", length=4), "next").starts
    assert (starts[:, None] + np.arange(4)).ravel().tolist() == [*range(1, 13)]


def seen(splits: Splits, name: str) -> tuple[set[int], set[int]]:
    """The places of the tokens that a split reads and of those that it predicts."""
    arrays = splits.named()[name]
    read, predicted = arrays.features["tokens"], arrays.targets["next"]
    assert isinstance(read, Windows) and isinstance(predicted, Windows)
    return tuple({int(s) + i for s in values.starts for i in range(values.length)} for values in (read, predicted))  # type: ignore[return-value]


@pytest.mark.parametrize("stride", [None, 1, 2, 3, 4, 5, 7])
@pytest.mark.parametrize("length", [1, 2, 4, 5, 6])
def test_no_token_that_one_split_predicts_is_seen_in_another(corpus: Path, length: int, stride: int | None) -> None:
    splits = cut(corpus, length=length, stride=stride)
    for one, other in (("train", "validation"), ("validation", "test"), ("train", "test")):
        (_, early), (read, predicted) = seen(splits, one), seen(splits, other)
        assert max(early) < min(read), "what is learned first lies before what is read later"
        assert not early & predicted
        assert not predicted & seen(splits, one)[0]


@pytest.mark.parametrize(("length", "stride"), [(4, None), (4, 1), (5, 2), (3, 4)])
def test_no_more_windows_are_left_out_than_must_be(corpus: Path, length: int, stride: int | None) -> None:
    splits = cut(corpus, length=length, stride=stride)
    step, last = stride or length, column(splits, "tokens").starts[-1]
    assert splits.validation is not None
    first = splits.validation.features["tokens"].starts[0]  # type: ignore[union-attr]
    assert first - step <= last + length < first


@pytest.mark.parametrize("tokens", ["word", "subword"])
def test_the_vocabulary_is_counted_in_the_beginning_only(tmp_path: Path, tokens: Any) -> None:
    path = tmp_path / "x.txt"
    path.write_text("a cat and a hat\n" * 70 + "zebra zebra zoo\n" * 30)
    size = None if tokens == "word" else 275
    labels = {
        share: text_corpus(path, tokens=tokens, length=4, vocabulary_size=size, vocabulary_share=share)
        .facts.targets["next"]
        .labels  # type: ignore[union-attr]
        for share in (0.7, 1.0)
    }
    assert not any("z" in label for label in labels[0.7] or ())
    assert any("z" in label for label in labels[1.0] or ())


def test_the_share_lies_within_the_training_split(corpus: Path) -> None:
    splits = cut(corpus, length=4)
    last = column(splits, "next").starts[-1] + 4
    assert 0.7 * len(corpus.read_text()) < last


def test_the_facts_are_those_of_the_text(corpus: Path) -> None:
    splits = cut(corpus, tokens="word", length=5)
    facts = measure(splits, DECLARED, 8)
    assert facts.features["tokens"].vocabulary_size == facts.classes == 7  # <unk> to be , or not, the line end
    assert facts.targets["next"].labels is not None and facts.targets["next"].labels[0] == "<unk>"
    assert facts.features["tokens"].shape == facts.targets["next"].shape == (5,)
    assert text_corpus(corpus, tokens="word", vocabulary_size=3, length=5).facts.classes == 3  # type: ignore[union-attr]


def test_windows_are_not_made_before_they_are_asked_for(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Windows, "read", lambda *_: pytest.fail("a window was read"))
    splits = cut(corpus, length=100, stride=1)
    assert measure(splits, DECLARED, 8).train_size == len(splits.train) > 300
    assert column(splits, "tokens").nbytes < 20 * len(corpus.read_text())


def test_the_files_of_a_folder_are_joined_by_name(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_bytes(b"\xef\xbb\xbfthree\r\nfour")
    (tmp_path / "a.TXT").write_text("one\rtwo")
    (tmp_path / ".hidden.txt").write_text("no")
    (tmp_path / "notes.md").write_text("no")
    splits = text_corpus(tmp_path, length=17)
    labels = splits.facts.targets["next"].labels  # type: ignore[union-attr]
    text = tokenizer_of(labels or (), "character").decode(column(splits, "tokens").series)
    assert text == "one\ntwo\nthree\nfour"


def test_what_cannot_be_read_is_told_with_its_place(tmp_path: Path, corpus: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    assert "folder holds no .txt files" in message_of(folder)
    (folder / "a.txt").write_bytes(b"one\ntwo\xe4\n")
    (folder / "b.txt").write_bytes(b" \n\n")
    (folder / "c.txt").write_text("good text")
    message = message_of(folder)
    assert "a.txt:2: byte 4 of the line, 0xe4, is no UTF-8" in message and "b.txt holds no text" in message
    assert "save the file as UTF-8" in message and "c.txt" not in message
    message = message_of(tmp_path / "corpvs.txt")
    assert f"There is no text at `{tmp_path / 'corpvs.txt'}`" in message and "did you mean `corpus.txt`?" in message


@pytest.mark.parametrize("length", [800, 900])
def test_a_text_shorter_than_a_window_is_told(corpus: Path, length: int) -> None:
    message = message_of(corpus, length=length)
    assert f"corpus.txt holds 800 tokens (characters), where a window reads `length: {length}`" in message
    assert "give a smaller `length`, or more text" in message
    assert len(text_corpus(corpus, length=799).train) == 1


def test_too_few_windows_for_the_splits_are_told(corpus: Path) -> None:
    with pytest.raises(DlkitError, match=r"cannot be held out|nothing is left"):
        cut(corpus, length=400)


def test_characters_have_no_size_of_vocabulary(corpus: Path) -> None:
    assert "`vocabulary_size` of text_corpus is for words and subwords" in message_of(corpus, vocabulary_size=10)


def test_a_recipe_knows_the_sizes_before_it_loads_the_text(corpus: Path) -> None:
    model = [{"Embedding": {"input_dim": "$data.features.tokens.vocabulary_size", "output_dim": 8}}]
    recipe = {
        "name": "language",
        "data": {"source": {"text_corpus": {"path": str(corpus), "length": 16}}},
        "model": {
            "sequential": [
                *model,
                {"GRU": {"units": 8, "return_sequences": True}},
                {"Dense": {"units": "$data.classes"}},
            ]
        },
        "training": {"epochs": 1},
    }
    assert dlkit.load(recipe).facts.targets["next"].kind == "classes"


def test_tiny_shakespeare_has_its_published_sizes(data_dir: Path) -> None:
    path = data_dir / "text" / "tinyshakespeare" / "input.txt"
    if not path.is_file():
        pytest.skip(f"tiny Shakespeare is not in {data_dir}")
    splits = text_corpus(path)
    assert len(column(splits, "tokens").series) == 1_115_394
    assert splits.facts is not None and splits.facts.classes == 65
    assert len(splits.train) == 1_115_393 // 64
