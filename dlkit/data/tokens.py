"""Running text as numbers and back: characters, words, or the pieces of words that byte-pair encoding finds.

A vocabulary is a row of strings, the labels, in the order of their numbers; these and the kind of tokens are all that a
tokenizer consists of. So that of a run is made anew from the facts that the run keeps:

    tokenizer = tokenizer_of(facts.targets["next"].labels, "subword")
    tokenizer.decode(tokenizer.encode("To be, or not"))
"""

from __future__ import annotations

import io
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal

from dlkit.errors import DlkitError

if TYPE_CHECKING:
    import numpy as np

Tokens = Literal["character", "word", "subword"]

UNKNOWN = "<unk>"
_WORD = re.compile(r"\n|\w+(?:['\u2019]\w+)*|[^\w\s]")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_BYTE = re.compile(r"<0x[0-9A-F]{2}>")
_LONGEST_SENTENCE = 2**12  # characters that SentencePiece is given at a time: longer lines, it would leave out


class Tokenizer(ABC):
    """A vocabulary, and the way from text to its numbers and back.

    Args:
        labels: The tokens, in the order of their numbers.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = tuple(labels)

    @abstractmethod
    def encode(self, text: str) -> np.ndarray:
        """The numbers of the tokens of a text, int32 of shape (tokens,).

        Raises:
            DlkitError: The text has a character that a vocabulary of characters lacks.
        """

    @abstractmethod
    def decode(self, numbers: Sequence[int] | np.ndarray) -> str:
        """The text of these tokens."""


class Characters(Tokenizer):
    """Every character, line ends and blanks among them, is a token."""

    def encode(self, text: str) -> np.ndarray:
        import numpy as np

        codes, known = _code_points(text), _code_points("".join(self.labels))
        table = np.full(0x110000, -1, np.int32)  # all of Unicode
        table[known] = np.arange(len(known))
        numbers = table[codes]
        if len(numbers) and numbers.min() < 0:
            place = int(np.argmin(numbers))
            raise DlkitError(
                f"the character {text[place]!r}, number {place + 1:,} of the text, is none of the {len(known)} that the "
                "model was trained on",
                f"these are {''.join(self.labels)!r}",
                code="unknown-character",
            )
        return numbers

    def decode(self, numbers: Sequence[int] | np.ndarray) -> str:
        return "".join(self.labels[number] for number in numbers)


class Words(Tokenizer):
    """Words, with the apostrophes inside them, every other sign and every line end; blanks are none.

    A word that the vocabulary lacks is its first token, `<unk>`. Decoded text has a blank between two tokens, but none
    beside a line end, and none before `.,;:!?`.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        super().__init__(labels)
        self._numbers = {label: number for number, label in enumerate(self.labels)}

    def encode(self, text: str) -> np.ndarray:
        import numpy as np

        unknown, numbers = self._numbers[UNKNOWN], self._numbers
        return np.fromiter((numbers.get(word, unknown) for word in _words(text)), np.int32)

    def decode(self, numbers: Sequence[int] | np.ndarray) -> str:
        text = " ".join(self.labels[number] for number in numbers)
        return re.sub(r" (?=[.,;:!?])", "", re.sub(r" ?\n ?", "\n", text))


class Subwords(Tokenizer):
    """Byte-pair encoding by SentencePiece: frequent words whole, rare ones in pieces, unknown characters as bytes.

    Any text comes back from its numbers as it was, but for the sign U+2581, which stands for a blank in the pieces.
    Source: Sennrich, Haddow and Birch, 2016, arXiv:1508.07909; Kudo and Richardson, 2018, arXiv:1808.06226
    """

    def __init__(self, labels: Sequence[str]) -> None:
        super().__init__(labels)
        self._processor = _processor(self.labels)

    def encode(self, text: str) -> np.ndarray:
        import numpy as np

        lines = (self._processor.encode(line[0]) for line in _LINE.finditer(text))  # no piece spans two lines
        return np.fromiter(chain.from_iterable(lines), np.int32)

    def decode(self, numbers: Sequence[int] | np.ndarray) -> str:
        return str(self._processor.decode([int(number) for number in numbers]))


