"""CAPTCHAs: pictures that are the library's, by chance that has a seed."""

from __future__ import annotations

import random
import secrets
from concurrent.futures import ThreadPoolExecutor

import captcha.image
import numpy as np
import pytest

from dlkit.data.sources import captcha as source
from dlkit.data.sources._drawn import chance
from dlkit.data.sources.captcha import PICTURES
from dlkit.data.sources.captcha import captcha as make
from dlkit.errors import DlkitError


def texts(made: source.Splits) -> list[str]:
    assert made.facts is not None
    labels = made.facts.targets["text"].labels
    assert labels is not None
    return ["".join(labels[number] for number in row) for row in np.asarray(made.train.targets["text"])]


def test_pictures_are_the_librarys(monkeypatch: pytest.MonkeyPatch) -> None:
    made = make(examples=4, seed=7)
    for row, text in enumerate(texts(made)):
        monkeypatch.setattr(captcha.image, "secrets", source._Draws(chance(7, PICTURES, row)))
        theirs = captcha.image.ImageCaptcha(160, 60).generate_image(text).convert("L")
        assert np.array_equal(made.train.features["image"].read(np.array([row]))[0, ..., 0], theirs)  # type: ignore[union-attr]


def test_a_picture_is_a_function_of_seed_and_row() -> None:
    few, many, other = make(examples=3), make(examples=9), make(examples=3, seed=2)
    random.seed(5)
    first = np.asarray(few.train.features["image"])
    np.random.seed(5)
    assert np.array_equal(first, many.train.features["image"].read(np.array([0, 1, 2])))  # type: ignore[union-attr]
    assert texts(few) == texts(many)[:3] != texts(other)
    assert (first != np.asarray(other.train.features["image"])).mean() > 0.1
    assert len({picture.tobytes() for picture in first}) == 3


def test_the_library_of_others_is_left_alone() -> None:
    state = random.getstate()
    np.asarray(make(examples=2).train.features["image"])
    assert captcha.image.secrets is secrets and random.getstate() == state


def test_several_threads_read_what_one_reads() -> None:
    images = make(examples=24, width=80, height=30).train.features["image"]
    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(lambda row: images.read(np.array([row])), range(24)))  # type: ignore[union-attr]
    assert np.array_equal(np.concatenate(parts), np.asarray(images))


def test_texts_are_of_all_lengths_and_characters() -> None:
    made = make(examples=2_000, characters="ABCDE", length=[2, 4])
    found = texts(made)
    assert {len(text) for text in found} == {2, 3, 4} and set("".join(found)) == set("ABCDE")
    counts = np.bincount([len(text) for text in found])[2:]
    assert np.abs(counts - 2_000 / 3).max() < 100
    assert np.asarray(made.train.targets["text"]).shape == (2_000, 4)
    assert made.facts is not None and made.facts.targets["text"].classes == 6


def test_letters_are_as_large_as_the_picture_has_room_for() -> None:
    for height in (30, 60, 120):
        picture = np.asarray(make(examples=1, width=3 * height, height=height, seed=3).train.features["image"])[
            0, ..., 0
        ]
        assert picture.shape == (height, 3 * height)
        rows = np.flatnonzero((picture < 200).sum(axis=1) > 0.05 * picture.shape[1])
        assert 0.3 * height < np.ptp(rows) <= height


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"characters": "ABA"}, "'A' stand there twice"),
        ({"characters": "AB漢"}, "'漢' cannot be drawn: the font DroidSansMono"),
        ({"characters": "AB "}, "' ' cannot be drawn"),
        ({"characters": "A"}, "leaves nothing to tell apart"),
        ({"characters": ""}, "leaves nothing to tell apart"),
        ({"length": [6, 4]}, r"`length: \[6, 4\]` does not say from how many to how many"),
        ({"length": [4]}, "does not say"),
        ({"length": [0, 4]}, "does not say"),
    ],
)
def test_what_cannot_be_drawn_is_refused(arguments: dict, told: str) -> None:
    with pytest.raises(DlkitError, match=told) as raised:
        make(examples=2, **arguments)
    assert raised.value.cure
