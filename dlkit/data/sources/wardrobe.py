"""Composed wardrobes: pictures of several garments of Fashion-MNIST that partly overlap, to name all of.

Source of the garments: https://github.com/zalandoresearch/fashion-mnist; after MultiMNIST in Sabour, Frosst and Hinton
(2017), "Dynamic routing between capsules", arXiv:1710.09829.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Annotated

from dlkit.data.arrays import Arrays, Splits
from dlkit.data.sources._drawn import Drawn, chance, check_bounds
from dlkit.data.sources._idx_set import read_idx_set
from dlkit.data.sources.fashion_mnist import FASHION_MNIST
from dlkit.recipe.registry import Range, register

if TYPE_CHECKING:
    import numpy as np

CANVAS, GARMENT = 56, 28  # pixels of a side
OVERLAP = 1 / 3  # the largest share of a garment's square that another's may cover
DRAWS = 128  # drawings of all places at once: of those for four garments, one in a thousand will do
TRAIN, TEST = 0, 1  # streams of chance


@register(
    kind="source",
    features={"image": {"kind": "image", "shape": [56, 56, 1], "dtype": "uint8"}},
    targets={
        "garments": {
            "kind": "multi_label",
            "shape": [10],
            "labels": [
                "T-shirt/top",
                "trouser",
                "pullover",
                "dress",
                "coat",
                "sandal",
                "shirt",
                "sneaker",
                "bag",
                "ankle boot",
            ],
        }
    },
    unused=["data.test"],
)
def wardrobe(
    examples: Annotated[int, Range(min=1)] = 20_000,
    test_examples: Annotated[int, Range(min=1)] = 4_000,
    garments: list[int] = [1, 4],  # noqa: B006 - read by dlkit, changed by nobody
    seed: Annotated[int, Range(min=0)] = 1,
    path: str | None = None,
) -> Splits:
    """Pictures of 1 to 4 garments of Fashion-MNIST, 56 x 56 gray pixels, with the kinds of all garments in them.

    The kinds in a picture differ. Where garments overlap, the brighter pixel is seen; at most a third of a garment's
    square is covered by that of another. Test pictures are of Fashion-MNIST's test garments. A picture is composed
    whenever it is read, as a function of the seed, its split and its number.

    Args:
        examples: Pictures to train on.
        test_examples: Pictures to test on.
        garments: The least and the largest number of garments in a picture, each as likely, from 1 to 4.
        seed: Of the choice of garments and of their places.
        path: The folder of Fashion-MNIST's four idx files; see `fashion_mnist`.

    Raises:
        DlkitError: `garments` is no range, or Fashion-MNIST's files are nowhere, or some are damaged.
    """
    least, most = check_bounds("garments", garments, 1, 4)
    train, test = read_idx_set(FASHION_MNIST, path)
    return Splits(
        train=_arrays(TRAIN, examples, *train, least, most, seed),
        test=_arrays(TEST, test_examples, *test, least, most, seed),
    )


def _arrays(
    stream: int, examples: int, images: np.ndarray, labels: np.ndarray, least: int, most: int, seed: int
) -> Arrays:
    import numpy as np

    of_kind = [rows for kind in np.unique(labels) if len(rows := np.flatnonzero(labels == kind))]

    def draw(row: int) -> np.ndarray:
        generator = chance(seed, stream, row)
        rows = _choice(generator, of_kind, least, most)
        return compose(images, rows, _corners(generator, len(rows)))

    kinds = np.zeros((examples, 10), np.int32)
    for row in range(examples):
        kinds[row, labels[_choice(chance(seed, stream, row), of_kind, least, most)]] = 1
    whole = hashlib.sha256(np.ascontiguousarray(images).data).hexdigest()
    identity = f"wardrobe {stream} {least} {most} {seed} {whole} {hashlib.sha256(labels.tobytes()).hexdigest()}"
    column = Drawn(draw, np.arange(examples), (CANVAS, CANVAS, 1), identity)
    return Arrays({"image": column}, {"garments": kinds})


def _choice(generator: np.random.Generator, of_kind: list[np.ndarray], least: int, most: int) -> list[int]:
    """The garments of one picture, each of another kind, as rows of Fashion-MNIST."""
    count = min(int(generator.integers(least, most + 1)), len(of_kind))
    kinds = generator.permutation(len(of_kind))[:count]
    return [int(of_kind[kind][int(generator.integers(len(of_kind[kind])))]) for kind in kinds]


def _corners(generator: np.random.Generator, count: int) -> np.ndarray:
    """The top left corners of so many garments, int64 of shape (count, 2): the first of many drawings that will do."""
    import numpy as np

    while True:
        drawn = generator.integers(CANVAS - GARMENT + 1, size=(DRAWS, count, 2))
        common = np.maximum(0, GARMENT - np.abs(drawn[:, :, None] - drawn[:, None])).prod(axis=-1)
        common[:, np.arange(count), np.arange(count)] = 0
        fits = np.flatnonzero(common.max(axis=(1, 2)) <= OVERLAP * GARMENT**2)
        if len(fits):
            return drawn[fits[0]]


def compose(images: np.ndarray, rows: list[int], corners: np.ndarray) -> np.ndarray:
    """These garments on one canvas, uint8 of shape (56, 56, 1); of pixels that meet, the brighter is seen."""
    import numpy as np

    canvas = np.zeros((CANVAS, CANVAS, 1), np.uint8)
    for row, (top, left) in zip(rows, corners, strict=True):
        part = canvas[top : top + GARMENT, left : left + GARMENT]
        np.maximum(part, images[row], out=part)
    return canvas
