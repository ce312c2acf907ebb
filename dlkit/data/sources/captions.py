"""Composed pictures with the sentences that describe them: the smallest task of image captioning.

After Vinyals, Toshev, Bengio and Erhan (2015), "Show and tell: a neural image caption generator", arXiv:1411.4555, with
shapes in the place of photographs, as in Johnson et al. (2017), "CLEVR", arXiv:1612.06890: every sentence is true, and
what is new in the test pictures is known.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Annotated

from dlkit.data.arrays import Arrays, Splits
from dlkit.data.sources._drawn import Drawn, chance, check_bounds
from dlkit.data.sources._scenes import (
    MOST,
    Thing,
    are_kept,
    draw_scene,
    is_kept,
    longest_sentence,
    paint,
    related,
    sentence,
)
from dlkit.recipe.registry import Range, register

if TYPE_CHECKING:
    import numpy as np

TRAIN, TEST = 0, 1  # streams of chance, of the scenes; those of the pictures follow
VOCABULARY = [
    "", "<start>", "<end>", "a", "is", "and", "of", "left", "right", "above", "below", "small", "large",
    "red", "green", "blue", "orange", "purple", "black", "circle", "square", "triangle", "cross", "ring",
]  # fmt: skip


@register(
    kind="source",
    features={
        "image": {"kind": "image", "shape": [None, None, 3], "dtype": "uint8"},
        "words": {
            "kind": "sequence",
            "shape": [None],
            "dtype": "int32",
            "vocabulary_size": 24,
            "teacher_forcing": "caption",
        },
    },
    targets={"caption": {"kind": "sequence", "shape": [None], "labels": VOCABULARY}},
    unused=["data.test"],
)
def captions(
    examples: Annotated[int, Range(min=1)] = 10_000,
    test_examples: Annotated[int, Range(min=1)] = 2_000,
    objects: list[int] = [2, 4],  # noqa: B006 - read by dlkit, changed by nobody
    size: Annotated[int, Range(min=32, max=512)] = 64,
    seed: Annotated[int, Range(min=0)] = 1,
) -> Splits:
    """Pictures of colored shapes with sentences that tell what is left of, right of, above and below what.

    The test pictures have colors on shapes and relations between shapes that no training picture has: the even rows tell
    of a new color on a shape, the odd ones of a new relation, as a circle left of a circle. A picture is drawn whenever it is read, as a function of
    the seed, its split and its number.

    Args:
        examples: Pictures to train on.
        test_examples: Pictures to test on.
        objects: The least and the largest number of shapes in a picture, each as likely, from 2 to 5.
        size: Height and width of a picture, in pixels.
        seed: Of scenes and pictures.

    The target `caption` holds the words up to `<end>`, then zeros; the feature `words` the same with `<start>` before
    them, without `<end>`: what a decoder is given while it learns (teacher forcing).

    Raises:
        DlkitError: `objects` is no range.
    """
    least, most = check_bounds("objects", objects, 2, MOST)
    asked = (least, most, size, seed)
    return Splits(train=_arrays(TRAIN, examples, *asked), test=_arrays(TEST, test_examples, *asked))


def scene_of(stream: int, row: int, least: int, most: int, seed: int) -> list[Thing]:
    """The scene of a row: draws that do not belong into its split are drawn anew."""
    generator = chance(seed, stream, row)
    things = int(generator.integers(least, most + 1))
    while True:
        scene = draw_scene(generator, things)
        if _belongs(scene, stream, row):
            return scene


def _belongs(scene: list[Thing], stream: int, row: int) -> bool:
    if stream == TRAIN:
        return not any(map(is_kept, scene)) and not any(are_kept(one, other) for one, other in combinations(scene, 2))
    if row % 2:
        subject, told = related(scene)
        return any(are_kept(subject, other) for _, other in told)
    return any(map(is_kept, scene))


def _arrays(stream: int, examples: int, least: int, most: int, size: int, seed: int) -> Arrays:
    import numpy as np

    number = {word: index for index, word in enumerate(VOCABULARY)}
    words = np.zeros((examples, longest_sentence(most) + 2), np.int32)
    for row in range(examples):
        told = ["<start>", *sentence(scene_of(stream, row, least, most, seed)), "<end>"]
        words[row, : len(told)] = [number[word] for word in told]

    def draw(row: int) -> np.ndarray:
        scene = scene_of(stream, row, least, most, seed)
        return paint(scene, chance(seed, stream + 2, row), size)

    identity = f"captions {stream} {least} {most} {size} {seed}"
    images = Drawn(draw, np.arange(examples), (size, size, 3), identity)
    given = np.where(words == number["<end>"], 0, words)[:, :-1]
    return Arrays({"image": images, "words": given}, {"caption": words[:, 1:].copy()})
