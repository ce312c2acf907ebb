"""Running text for language models: windows of tokens, and for each token the one behind it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

from dlkit.data.arrays import Arrays, Splits
from dlkit.data.columns import Windows
from dlkit.data.reading.places import joined, look_at, nearest, places_of_path
from dlkit.data.reading.problems import Problems
from dlkit.data.reading.texts import SUFFIX, read_text
from dlkit.data.tokens import Tokenizer, Tokens, learn_characters, learn_subwords, learn_words
from dlkit.errors import DlkitError
from dlkit.recipe.facts import DataFacts, Feature, Target
from dlkit.recipe.registry import Range, register

_WORDS, _SUBWORDS = 10_000, 1_000  # where the recipe does not say


@register(
    kind="source",
    features={"tokens": {"kind": "sequence", "dtype": "int32"}},
    targets={"next": {"kind": "classes", "shape": None}},
)
def text_corpus(
    path: Path,
    tokens: Literal["character", "word", "subword"] = "character",
    length: Annotated[int, Range(min=1)] = 64,
    stride: Annotated[int | None, Range(min=1)] = None,
    vocabulary_size: Annotated[int | None, Range(min=2)] = None,
    vocabulary_share: Annotated[float, Range(above=0, max=1)] = 0.7,
) -> Splits:
    """Windows of running text, to learn which token comes next.

    The text is cut in its order: the beginning to train on, then `data.validation`, the end as `data.test`. Between two of
    these, windows are left out, so that no token that is to be predicted in one is seen in another.

    Characters are those of the whole text. Words and subwords are counted in its beginning only, of which
    `vocabulary_share` must not reach beyond the training split. Of words, number 0 is `<unk>`, for those that the
    vocabulary lacks; subwords fall back to bytes. There is no padding: 0 is a token like others.

    Args:
        path: A text file in UTF-8, or a folder of `.txt` files, which are joined by name.
        tokens: Characters; words with the apostrophes inside them, signs and line ends; or the pieces of words that
            byte-pair encoding finds.
        length: Tokens of a window.
        stride: Tokens from the beginning of a window to that of the next; where it is left out, `length`, so that an epoch
            reads every token once. With 1, windows begin anywhere: let `training.steps_per_epoch` say how many are drawn.
        vocabulary_size: Words, 10,000 at most where it is left out, or subwords, 1,000.
        vocabulary_share: The part of the text, from its beginning, in which words or subwords are counted. By default
            the training split has the first 0.72 of a text that is much longer than a window.

    Raises:
        DlkitError: There is no text at the path, it is no UTF-8, or it is shorter than one window; or the vocabulary cannot
            have that size.
    """
    import numpy as np

    place, text = _read(path)
    tokenizer = _learn(text, tokens, vocabulary_size, vocabulary_share)
    numbers = tokenizer.encode(text)
    if len(numbers) <= length:
        raise DlkitError(
            f"{place} holds {len(numbers):,} tokens ({tokens}s), where a window reads `length: {length}` and predicts one "
            "more",
            "give a smaller `length`, or more text",
            code="too-little-data",
        )
    step = length if stride is None else stride
    starts = np.arange(0, len(numbers) - length, step)
    size = len(tokenizer.labels)
    return Splits(
        Arrays({"tokens": Windows(numbers, starts, length)}, {"next": Windows(numbers, starts + 1, length)}),
        facts=DataFacts(
            {"tokens": Feature("sequence", (length,), "int32", vocabulary_size=size)},
            {"next": Target("classes", (length,), classes=size, labels=tokenizer.labels)},
        ),
        ordered=True,
        # The window at s reads s to s + length - 1 and predicts up to s + length. The first one of the next split begins
        # (gap + 1) * step later, which must lie beyond that: its first token is read.
        gap=length // step,
    )


def _learn(text: str, tokens: Tokens, size: int | None, share: float) -> Tokenizer:
    if tokens == "character":
        if size is not None:
            raise DlkitError(
                "`vocabulary_size` of text_corpus is for words and subwords; the characters are those of the text",
                "leave it out",
                code="unused-key",
            )
        return learn_characters(text)
    beginning = text[: round(share * len(text))]
    return learn_words(beginning, size or _WORDS) if tokens == "word" else learn_subwords(beginning, size or _SUBWORDS)


def _read(path: Path) -> tuple[Path, str]:
    """The place of the text, and the text."""
    place = _find(str(path))
    files = [place]
    if not os.path.isfile(place):
        folder = look_at(place)
        files = [place / name for name in sorted(folder.files) if name.lower().endswith(SUFFIX) and name[0] != "."]
        if folder.problem or not files:
            raise DlkitError(
                f"{place} {folder.problem or f'holds no {SUFFIX} files'}",
                f"set `path` to a text file, or to a folder of {SUFFIX} files",
                code="data-not-found",
            )
    problems = Problems()
    texts = []
    for file in files:
        with problems.noted():
            texts.append(_text(file))
    problems.raise_any()
    return place, "".join(text if text.endswith("\n") else f"{text}\n" for text in texts[:-1]) + texts[-1]


def _text(file: Path) -> str:
    text = read_text(file)
    if not text.strip():
        raise DlkitError(f"{file} holds no text", "take it out, or set `path` to another file")
    return text


def _find(path: str) -> Path:
    places = places_of_path(path)
    for place in places:
        if os.path.exists(place):
            return place
    raise DlkitError(
        f"There is no text at `{path}`. Looked at: {joined(places)}",
        nearest(places, f"set `path` to a text file, or to a folder of {SUFFIX} files"),
        code="data-not-found",
    )
