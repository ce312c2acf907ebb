from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Any

import numpy as np
import pytest
import sentencepiece
from hypothesis import given
from hypothesis import strategies as st

from dlkit.data.tokens import Tokenizer, learn_characters, learn_subwords, learn_words, tokenizer_of
from dlkit.errors import DlkitError

TEXT = "the cat sat on the mat,\nand the other cat didn't. The rat sat — at the cat's hat!\n\n" * 20
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\u2581"))


@cache
def subwords() -> Tokenizer:
    return learn_subwords(TEXT, 320)


@given(texts)
def test_characters_come_back(text: str) -> None:
    tokenizer = learn_characters(text)
    assert tokenizer.labels == tuple(sorted(set(text)))
    numbers = tokenizer.encode(text)
    assert numbers.dtype == np.int32 and numbers.tolist() == [tokenizer.labels.index(character) for character in text]
    assert tokenizer.decode(numbers) == text


def test_a_character_that_the_model_does_not_know_is_named() -> None:
    with pytest.raises(DlkitError) as error:
        tokenizer_of("\nab", "character").encode("ab\nä")
    assert "the character 'ä', number 4 of the text, is none of the 3" in error.value.message
    assert error.value.cure == "these are '\\nab'"


def test_words_are_counted_and_the_others_are_unknown() -> None:
    counts = Counter(["b", "b", "a", "a", "a", "!", "c"])
    tokenizer = learn_words("b a c! a\ta b", 4)
    assert tokenizer.labels == ("<unk>", *(word for word, _ in counts.most_common(2)), "c")
    assert tokenizer.encode("a d c!").tolist() == [1, 0, 3, 0]
    assert learn_words("one two two", 100).labels == ("<unk>", "two", "one")


def test_words_have_their_apostrophes_and_signs_stand_alone() -> None:
    tokenizer = learn_words(TEXT, 100)
    numbers = tokenizer.encode("the cat's hat,\n\n didn't 'sat'.")
    words = [tokenizer.labels[number] for number in numbers]
    assert words == ["the", "cat's", "hat", ",", "\n", "\n", "didn't", "<unk>", "sat", "<unk>", "."]


@given(st.lists(st.sampled_from(["a", "b's", "ß", "\n", ".", ",", "'", "(", "7", "!"])))
def test_decoded_words_are_the_same_words(words: list[str]) -> None:
    tokenizer = tokenizer_of(["<unk>", "a", "b's", "ß", "\n", ".", ",", "'", "(", "7", "!"], "word")
    numbers = [tokenizer.labels.index(word) for word in words]
    assert tokenizer.encode(tokenizer.decode(numbers)).tolist() == numbers


def test_decoded_words_read_like_text() -> None:
    text = "the cat sat, and\n\nthe rat sat!"
    tokenizer = learn_words(TEXT, 100)
    assert tokenizer.decode(tokenizer.encode(text)) == text


@given(texts)
def test_subwords_come_back_whatever_the_text(text: str) -> None:
    numbers = subwords().encode(text)
    assert numbers.dtype == np.int32 and subwords().decode(numbers) == text


def test_subwords_are_those_of_sentencepiece(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pieces in their order are the whole tokenizer: it gives what SentencePiece's trained model gives."""
    made: dict[str, Any] = {}
    train = sentencepiece.SentencePieceTrainer.train

    def record(**options: Any) -> None:
        train(**options)
        made.update(options)

    monkeypatch.setattr(sentencepiece.SentencePieceTrainer, "train", record)
    tokenizer = learn_subwords(TEXT, 320)
    theirs = sentencepiece.SentencePieceProcessor(model_proto=made["model_writer"].getvalue())
    assert tokenizer.labels == tuple(theirs.id_to_piece(number) for number in range(320))
    for text in (TEXT, "a\n\n  hat <unk> <0x41>\täöü — that other thing", " the ", ""):
        assert tokenizer.encode(text).tolist() == theirs.encode(text)
        again = tokenizer_of(tokenizer.labels, "subword")
        assert again.encode(text).tolist() == theirs.encode(text)
    assert len(tokenizer.encode(TEXT)) < 0.7 * len(TEXT)


def test_subwords_are_the_same_in_every_run() -> None:
    assert learn_subwords(TEXT, 320).labels == subwords().labels


def test_a_long_line_is_learned_from_too() -> None:
    line = TEXT.replace("\n", " ") * 20
    assert len(line) > 2**14 and len(learn_subwords(line, 310).encode(line)) < 0.8 * len(line)


@pytest.mark.parametrize(
    ("size", "message", "cure"),
    [
        (100, "`vocabulary_size: 100` is too small: the bytes and the characters", "or more"),
        (100_000, "`vocabulary_size: 100000` is more than the text has pieces for", "or less"),
    ],
)
def test_a_size_that_cannot_be_is_told_with_the_nearest_that_can(size: int, message: str, cure: str) -> None:
    with pytest.raises(DlkitError) as error:
        learn_subwords(TEXT, size)
    assert message in error.value.message and error.value.cure is not None and error.value.cure.endswith(cure)
    nearest = int(error.value.cure.split()[1])
    assert len(learn_subwords(TEXT, nearest).labels) == nearest
