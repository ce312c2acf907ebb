"""CAPTCHAs: pictures of a few letters and digits, turned, warped and crossed by a curve and dots.

Drawn by the library `captcha`, https://github.com/lepture/captcha, in its font, DroidSansMono.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from dlkit.data.arrays import Arrays, Splits
from dlkit.data.sources._drawn import Drawn, chance, check_bounds
from dlkit.errors import DlkitError
from dlkit.recipe.facts import DataFacts, Target
from dlkit.recipe.registry import Range, register

if TYPE_CHECKING:
    import numpy as np

HEIGHT = 60  # that the library's sizes of letters are made for
FONT_SIZES = (42, 50, 56)
LONGEST = 12
TEXTS, PICTURES = 0, 1  # streams of chance


@register(
    kind="source",
    features={"image": {"kind": "image", "shape": [None, None, 1], "dtype": "uint8"}},
    targets={"text": {"kind": "sequence", "shape": [None]}},
)
def captcha(
    examples: Annotated[int, Range(min=1)] = 10_000,
    characters: str = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ",
    length: list[int] = [4, 6],  # noqa: B006 - read by dlkit, changed by nobody
    width: Annotated[int, Range(min=40, max=1000)] = 160,
    height: Annotated[int, Range(min=20, max=400)] = 60,
    seed: Annotated[int, Range(min=0)] = 1,
) -> Splits:
    """CAPTCHAs, gray pictures of 4 to 6 letters and digits with the noise of the library `captcha`.

    A picture is drawn whenever it is read. It is a function of the seed and its number, and of the other arguments, but
    not of `examples`: more of them add to those there were. Another version of Pillow may draw other edges.

    Args:
        examples: How many pictures.
        characters: What they may show. Left out are 0, 1, I and O, which people mix up.
        length: The least and the largest number of characters, each as likely.
        width: Of a picture, in pixels.
        height: Of a picture, in pixels.
        seed: Of texts and pictures.

    The target `text` holds the number of each character in `characters`, from 1, and ends in zeros.

    Raises:
        DlkitError: `characters` has one twice or one that the font has not, or `length` is no range.
    """
    import numpy as np

    shortest, longest = check_bounds("length", length, 1, LONGEST)
    painter = Painter(_private_library(), width, height)
    _check_characters(characters, painter)
    texts = _texts(examples, len(characters), shortest, longest, seed)

    def draw(row: int) -> np.ndarray:
        text = "".join(characters[number - 1] for number in texts[row] if number)
        return painter.draw(text, chance(seed, PICTURES, row))

    identity = f"captcha {characters!r} {shortest} {longest} {width} {height} {seed}"
    images = Drawn(draw, np.arange(examples), (height, width, 1), identity)
    labels = ("", *characters)
    known = Target("sequence", shape=(longest,), classes=len(labels), labels=labels)
    return Splits(Arrays({"image": images}, {"text": texts}), facts=DataFacts(targets={"text": known}))


@dataclass(frozen=True)
class _Draws:
    """What the library asks of Python's module `secrets`, answered by a generator that has a seed."""

    generator: np.random.Generator

    def randbelow(self, below: int) -> int:
        return int(self.generator.integers(below))

    def randbits(self, bits: int) -> int:
        return int(self.generator.integers(1 << bits))

    def choice(self, of: Sequence[Any]) -> Any:
        return of[self.randbelow(len(of))]


class Painter:
    """Draws texts by a library that is nobody else's, by chance with a seed.

    Args:
        library: A copy of the module `captcha.image` of one's own.
        width: Of a picture, in pixels.
        height: Of a picture, in pixels.
    """

    def __init__(self, library: Any, width: int, height: int) -> None:
        sizes = tuple(max(1, round(size * height / HEIGHT)) for size in FONT_SIZES)
        self._library = library
        self._captcha = library.ImageCaptcha(width, height, font_sizes=sizes)
        self._one_at_a_time = threading.Lock()

    def draw(self, text: str, generator: np.random.Generator) -> np.ndarray:
        """The picture of a text, uint8 of shape (height, width, 1)."""
        import numpy as np

        with self._one_at_a_time:
            self._library.secrets = _Draws(generator)
            return np.asarray(self._captcha.generate_image(text).convert("L"))[..., None]

    def knows(self, character: str) -> bool:
        """Whether the font has this character, rather than the box that stands for those it has not."""
        font = self._captcha.truefonts[0]
        return bytes(font.getmask(character)) not in (b"", bytes(font.getmask("\uffff")))


def _private_library() -> Any:
    """A copy of the module `captcha.image`, so that its chance can be replaced without anybody else noticing."""
    from importlib.util import find_spec, module_from_spec

    spec = find_spec("captcha.image")
    if spec is None or spec.loader is None:
        raise DlkitError("The library `captcha` is not installed", "pip install captcha", code="not-installed")
    library = module_from_spec(spec)
    spec.loader.exec_module(library)
    return library


def _check_characters(characters: str, painter: Painter) -> None:
    twice = sorted({character for character in characters if characters.count(character) > 1})
    unknown = [character for character in characters if not painter.knows(character)]
    for wrong, why in ((twice, "stand there twice"), (unknown, "cannot be drawn: the font DroidSansMono has them not")):
        if wrong:
            listed = ", ".join(map(repr, wrong))
            raise DlkitError(f"`characters`: {listed} {why}", "leave them out", code="wrong-value")
    if len(characters) < 2:
        raise DlkitError(f"`characters: {characters}` leaves nothing to tell apart", "give at least two of them")


def _texts(examples: int, characters: int, shortest: int, longest: int, seed: int) -> np.ndarray:
    """The numbers of the characters, int32 of shape (examples, longest); as many draws a row as its number tells."""
    import numpy as np

    draws = chance(seed, TEXTS).random((examples, 1 + longest))
    lengths = shortest + (draws[:, :1] * (longest - shortest + 1)).astype(np.int32)
    numbers = 1 + (draws[:, 1:] * characters).astype(np.int32)
    return np.where(np.arange(longest) < lengths, numbers, 0).astype(np.int32)
