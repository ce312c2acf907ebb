"""Spiking neurons against equations solved neuron by neuron in NumPy: potentials, spikes, surrogate gradients."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from dlkit.models.layers.leaky_integrate_and_fire import LeakyIntegrateAndFire

X = np.random.default_rng(5).normal(0.3, 0.6, size=(3, 12, 4)).astype("float32")


def fired(x: np.ndarray, decay: float, threshold: float, reset: str) -> tuple[np.ndarray, np.ndarray]:
    """The spikes, and the potentials that decided on them; both of the shape (batch, steps, neurons) of the currents."""
    spikes, potentials = np.zeros(x.shape), np.zeros(x.shape)
    for example in range(x.shape[0]):
        for neuron in range(x.shape[2]):
            u = 0.0
            for step in range(x.shape[1]):
                u = decay * u + float(x[example, step, neuron])
                potentials[example, step, neuron] = u
                if u >= threshold:
                    spikes[example, step, neuron] = 1
                    u = u - threshold if reset == "subtract" else 0.0
    return spikes, potentials


@pytest.mark.parametrize("reset", ["subtract", "zero"])
@pytest.mark.parametrize(("decay", "threshold"), [(0.9, 1.0), (0.5, 0.7), (1.0, 2.0), (0.0, 0.5)])
def test_spikes(decay: float, threshold: float, reset: str) -> None:
    expected, _ = fired(X, decay, threshold, reset)
    made = np.asarray(LeakyIntegrateAndFire(decay, threshold, reset=reset)(X))
    assert 0 < expected.mean() < 1
    np.testing.assert_array_equal(made, expected)


def test_the_rate_of_a_neuron_without_leak_is_its_current() -> None:
    current = np.full((1, 1000, 1), 0.3, "float32")
    assert np.asarray(LeakyIntegrateAndFire(1.0)(current)).mean() == pytest.approx(0.3, abs=1e-3)


def test_surrogate_gradients_through_time() -> None:
    """A current acts on every later potential, `decay` to the power of the steps between them; resets pass nothing on."""
    decay, threshold, slope = 0.8, 1.0, 3.0
    weights = np.random.default_rng(6).normal(size=X.shape).astype("float32")
    x = tf.Variable(X)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(weights * LeakyIntegrateAndFire(decay, threshold, slope)(x))
    _, potentials = fired(X, decay, threshold, "subtract")
    local = weights / (1 + slope * np.abs(potentials - threshold)) ** 2
    expected = np.zeros(X.shape)
    for step in range(X.shape[1]):
        for later in range(step, X.shape[1]):
            expected[:, step] += decay ** (later - step) * local[:, later]
    np.testing.assert_allclose(tape.gradient(total, x), expected, rtol=1e-4, atol=1e-6)


def test_it_works_on_maps_too() -> None:
    maps = np.random.default_rng(7).random((2, 5, 3, 3, 2)).astype("float32")
    flat = LeakyIntegrateAndFire()(maps.reshape(2, 5, 18))
    np.testing.assert_array_equal(LeakyIntegrateAndFire()(maps), np.reshape(flat, maps.shape))


def test_what_it_refuses() -> None:
    import keras

    with pytest.raises(ValueError, match="Received: reset='none'"):
        LeakyIntegrateAndFire(reset="none")
    with pytest.raises(ValueError, match="number of steps must be known"):
        LeakyIntegrateAndFire()(keras.Input((None, 3)))
