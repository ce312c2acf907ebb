"""The reservoir against equations in NumPy, its spectral radius against NumPy's eigenvalues."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from dlkit.models.layers.reservoir import Reservoir


@pytest.mark.parametrize(("radius", "connections"), [(0.5, 10), (0.95, 4), (1.2, 1000)])
def test_its_spectral_radius(radius: float, connections: float) -> None:
    keras.utils.set_random_seed(1)
    layer = Reservoir(80, spectral_radius=radius, connections=connections)
    layer.build((None, 7, 2))
    recurrent = np.asarray(layer.recurrent_kernel, "float64")
    assert np.abs(np.linalg.eigvals(recurrent)).max() == pytest.approx(radius, rel=1e-5)
    assert (recurrent != 0).mean() == pytest.approx(min(connections / 80, 1), rel=0.15)


@pytest.mark.parametrize("leak", [1.0, 0.3])
def test_its_states(leak: float) -> None:
    keras.utils.set_random_seed(2)
    layer = Reservoir(
        12, leak=leak, input_scaling=0.7, bias_scaling=0.4, connections=6, return_sequences=True, washout=2
    )
    u = np.random.default_rng(1).normal(size=(3, 9, 2)).astype("float32")
    made = np.asarray(layer(u))
    kernel, recurrent, bias = (np.asarray(each, "float64") for each in layer.get_weights())
    assert 0.5 < np.abs(kernel).max() <= 0.7
    assert 0.2 < np.abs(bias).max() <= 0.4
    state, states = np.zeros((3, 12)), []
    for step in range(9):
        state = (1 - leak) * state + leak * np.tanh(u[:, step] @ kernel + state @ recurrent + bias)
        states.append(state)
    np.testing.assert_allclose(made, np.stack(states, axis=1)[:, 2:], atol=1e-5)
    layer.return_sequences = False
    np.testing.assert_allclose(layer(u), state, atol=1e-5)
    assert layer.compute_output_shape((None, None, 2)) == (None, 12)


def test_it_is_drawn_from_the_seed() -> None:
    def drawn(seed: int) -> np.ndarray:
        keras.utils.set_random_seed(seed)
        layer = Reservoir(10)
        layer.build((None, 5, 1))
        return np.asarray(layer.recurrent_kernel)

    np.testing.assert_array_equal(drawn(1), drawn(1))
    assert (drawn(1) != drawn(2)).any()


def test_what_it_refuses() -> None:
    with pytest.raises(ValueError, match="Received: washout=3"):
        Reservoir(4, washout=3)
    with pytest.raises(ValueError, match=r"Received: input_shape=\(None, 3, 1\)"):
        Reservoir(4, return_sequences=True, washout=3).build((None, 3, 1))
    with pytest.raises(ValueError, match=r"Received: input_shape=\(None, 3\)"):
        Reservoir(4).build((None, 3))
    with pytest.raises(ValueError, match="make no cycle"):
        Reservoir(4, connections=1e-9).build((None, 3, 1))
