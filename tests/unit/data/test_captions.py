"""Captions: each is true of its picture, read from the pixels, and of no other thing in it."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest

from dlkit.data.arrays import Arrays
from dlkit.data.sources._scenes import COLORS, RELATIONS, SHAPES, SIZES, are_kept
from dlkit.data.sources.captions import TEST, TRAIN, VOCABULARY, captions, scene_of
from dlkit.errors import DlkitError
from dlkit.recipe.registry import find

THING = rf"a ({'|'.join(SIZES)}) ({'|'.join(COLORS)}) ({'|'.join(SHAPES)})"
SIDE = r"(left of|right of|above|below)"
Look = tuple[str, str, str]
PIXELS = 128  # of a picture whose shapes are to be read from it


@pytest.fixture(scope="module")
def made() -> dict[str, Arrays]:
    return captions(examples=300, test_examples=150, size=PIXELS, seed=3).named()


def sentences(part: Arrays) -> list[str]:
    return [" ".join(VOCABULARY[word] for word in row if word) for row in np.asarray(part.targets["caption"])]


def parse(sentence: str) -> tuple[Look, list[tuple[str, Look]]]:
    """The subject, and where it is, seen from the others; by a grammar of its own."""
    told = re.fullmatch(rf"{THING} is (.*) <end>", sentence)
    assert told, sentence
    *look, rest = told.groups()
    relations = []
    for clause in rest.split(" and "):
        found = re.fullmatch(rf"{SIDE} {THING}", clause)
        assert found, sentence
        relations.append((found.group(1).removesuffix(" of"), found.groups()[1:]))
    return tuple(look), relations  # type: ignore[return-value]


def seen(picture: np.ndarray) -> dict[Look, tuple[float, float]]:
    """The things in a picture and where their middles are, from the pixels of each place of the grid."""
    edges = np.linspace(0, PIXELS, 4).round().astype(int)
    found = {}
    for top, bottom in itertools.pairwise(edges):
        for left, right in itertools.pairwise(edges):
            place = picture[top:bottom, left:right].astype(int)
            for color, value in COLORS.items():
                inked = np.abs(place - value).max(axis=-1) < 5  # not the smoothed edges
                if not inked.any():
                    continue
                rows, columns = np.flatnonzero(inked.any(axis=1)), np.flatnonzero(inked.any(axis=0))
                part = inked[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
                size = SIZES[int(max(part.shape) > 0.23 * PIXELS)]
                found[size, color, shape_of(part)] = (top + rows.mean(), left + columns.mean())
    return found


def shape_of(part: np.ndarray) -> str:
    """The shape that just fills an array of which pixels are its own."""
    if not part[len(part) // 2, part.shape[1] // 2]:
        return "ring"
    if part[-2, 3]:
        return "square" if part[1, 1] else "triangle"
    return "cross" if part.mean() < 0.68 else "circle"


def test_every_caption_is_true_of_its_pixels(made: dict[str, Arrays]) -> None:
    for part in made.values():
        images = np.asarray(part.features["image"])
        for picture, sentence in zip(images, sentences(part), strict=True):
            subject, relations = parse(sentence)
            things = seen(picture)
            assert set(things) == {subject, *(other for _, other in relations)}, sentence
            for side, other in relations:
                down, across = np.subtract(things[subject], things[other])
                is_true = {"left": across < -20, "right": across > 20, "above": down < -20, "below": down > 20}
                assert is_true[side] and min(abs(down), abs(across)) < 12, sentence


def test_things_are_told_apart_by_color_and_shape(made: dict[str, Arrays]) -> None:
    for part in made.values():
        for sentence in sentences(part):
            subject, relations = parse(sentence)
            looks = [subject[1:], *(other[1:] for _, other in relations)]
            assert 2 <= len(looks) <= 4 and len(set(looks)) == len(looks)


def test_the_test_pictures_hold_combinations_that_training_has_not(made: dict[str, Arrays]) -> None:
    def told(sentence: str) -> tuple[set, set]:
        subject, relations = parse(sentence)
        pairs = {subject[1:], *(other[1:] for _, other in relations)}
        return pairs, {(subject[2], side, other[2]) for side, other in relations}

    trained = [told(" ".join(_words(TRAIN, row))) for row in range(4_000)]
    pairs = set().union(*(p for p, _ in trained))
    between = set().union(*(b for _, b in trained))
    assert len(pairs) == 25 and len(COLORS) * len(SHAPES) == 30
    assert len(between) == 90 and len(SHAPES) ** 2 * len(RELATIONS) == 100
    for row, sentence in enumerate(sentences(made["test"])):
        ours, relations = told(sentence)
        assert (relations - between) if row % 2 else (ours - pairs), sentence
    assert not any(
        are_kept(*pair) for row in range(1_000) for pair in itertools.combinations(scene_of(TRAIN, row, 2, 4, 3), 2)
    )
    words = {word for row in range(4_000) for word in _words(TRAIN, row)}
    assert words | {"", "<start>"} == set(VOCABULARY)


def _words(stream: int, row: int) -> list[str]:
    from dlkit.data.sources._scenes import sentence

    return [*sentence(scene_of(stream, row, 2, 4, 3)), "<end>"]


def test_the_words_given_are_those_asked_for_one_step_later(made: dict[str, Arrays]) -> None:
    for part in made.values():
        given, asked = np.asarray(part.features["words"]), np.asarray(part.targets["caption"])
        assert given.shape == asked.shape and given.dtype == asked.dtype == np.int32
        assert set(given[:, 0]) == {VOCABULARY.index("<start>")}
        end = VOCABULARY.index("<end>")
        for ours, theirs in zip(given, asked, strict=True):
            last = int(np.flatnonzero(theirs == end)[0])
            assert np.array_equal(ours[1 : last + 1], theirs[:last])
            assert not ours[last + 1 :].any() and not theirs[last + 1 :].any()


def test_the_vocabulary_is_as_large_as_declared() -> None:
    assert find("source", "captions").declared["features"]["words"]["vocabulary_size"] == len(VOCABULARY)


def test_a_row_depends_on_no_other() -> None:
    few, many = captions(examples=5, test_examples=2).train, captions(examples=9, test_examples=2).train
    assert np.array_equal(few.features["image"], many.take(np.arange(5)).features["image"])
    assert sentences(few) == sentences(many)[:5]
    assert [*scene_of(TEST, 3, 2, 4, 1)] != [*scene_of(TRAIN, 3, 2, 4, 1)]


def test_sizes_and_numbers_are_as_asked() -> None:
    made = captions(examples=30, test_examples=10, objects=[5, 5], size=96).train
    assert made.features["image"].shape == (30, 96, 96, 3)
    assert all(len(parse(sentence)[1]) == 4 for sentence in sentences(made))


@pytest.mark.parametrize("objects", [[1, 2], [4, 2], [2, 6], [2], [2, 3, 4]])
def test_a_number_of_things_that_no_grid_holds_is_refused(objects: list[int]) -> None:
    with pytest.raises(DlkitError, match="does not say from how many to how many") as raised:
        captions(examples=2, objects=objects)
    assert "from 2 to 5" in str(raised.value.cure)
