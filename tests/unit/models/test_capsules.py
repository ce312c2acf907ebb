"""Capsules against a calculation of their own, one vector at a time, in NumPy's 64 bits."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from dlkit.models.layer import make_layer
from dlkit.recipe.graph import Component

BELOW, SIZE_BELOW, UNITS, SIZE = 5, 3, 4, 6
X = np.random.default_rng(3).normal(size=(2, BELOW, SIZE_BELOW)).astype("float32")


def layer_of(name: str, shape: tuple[int | None, ...] = X.shape[1:], **arguments) -> keras.Model:
    keras.utils.set_random_seed(1)
    return make_layer(Component("layer", name, arguments), name, keras.Input(shape), None)


def squashed(vector: np.ndarray) -> np.ndarray:
    """Equation 1 of the paper."""
    squared = np.sum(vector**2)
    return squared / (1 + squared) * vector / np.sqrt(squared)


def routed(below: np.ndarray, matrices: np.ndarray, routings: int) -> np.ndarray:
    """Procedure 1 of the paper for one example; `matrices` are of shape (below, size below, units, size)."""
    votes = [[below[i] @ matrices[i][:, j] for j in range(UNITS)] for i in range(BELOW)]
    b = [[0.0] * UNITS for _ in range(BELOW)]
    for _ in range(routings):
        c = [[np.exp(b[i][j]) / sum(np.exp(k) for k in b[i]) for j in range(UNITS)] for i in range(BELOW)]
        v = [squashed(sum(c[i][j] * votes[i][j] for i in range(BELOW))) for j in range(UNITS)]
        b = [[b[i][j] + float(votes[i][j] @ v[j]) for j in range(UNITS)] for i in range(BELOW)]
    return np.array(v)


@pytest.mark.parametrize("routings", [1, 2, 3, 5])
def test_routing(routings: int) -> None:
    layer = layer_of("capsules", units=UNITS, size=SIZE, routings=routings, initializer="random_normal")
    (kernel,) = layer.get_weights()
    kernel = kernel * 30  # far enough from equal coupling to matter
    layer.set_weights([kernel])
    matrices = kernel.astype("float64").transpose(0, 2, 1, 3)  # kept as (below, units, size below, size)
    expected = [routed(below.astype("float64"), matrices, routings) for below in X]
    assert kernel.shape == (BELOW, UNITS, SIZE_BELOW, SIZE)
    np.testing.assert_allclose(layer(X), expected, rtol=1e-4, atol=1e-6)


def test_routing_brings_capsules_to_agree() -> None:
    """Where all capsules below predict the same for one capsule only, routing makes that one longer."""
    kernel = np.random.default_rng(0).normal(size=(BELOW, UNITS, SIZE_BELOW, SIZE)).astype("float32")
    kernel[:, 0] = kernel[0, 0]
    x = np.ones((1, BELOW, SIZE_BELOW), "float32")
    lengths = []
    for routings in (1, 3):
        layer = layer_of("capsules", units=UNITS, size=SIZE, routings=routings)
        layer.set_weights([kernel])
        lengths.append(np.linalg.norm(np.asarray(layer(x))[0, 0]))
    assert lengths[1] > lengths[0]


def test_squash_and_length() -> None:
    expected = np.array([[squashed(vector) for vector in example] for example in X.astype("float64")])
    made = layer_of("squash")(X)
    np.testing.assert_allclose(made, expected, rtol=1e-5)
    np.testing.assert_allclose(layer_of("vector_length")(made), np.linalg.norm(expected, axis=-1), rtol=1e-5)


def test_the_slope_at_zero_is_finite() -> None:
    import tensorflow as tf

    x = tf.Variable(tf.zeros((1, BELOW, SIZE_BELOW)))
    layers = [
        layer_of("squash"),
        layer_of("capsules", units=UNITS, size=SIZE),
        layer_of("vector_length", (UNITS, SIZE)),
    ]
    with tf.GradientTape() as tape:
        made = x
        for layer in layers:
            made = layer(made)
    assert np.isfinite(tape.gradient(made, x)).all()


def test_the_number_of_capsules_below_must_be_known() -> None:
    with pytest.raises(ValueError, match="Received"):
        layer_of("capsules", (None, 3), units=2)
