"""A machine of four visible and three hidden units, whose partition function is a sum of 128 terms, against NumPy."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import keras
import numpy as np
import pytest

from dlkit.models.restricted_boltzmann import RestrictedBoltzmannMachine

VISIBLE, HIDDEN = 4, 3
W = np.random.default_rng(0).normal(0, 1, (VISIBLE, HIDDEN)).astype("float32")
B = np.array([0.3, -0.5, 0.1], "float32")
A = np.array([-0.4, 0.2, 0.6, -0.1], "float32")
EXAMPLES = np.array([[1, 0, 1, 1], [1, 0, 1, 0], [0, 1, 1, 0], [1, 1, 0, 0.25], [0, 0, 0.5, 1]], "float32")


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def states(units: int) -> np.ndarray:
    return np.array(list(itertools.product((0, 1), repeat=units)), "float64")


def energies(v: np.ndarray, h: np.ndarray, w: np.ndarray, b: np.ndarray, a: np.ndarray) -> np.ndarray:
    """Of every pair of a visible and a hidden state."""
    return -(v @ a)[:, None] - (h @ b)[None, :] - v @ w @ h.T


def log_likelihood(v: np.ndarray, w: np.ndarray, b: np.ndarray, a: np.ndarray) -> float:
    """The mean over examples, the partition function summed over all states."""
    h = states(HIDDEN)
    numerators = np.log(np.exp(-energies(v, h, w, b, a)).sum(axis=1))
    return float(numerators.mean() - np.log(np.exp(-energies(states(VISIBLE), h, w, b, a)).sum()))


def machine(**how: int) -> RestrictedBoltzmannMachine:
    keras.utils.set_random_seed(1)
    dense = keras.layers.Dense(HIDDEN, activation="sigmoid")
    dense.build((None, VISIBLE))
    dense.set_weights([W, B])
    made = RestrictedBoltzmannMachine(dense, **how)
    made.visible_bias.assign(A)
    return made


def draws(made: RestrictedBoltzmannMachine) -> Callable[[int, int], np.ndarray]:
    """The uniform draws that a machine is going to make."""
    copy = keras.random.SeedGenerator(0)
    copy.state.assign(made.draws.state)
    return lambda *shape: np.asarray(keras.random.uniform(shape, seed=copy))


def test_the_free_energy_is_that_of_the_sum_over_hidden_states() -> None:
    made = machine()
    summed = -np.log(np.exp(-energies(EXAMPLES.astype("float64"), states(HIDDEN), W, B, A)).sum(axis=1))
    np.testing.assert_allclose(np.asarray(made.free_energy(EXAMPLES)), summed, rtol=1e-5)


@pytest.mark.parametrize("steps", [1, 3])
def test_the_statistics_of_contrastive_divergence(steps: int) -> None:
    made = machine(steps=steps)
    draw = draws(made)
    found = [np.asarray(each) for each in made.gradients(EXAMPLES)]
    hidden = believed = sigmoid(EXAMPLES @ W + B)
    for _ in range(steps):
        seen = sigmoid((draw(len(EXAMPLES), HIDDEN) < believed) @ W.T + A)
        believed = sigmoid(seen @ W + B)
    n = len(EXAMPLES)
    expected = [
        (seen.T @ believed - EXAMPLES.T @ hidden) / n,
        (believed - hidden).mean(axis=0),
        (seen - EXAMPLES).mean(axis=0),
    ]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_persistent_chains_go_on_where_they_were() -> None:
    made = machine(chains=6, steps=2)
    draw = draws(made)
    made.gradients(EXAMPLES)
    found = np.asarray(made.gradients(EXAMPLES)[0])
    seen = np.zeros((6, VISIBLE))
    for _ in range(4):  # two calls of two steps
        states_of_hidden = draw(6, HIDDEN) < sigmoid(seen @ W + B)
        seen = (draw(6, VISIBLE) < sigmoid(states_of_hidden @ W.T + A)).astype("float64")
    np.testing.assert_array_equal(np.asarray(made.chains), seen)
    hidden = sigmoid(EXAMPLES @ W + B)
    expected = seen.T @ sigmoid(seen @ W + B) / 6 - EXAMPLES.T @ hidden / len(EXAMPLES)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_with_persistent_chains_the_mean_is_the_gradient_of_the_log_likelihood() -> None:
    made = machine(chains=40_000, steps=30)
    found = [np.asarray(each) for each in made.gradients(EXAMPLES)]
    parameters = [each.astype("float64") for each in (W, B, A)]
    for number, each in enumerate(found):
        slopes = np.empty(each.shape)
        for place in np.ndindex(each.shape):
            sides = []
            for change in (1e-5, -1e-5):
                changed = [parameter.copy() for parameter in parameters]
                changed[number][place] += change
                sides.append(log_likelihood(EXAMPLES.astype("float64"), *changed))
            slopes[place] = (sides[0] - sides[1]) / 2e-5
        np.testing.assert_allclose(-each, slopes, atol=0.01)  # four standard errors of 40,000 chains


def test_its_biases_and_weights_are_what_learns() -> None:
    made = machine(chains=3)
    assert {id(each) for each in made.trainable_variables} == {id(each) for each in made.learned}
