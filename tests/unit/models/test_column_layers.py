"""The layers of tables against scikit-learn and against Keras's layers, column by column."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.impute import SimpleImputer

from dlkit.models.preprocess import fit_preprocessing
from dlkit.recipe.diagnostics import RecipeError
from dlkit.recipe.facts import Feature
from dlkit.recipe.graph import Component

DRAW = np.random.default_rng(1)
NUMBERS = DRAW.normal(size=(200, 3)).astype("float32")
NUMBERS[DRAW.random(NUMBERS.shape) < 0.2] = np.nan
NUMBERS[:, 2] = np.arange(200)  # nothing is missing here
WORDS = np.array([["a", "x"], ["b", "x"], ["a", "y"], ["a", ""], ["c", "z"], ["b", "z"]], object)


def model_of(name: str, examples: np.ndarray, **arguments: Any) -> tuple[keras.Model, Feature]:
    kind, dtype = ("category", "string") if examples.dtype.hasobject else ("vector", "float32")
    feature = Feature(kind, examples.shape[1:], dtype, columns=tuple("abcdef"[: examples.shape[1]]))
    return fit_preprocessing("x", [Component("layer", name, arguments)], feature, examples)


@pytest.mark.parametrize("strategy", ["mean", "median"])
def test_impute_is_scikit_learns(strategy: str) -> None:
    model, known = model_of("impute", NUMBERS, strategy=strategy)
    theirs = SimpleImputer(strategy=strategy, add_indicator=True).fit(NUMBERS[:150].repeat(2, 0))
    model, known = model_of("impute", NUMBERS[:150], strategy=strategy)
    assert known.shape == (5,)
    np.testing.assert_allclose(model(NUMBERS[150:]).numpy(), theirs.transform(NUMBERS[150:]), rtol=1e-6)


def test_impute_without_indicator_and_with_zero() -> None:
    model, known = model_of("impute", NUMBERS, strategy="zero", indicator=False)
    assert known.shape == (3,) and known.columns == ("a", "b", "c")
    np.testing.assert_array_equal(model(NUMBERS).numpy(), np.nan_to_num(NUMBERS))


def test_a_column_without_any_number_is_an_error() -> None:
    with pytest.raises(RecipeError, match="column 1 has no number in the training examples"):
        model_of("impute", np.array([[1, np.nan]], "float32"))


def test_lookup_numbers_the_frequent_first_in_ranges_of_their_own() -> None:
    model, known = model_of("lookup_columns", WORDS)
    # 0: unseen, a 1, b 2, c 3; 4: unseen, then x and z (two each, by the alphabet), "" and y (one each)
    assert known.vocabulary_size == 9
    given = tf.constant([["a", "x"], ["c", "z"], ["q", "q"], ["b", ""]])
    assert model(given).numpy().tolist() == [[1, 5], [3, 6], [0, 4], [2, 7]]


def test_lookup_leaves_out_the_rare_and_keeps_a_bound() -> None:
    model, known = model_of("lookup_columns", WORDS, min_count=2)
    assert known.vocabulary_size == 3 + 3
    assert model(tf.constant([["c", "y"]])).numpy().tolist() == [[0, 3]]
    assert model_of("lookup_columns", WORDS, max_tokens=2)[1].vocabulary_size == 4


def test_hash_and_cross_are_keras_s_column_by_column() -> None:
    given = tf.constant(WORDS)
    hashed = model_of("hash_columns", WORDS, bins=5)[0](given).numpy()
    for column in range(2):
        theirs = keras.layers.Hashing(5)(given[:, column]).numpy()
        assert np.array_equal(hashed[:, column], theirs + 5 * column)
    crossed, known = model_of("cross_columns", np.hstack([WORDS, WORDS[:, :1]]), bins=11)
    assert known.shape == (3,) and known.vocabulary_size == 33
    theirs = keras.layers.HashedCrossing(11)((given[:, 0:1], given[:, 1:2])).numpy()
    assert np.array_equal(crossed(tf.concat([given, given[:, :1]], 1)).numpy()[:, :1], theirs)


def test_a_cross_needs_two_columns() -> None:
    with pytest.raises(RecipeError, match="two columns or more"):
        model_of("cross_columns", WORDS[:, :1], bins=5)


def test_buckets_are_numpys_quantiles_and_missing_has_one_of_its_own() -> None:
    model, known = model_of("bucketize_columns", NUMBERS, bins=4)
    made = model(NUMBERS).numpy()
    first = 0
    for column in range(3):
        values = NUMBERS[:, column]
        edges = np.quantile(values[~np.isnan(values)], [0.25, 0.5, 0.75])
        buckets = np.where(np.isnan(values), 4, np.searchsorted(edges, values, side="right"))
        assert np.array_equal(made[:, column] - first, buckets)
        first += 5
    assert known.vocabulary_size == 15
