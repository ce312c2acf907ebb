"""Examples that occur more than once: compared with sets of bytes and of texts."""

from __future__ import annotations

import time

import numpy as np
import pytest

from dlkit.data.arrays import Arrays, Splits, Values
from dlkit.data.columns import Column, Windows
from dlkit.data.duplicates import count_duplicates, count_leaks, example_keys, is_cheap, row_keys


class Decoded(Column):
    """An array that counts how often it is read."""

    def __init__(self, values: np.ndarray) -> None:
        self.values, self.shape, self.dtype, self.reads = values, values.shape, values.dtype, 0

    def read(self, rows):
        self.reads += 1
        return self.values[rows]

    def take(self, rows):
        return Decoded(self.values[rows])

    def digest(self):
        return self.values.tobytes()


def images(count: int, seed: int = 0, shape: tuple[int, ...] = (5, 5, 3)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), np.uint8)


def splits(train: Values, test: Values, **more: object) -> Splits:
    return Splits(Arrays({"x": train}, {}), None, Arrays({"x": test}, {}), **more)  # type: ignore[arg-type]


def test_rows_have_the_same_key_where_and_only_where_they_are_equal():
    few = np.random.default_rng(1).integers(0, 3, (500, 4), np.uint8)  # 81 different rows at most
    keys = row_keys(few)
    assert keys.dtype == np.uint64 and keys.shape == (500,)
    known = {row.tobytes(): key for row, key in zip(few, keys, strict=True)}
    assert len(set(known.values())) == len(known)
    assert all(known[row.tobytes()] == key for row, key in zip(few, keys, strict=True))


def test_one_pixel_makes_another_picture():
    both = np.repeat(images(1), 2, axis=0)
    both[1, 4, 4, 2] ^= 128
    assert len(set(row_keys(both))) == 2


def test_texts_and_categories_are_compared_whole():
    texts = np.array(["a", "ab", "", "a", "\ud800"], object)
    assert (row_keys(texts) == row_keys(texts)[0]).tolist() == [True, False, False, True, False]
    rows = np.array([["a", "bc"], ["ab", "c"], ["a", "bc"]], object)
    assert (row_keys(rows) == row_keys(rows)[0]).tolist() == [True, False, True]


def test_numbers_that_are_equal_or_missing_have_one_key():
    numbers = np.array([[0.0, np.nan], [-0.0, np.nan], [0.0, 1.0]], np.float32)
    first, second, third = row_keys(numbers)
    assert first == second != third


def test_a_column_has_the_keys_of_its_array_and_is_read_in_chunks(monkeypatch: pytest.MonkeyPatch):
    pictures = images(100)
    monkeypatch.setattr("dlkit.data.duplicates._CHUNK", 75 * 30)
    column = Decoded(pictures)
    assert np.array_equal(row_keys(column), row_keys(pictures))
    assert column.reads == 4
    windows = Windows(np.arange(20.0), np.arange(10), 5)
    assert np.array_equal(row_keys(windows), row_keys(np.asarray(windows)))


def test_an_example_is_all_its_features_and_no_target():
    x, y = np.array([[1], [1], [2]]), np.array(["a", "b", "a"], object)
    keys = example_keys(Arrays({"x": x, "y": y}, {"t": np.arange(3)}))
    assert len(set(keys)) == 3
    assert np.array_equal(keys, example_keys(Arrays({"y": y, "x": x}, {})))
    assert len(set(example_keys(Arrays({"x": x}, {"t": np.arange(3)})))) == 2


def test_leaks_count_examples_of_the_later_split():
    train, test = images(50), images(20, seed=2)
    test[[3, 4, 5]] = train[7]
    found = Splits(Arrays({"x": train}, {}), Arrays({"x": test[4:6]}, {}), Arrays({"x": test}, {}))
    assert count_leaks(found) == {("train", "validation"): 2, ("train", "test"): 3, ("validation", "test"): 3}
    assert count_duplicates(example_keys(found.test)) == 2  # type: ignore[arg-type]
    assert count_leaks(splits(train, images(20, seed=2))) == {}


def test_examples_that_follow_each_other_are_not_compared():
    assert count_leaks(splits(images(9), images(9), ordered=True)) == {}


def test_pictures_that_must_be_decoded_are_not_cheap():
    assert is_cheap(splits(images(2), images(2)))
    assert is_cheap(splits(Windows(np.arange(9), np.arange(5), 3), images(2)))
    assert not is_cheap(splits(Decoded(images(2)), images(2)))


@pytest.mark.parametrize(("count", "shape"), [(70_000, (28, 28)), (60_000, (32, 32, 3))])
def test_big_sets_take_about_a_second(count: int, shape: tuple[int, ...]):
    pictures = np.zeros((count, *shape), np.uint8)
    pictures.reshape(count, -1)[:, :4] = np.arange(count, dtype=np.uint32)[:, None].view(np.uint8)
    start = time.process_time()
    assert count_duplicates(row_keys(pictures)) == 0
    assert time.process_time() - start < 2
