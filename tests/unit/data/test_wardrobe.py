"""Wardrobes: garments that stand for themselves, each of one shade, are found again in the pictures made of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dlkit.data.arrays import Arrays
from dlkit.data.sources.wardrobe import wardrobe
from dlkit.errors import DlkitError
from dlkit.recipe.registry import find

AREA = 28 * 28
SHADES = {"train": range(1, 101), "t10k": range(101, 151)}  # of the garments of each split; the last digit is the kind


@pytest.fixture
def garments(tmp_path: Path) -> str:
    for split, shades in SHADES.items():
        values = np.array(shades, np.uint8)
        images = np.broadcast_to(values[:, None, None], (len(values), 28, 28))
        for name, array in (("images-idx3", images), ("labels-idx1", values % 10)):
            header = bytes([0, 0, 8, array.ndim]) + b"".join(length.to_bytes(4, "big") for length in array.shape)
            (tmp_path / f"{split}-{name}-ubyte").write_bytes(header + array.tobytes())
    return str(tmp_path)


def shades(picture: np.ndarray) -> dict[int, int]:
    """The shades in a picture, the brightest first, and how many pixels each has."""
    values, counts = np.unique(picture[picture > 0], return_counts=True)
    return dict(sorted(zip(values.tolist(), counts.tolist(), strict=True), reverse=True))


def pictures(part: Arrays) -> list[tuple[dict[int, int], set[int]]]:
    images, kinds = np.asarray(part.features["image"]), np.asarray(part.targets["garments"])
    return [(shades(image), set(np.flatnonzero(row))) for image, row in zip(images, kinds, strict=True)]


def test_the_labels_are_the_kinds_of_the_garments(garments: str) -> None:
    made = wardrobe(examples=200, test_examples=100, path=garments).named()
    for split, part in zip(("train", "t10k"), (made["train"], made["test"]), strict=True):
        for found, kinds in pictures(part):
            assert {shade % 10 for shade in found} == kinds and len(found) == len(kinds)
            assert set(found) <= set(SHADES[split])
        assert {len(kinds) for _, kinds in pictures(part)} == {1, 2, 3, 4}
        assert np.asarray(part.targets["garments"]).dtype == np.int32


def test_garments_overlap_and_the_brighter_is_seen(garments: str) -> None:
    overlaps = 0
    for found, _ in pictures(wardrobe(examples=200, test_examples=1, path=garments).train):
        areas = list(found.values())
        assert areas[0] == AREA  # nothing covers the brightest
        for brighter, area in enumerate(areas):
            assert area >= AREA - brighter * (AREA // 3)
        overlaps += sum(areas) < AREA * len(areas)
    assert overlaps > 60


def test_a_garment_is_whole_and_within_the_canvas(garments: str) -> None:
    made = wardrobe(examples=60, test_examples=1, garments=[1, 1], path=garments).train
    corners = set()
    for picture in np.asarray(made.features["image"])[..., 0]:
        rows, columns = np.flatnonzero(picture.any(axis=1)), np.flatnonzero(picture.any(axis=0))
        assert len(rows) == len(columns) == 28 and (picture > 0).sum() == AREA
        corners.add((rows[0], columns[0]))
    assert len(corners) > 50


def test_a_picture_is_a_function_of_seed_and_row(garments: str) -> None:
    few, many, other = (
        wardrobe(examples=examples, test_examples=5, seed=seed, path=garments)
        for examples, seed in ((5, 1), (9, 1), (5, 2))
    )
    first = np.asarray(few.train.features["image"])
    assert np.array_equal(first, many.train.take(np.arange(5)).features["image"])
    assert not np.array_equal(first, other.train.features["image"])
    assert np.array_equal(np.asarray(few.train.targets["garments"]), np.asarray(many.train.targets["garments"])[:5])


def test_one_changed_pixel_of_a_garment_changes_the_digest(garments: str) -> None:
    before = wardrobe(examples=5, test_examples=5, path=garments).train.features["image"]
    file = Path(garments, "train-images-idx3-ubyte")
    changed = bytearray(file.read_bytes())
    changed[-1] ^= 1
    file.write_bytes(changed)
    after = wardrobe(examples=5, test_examples=5, path=garments).train.features["image"]
    assert before.digest() != after.digest()  # type: ignore[union-attr]


def test_the_kinds_are_those_of_fashion_mnist() -> None:
    theirs = find("source", "fashion_mnist").declared["targets"]["garment"]["labels"]
    assert find("source", "wardrobe").declared["targets"]["garments"]["labels"] == theirs


def test_without_the_garments_it_says_where_it_looked(tmp_path: Path) -> None:
    with pytest.raises(DlkitError, match=f"Fashion-MNIST were not found(?s:.*){tmp_path}"):
        wardrobe(path=str(tmp_path))


def test_a_number_of_garments_that_find_no_room_is_refused(garments: str) -> None:
    with pytest.raises(DlkitError, match=r"`garments: \[1, 5\]` does not say") as raised:
        wardrobe(garments=[1, 5], path=garments)
    assert "from 1 to 4" in str(raised.value.cure)
