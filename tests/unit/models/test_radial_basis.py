"""Radial basis functions against SciPy, their centers against scikit-learn, their gradients against the formulas."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans, MiniBatchKMeans

from dlkit.models.layer import make_layer
from dlkit.models.policy import dtype_policy
from dlkit.recipe.graph import Component

RNG = np.random.default_rng(3)
MIDDLES = RNG.normal(size=(6, 4)) * 10
BLOBS = (np.repeat(MIDDLES, 50, axis=0) + RNG.normal(size=(300, 4))).astype("float32")
X = RNG.normal(size=(20, 4)).astype("float32") * 8


def layer(examples: np.ndarray | None = BLOBS, size: int = 4, **arguments: Any) -> keras.Model:
    given = keras.Input((size,))
    arguments = {"units": 6, "seed": 1, **arguments}
    return make_layer(
        Component("layer", "radial_basis", arguments), "basis", given, None if examples is None else lambda: examples
    )


def found(model: keras.Model) -> tuple[np.ndarray, np.ndarray]:
    """Centers, and widths, in 64 bits."""
    (centers,) = model.get_layer("centers").get_weights()
    (log_widths,) = model.get_layer("log_widths").get_weights()
    return centers.astype("float64"), np.exp(log_widths[:, 0].astype("float64"))


def gaussians(x: np.ndarray, centers: np.ndarray, widths: np.ndarray) -> np.ndarray:
    return np.exp(-cdist(x.astype("float64"), centers, "sqeuclidean") / (2 * widths**2))


def test_the_gaussians() -> None:
    model = layer(width_scale=0.5)
    expected = gaussians(X, *found(model))
    assert expected.min() < 0.1 and expected.max() > 0.5
    np.testing.assert_allclose(model(X), expected, rtol=1e-4, atol=1e-6)


def test_numbers_far_from_zero() -> None:
    """Squares of 1e8 have a rounding error of 8 in 32 bits, more than the distances themselves."""
    model = layer(BLOBS + 10_000, width_scale=0.5)
    x = BLOBS[::10] + 10_000
    expected = gaussians(x, *found(model))
    assert expected.max() > 0.5
    np.testing.assert_allclose(model(x), expected, atol=2e-3)


def test_it_is_one_at_a_center_and_never_more() -> None:
    examples = RNG.normal(size=(40, 784)).astype("float32") * 5 + 20
    model = layer(examples, 784, units=20, width_scale=0.1)
    made = np.asarray(model(model.get_layer("centers").get_weights()[0]))
    np.testing.assert_allclose(made.diagonal(), 1, atol=1e-4)
    assert made.max() <= 1


def test_centers_are_those_of_scikit_learn() -> None:
    centers, _ = found(layer(units=6, seed=5))
    theirs = MiniBatchKMeans(6, random_state=5).fit(BLOBS).cluster_centers_
    np.testing.assert_array_equal(centers.astype("float32"), theirs)


def test_centers_lie_where_all_of_k_means_finds_them() -> None:
    centers, _ = found(layer())
    theirs = KMeans(6, n_init=10, random_state=0).fit(BLOBS).cluster_centers_
    assert cdist(theirs, centers).min(axis=1).max() < 0.3  # a blob's deviation is 1


@pytest.mark.parametrize("neighbors", [1, 2, 5, 9])
def test_widths(neighbors: int) -> None:
    centers, widths = found(layer(neighbors=neighbors, width_scale=1.5))
    for number, center in enumerate(centers):
        others = np.delete(centers, number, axis=0)
        nearest = sorted(float(((other - center) ** 2).sum()) for other in others)[:neighbors]
        assert widths[number] == pytest.approx(1.5 * (sum(nearest) / len(nearest)) ** 0.5, rel=1e-5)


def test_one_unit_is_as_wide_as_the_examples() -> None:
    centers, widths = found(layer(units=1))
    assert widths[0] == pytest.approx(np.sqrt(cdist(BLOBS, centers, "sqeuclidean").mean()), rel=1e-2)


def test_examples_that_are_all_the_same() -> None:
    made = np.asarray(layer(np.ones((9, 4), "float32"))(np.array([[1, 1, 1, 1], [1, 1, 1, 2]], "float32")))
    np.testing.assert_allclose(made, [[1] * 6, [np.exp(-0.5)] * 6], rtol=1e-6)


def test_centers_and_widths_are_fixed_or_trained() -> None:
    assert [len(layer(trainable=trains).trainable_weights) for trains in (False, True)] == [0, 2]


def test_gradients() -> None:
    model = layer(trainable=True, width_scale=0.5)
    weights = RNG.normal(size=(len(X), 6)).astype("float32")
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(weights * model(X))
    by_name = dict(zip(("centers", "log_widths"), tape.gradient(total, model.trainable_weights), strict=True))
    centers, widths = found(model)
    near = weights * gaussians(X, centers, widths) / widths**2
    apart = X[:, None] - centers
    of_centers = (near[..., None] * apart).sum(axis=0)
    of_log_widths = (near * (apart**2).sum(axis=-1)).sum(axis=0)
    np.testing.assert_allclose(tf.convert_to_tensor(by_name["centers"]), of_centers, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(tf.convert_to_tensor(by_name["log_widths"])[:, 0], of_log_widths, rtol=1e-3, atol=1e-5)


def test_mixed_precision_computes_it_in_32_bits() -> None:
    with dtype_policy("mixed_bfloat16"):
        made = layer()(X)
    assert made.dtype == "float32"
    np.testing.assert_array_equal(made, layer()(X))


def test_the_seed_is_the_run_s_where_none_is_written() -> None:
    def centers_of(seed: int) -> np.ndarray:
        keras.utils.set_random_seed(seed)
        return found(layer(X, seed=None))[0]

    np.testing.assert_array_equal(centers_of(1), centers_of(1))
    assert not np.array_equal(centers_of(1), centers_of(2))


def test_a_batch_without_examples() -> None:
    assert layer()(X[:0]).shape == (0, 6)


def test_what_it_refuses() -> None:
    with pytest.raises(ValueError, match="Received: shape=\\(None, 4, 4\\)"):
        make_layer(Component("layer", "radial_basis", {"units": 3}), "basis", keras.Input((4, 4)), None)
    with pytest.raises(ValueError, match="301 centers cannot be found among 300 examples"):
        layer(units=301)
    with pytest.raises(ValueError, match="NaN"):
        layer(np.full((9, 4), np.nan, "float32"))
