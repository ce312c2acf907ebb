"""The Fréchet distance against SciPy's matrix square root, and the features that it is taken over."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from scipy.linalg import sqrtm

from dlkit.errors import DlkitError
from dlkit.evaluation.features import feature_network, features_of
from dlkit.evaluation.generated import Generated
from dlkit.evaluation.generation.frechet_distance import frechet_distance, squared_distance

DRAWN = np.random.default_rng(1)
MIXED = DRAWN.normal(size=(200, 7)) @ DRAWN.normal(size=(7, 7)) + 3
OTHER = DRAWN.exponential(size=(150, 7)) @ DRAWN.normal(size=(7, 7))


def by_scipy(first: np.ndarray, second: np.ndarray) -> float:
    apart = first.mean(axis=0) - second.mean(axis=0)
    one, two = (np.cov(each, rowvar=False) for each in (first, second))
    return float(apart @ apart + np.trace(one + two - 2 * np.real(sqrtm(one @ two))))


def test_it_is_that_of_scipys_root() -> None:
    assert squared_distance(MIXED, OTHER) == pytest.approx(by_scipy(MIXED, OTHER), rel=1e-10)
    assert squared_distance(OTHER, MIXED) == pytest.approx(squared_distance(MIXED, OTHER), rel=1e-12)


def test_of_one_feature_it_is_known_in_closed_form() -> None:
    one, two = MIXED[:, :1], OTHER[:, 1:2]
    known = (one.mean() - two.mean()) ** 2 + (one.std(ddof=1) - two.std(ddof=1)) ** 2
    assert squared_distance(one, two) == pytest.approx(known, rel=1e-12)


def test_singular_covariances() -> None:
    """Fewer examples than features, features that are always the same: a root of the product would be complex there."""
    few = MIXED[:4]
    assert squared_distance(few, few) == pytest.approx(0.0, abs=1e-10)
    assert squared_distance(few, few + np.eye(7)[2] * 2) == pytest.approx(4.0, rel=1e-10)
    same = np.full((5, 3), 2.0)
    assert squared_distance(same, same + 1) == pytest.approx(3.0)
    flat = np.concatenate([OTHER, np.zeros((len(OTHER), 2))], axis=1)
    wide = np.concatenate([MIXED, np.ones((len(MIXED), 2))], axis=1)
    assert squared_distance(wide, flat) == pytest.approx(by_scipy(MIXED, OTHER) + 2, rel=1e-10)


def chain() -> keras.Sequential:
    keras.utils.set_random_seed(1)
    layers = [
        keras.layers.Flatten(name="flat"),
        keras.layers.Dense(5, activation="relu", name="hidden"),
        keras.layers.Dropout(0.5, name="dropout"),
        keras.layers.Dense(3, name="classifier"),
        keras.layers.Softmax(),
    ]
    return keras.Sequential([keras.Input((2, 3), dtype="uint8"), *layers])


def test_features_are_what_enters_the_last_dense_or_what_a_layer_gives() -> None:
    x = DRAWN.integers(0, 9, (300, 2, 3)).astype("uint8")
    model = chain()
    kernel, bias = (np.asarray(each) for each in model.get_layer("hidden").weights)
    expected = np.maximum(x.reshape(300, 6) @ kernel + bias, 0)
    for same in (model, keras.Model(model.inputs, model.outputs)):
        np.testing.assert_allclose(features_of(same, None, x), expected, rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(features_of(same, "flat", x), x.reshape(300, 6))
    first = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    np.testing.assert_array_equal(features_of(first, None, np.ones((3, 4), "float32")), np.ones((3, 4)))


def test_what_gives_no_features() -> None:
    with pytest.raises(DlkitError, match=r"no layer `flatt`\.\nIts layers are called flat, hidden"):
        feature_network(chain(), "flatt")
    with pytest.raises(DlkitError, match="no Dense"):
        feature_network(keras.Sequential([keras.Input((4,)), keras.layers.ReLU()]), None)
    two = [keras.Input((2,), name="one"), keras.Input((2,), name="other")]
    with pytest.raises(DlkitError, match="this one takes one, other"):
        feature_network(keras.Model(two, keras.layers.Dense(1)(keras.layers.Add()(two))), None)
    with pytest.raises(DlkitError, match="not finite"):
        features_of(keras.Sequential([keras.Input((1,)), keras.layers.Dense(2)]), None, np.array([[np.inf]], "float32"))


def test_as_many_are_drawn_as_real_ones_are_taken() -> None:
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, kernel_initializer="ones")])
    counted: list[int] = []

    def to_raw(values: np.ndarray) -> np.ndarray:
        counted.append(len(values))
        return values * 2

    seen = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    real = DRAWN.normal(size=(400, 3)).astype("float32")
    given = Generated(network, to_raw, real, seed=4, load={"run:seen": seen}.__getitem__)
    found = frechet_distance(given, features="run:seen", samples=300)
    assert counted == [300] and given.taken(300).shape == (300, 3)
    # Codes are drawn by the seed, so that all of it can be repeated.
    codes = np.random.default_rng(4).standard_normal((300, 2), np.float32)
    made = 2 * np.repeat(codes.sum(axis=1, keepdims=True), 3, axis=1)
    rows = np.sort(np.random.default_rng(4).permutation(400)[:300])
    assert found == pytest.approx(squared_distance(real[rows], made), rel=1e-5)
    frechet_distance(given, features="run:seen")
    assert counted[-1] == 400


def test_a_network_that_makes_no_numbers() -> None:
    nothing = keras.initializers.Constant(float("nan"))
    broken = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, kernel_initializer=nothing)])
    with pytest.raises(DlkitError, match="What the model generates is not finite"):
        Generated(broken, lambda values: values, np.zeros((5, 3)), 1, lambda word: broken).drawn(4)