_KINDS: dict[str, type[Tokenizer]] = {"character": Characters, "word": Words, "subword": Subwords}


def tokenizer_of(labels: Sequence[str], tokens: Tokens) -> Tokenizer:
    """The tokenizer of a vocabulary that was learned before."""
    return _KINDS[tokens](labels)


def learn_characters(text: str) -> Tokenizer:
    """A tokenizer of the characters of a text, in the order of Unicode."""
    return Characters(sorted(set(text)))


def learn_words(text: str, size: int) -> Tokenizer:
    """A tokenizer of `<unk>` and the most frequent words of a text, the most frequent first, `size` at most."""
    return Words([UNKNOWN, *(word for word, _ in Counter(_words(text)).most_common(size - 1))])


def learn_subwords(text: str, size: int) -> Tokenizer:
    """A tokenizer of `size` pieces: `<unk>`, the line end, the 256 bytes, merged pieces and the characters of a text.

    Raises:
        DlkitError: The text has too many characters for so few pieces, or is too short for so many.
    """
    import sentencepiece

    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=_sentences(text),
            model_writer=model,
            model_type="bpe",
            vocab_size=size,
            character_coverage=1.0,
            byte_fallback=True,
            user_defined_symbols=["\n"],
            normalization_rule_name="identity",  # nothing of the text is changed
            add_dummy_prefix=False,
            remove_extra_whitespaces=False,
            bos_id=-1,
            eos_id=-1,
            pad_id=-1,
            num_threads=1,  # with several the pieces may differ from run to run
            max_sentence_length=4 * _LONGEST_SENTENCE,  # bytes
            minloglevel=2,
        )
    except RuntimeError as error:
        raise _wrong_size(size, str(error)) from None
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    return Subwords([processor.id_to_piece(number) for number in range(len(processor))])


def _code_points(text: str) -> np.ndarray:
    import numpy as np

    return np.frombuffer(text.encode("utf-32-le", errors="surrogatepass"), np.uint32)


def _words(text: str) -> Iterator[str]:
    return (match[0] for match in _WORD.finditer(text))


def _sentences(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        for start in range(0, len(line), _LONGEST_SENTENCE):
            yield line[start : start + _LONGEST_SENTENCE]


def _wrong_size(size: int, reason: str) -> DlkitError:
    """What SentencePiece says of a size, in words of a recipe."""
    few, many = re.search(r"required_chars\. \d+ vs (\d+)", reason), re.search(r"a value <= (\d+)", reason)
    if few:
        return DlkitError(
            f"`vocabulary_size: {size}` is too small: the bytes and the characters of the text make {few[1]} tokens",
            f"give {few[1]} or more",
            code="wrong-value",
        )
    if many:
        return DlkitError(
            f"`vocabulary_size: {size}` is more than the text has pieces for, {many[1]}",
            f"give {many[1]} or less",
            code="wrong-value",
        )
    return DlkitError(f"SentencePiece cannot learn {size} pieces from this text: {reason}")


def _processor(labels: Sequence[str]) -> Any:
    """SentencePiece's own model of these pieces: of two merges the one that stands first is done first."""
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2

    model = sentencepiece_model_pb2.ModelProto()
    kinds = model.SentencePiece
    model.trainer_spec.model_type = model.trainer_spec.BPE
    model.trainer_spec.byte_fallback = True
    model.trainer_spec.bos_id = model.trainer_spec.eos_id = model.trainer_spec.pad_id = -1
    model.normalizer_spec.name = "identity"
    model.normalizer_spec.add_dummy_prefix = model.normalizer_spec.remove_extra_whitespaces = False
    for number, label in enumerate(labels):
        if label == UNKNOWN:
            kind = kinds.UNKNOWN
        elif label == "\n":
            kind = kinds.USER_DEFINED
        else:
            kind = kinds.BYTE if _BYTE.fullmatch(label) else kinds.NORMAL
        model.pieces.add(piece=label, score=-float(number), type=kind)
    return sentencepiece.SentencePieceProcessor(model_proto=model.SerializeToString())
