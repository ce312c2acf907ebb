"""Bounds by drawing codes against integrals over the one number of a code."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from dlkit.evaluation.variational_bound import Halves, variational_bounds
from dlkit.models.layers.gaussian_code import GaussianCode
from dlkit.training.losses.bernoulli_likelihood import BernoulliLikelihood
from dlkit.training.losses.gaussian_likelihood import GaussianLikelihood

X = np.random.default_rng(1).uniform(size=(6, 3)).astype("float32")
Z = np.linspace(-12, 12, 24_001)
STEP = Z[1] - Z[0]


@pytest.fixture(scope="module")
def model() -> keras.Model:
    """A network whose code is one number, far from what the prior and the truth would have it."""
    x = keras.Input((3,))
    moments = keras.layers.Dense(2, name="moments")(x)
    code = GaussianCode(name="code")(moments)
    made = keras.Model(x, keras.layers.Dense(3, activation="sigmoid")(code))
    generator = np.random.default_rng(2)
    moments, off, *more = (generator.normal(0, 0.8, weights.shape) for weights in made.get_weights())
    moments[:, 1], off[1] = moments[:, 1] / 4, 0.4  # wide: weights of narrow ones, as 1 / q, are seldom and large
    made.set_weights([moments, off, *more])
    return made


def integrals(model: keras.Model, kind: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The ELBO, the log-likelihood and the divergence of each example, by quadrature over the code."""
    kernel, bias, *_ = (np.asarray(each, float) for each in model.layers[1].get_weights())
    out, off = (np.asarray(each, float) for each in model.layers[-1].get_weights())
    told = 1 / (1 + np.exp(-(Z[:, None] @ out + off)))
    log_prior = -0.5 * (Z**2 + np.log(2 * np.pi))
    found = []
    for x in X.astype(float):
        mean, log_variance = x @ kernel + bias
        log_q = -0.5 * ((Z - mean) ** 2 / np.exp(log_variance) + log_variance + np.log(2 * np.pi))
        if kind == "bernoulli":
            likelihood = (x * np.log(told) + (1 - x) * np.log(1 - told)).sum(axis=-1)
        else:
            likelihood = (-0.5 * ((x - told) / 0.2) ** 2 - np.log(0.2) - 0.5 * np.log(2 * np.pi)).sum(axis=-1)
        divergence = np.sum(np.exp(log_q) * (log_q - log_prior)) * STEP
        elbo = np.sum(np.exp(log_q) * (likelihood + log_prior - log_q)) * STEP
        found.append((elbo, np.log(np.sum(np.exp(likelihood + log_prior)) * STEP), divergence))
    return tuple(np.array(each) for each in zip(*found, strict=True))  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("kind", "loss"), [("bernoulli", BernoulliLikelihood()), ("gaussian", GaussianLikelihood(deviation=0.2))]
)
def test_they_are_those_of_quadrature(model: keras.Model, kind: str, loss: keras.losses.Loss) -> None:
    halves = Halves.of(model)
    assert halves is not None
    elbo, log_likelihood, divergence = integrals(model, kind)
    batches = [(X[:4], X[:4]), (X[4:], X[4:])]
    found = variational_bounds(halves, loss.call, batches, seed=3, draws=1500)
    np.testing.assert_allclose(found["kl_divergence"], divergence, rtol=1e-4)
    # The spread of the mean of 1,500 draws is that of one over 39.
    np.testing.assert_allclose(found["elbo"], elbo, atol=0.02 if kind == "bernoulli" else 0.6)
    np.testing.assert_allclose(
        found["importance_weighted_bound"], log_likelihood, atol=0.05 if kind == "bernoulli" else 0.15
    )
    assert (elbo < log_likelihood).all()


def test_fewer_draws_give_a_looser_bound_and_one_gives_the_elbo(model: keras.Model) -> None:
    halves, loss = Halves.of(model), BernoulliLikelihood()
    assert halves is not None
    many = [(np.repeat(X, 200, axis=0),) * 2]
    means = {
        draws: {name: values.mean() for name, values in variational_bounds(halves, loss.call, many, 1, draws).items()}
        for draws in (1, 4, 16)
    }
    assert means[1]["importance_weighted_bound"] == pytest.approx(means[1]["elbo"], abs=0.05)
    assert means[1]["importance_weighted_bound"] < means[4]["importance_weighted_bound"]
    assert means[4]["importance_weighted_bound"] < means[16]["importance_weighted_bound"]


def test_the_draws_are_those_of_the_seed(model: keras.Model) -> None:
    halves, loss = Halves.of(model), BernoulliLikelihood()
    assert halves is not None
    one, same, other = (variational_bounds(halves, loss.call, [(X, X)], seed)["elbo"] for seed in (1, 1, 2))
    assert one.tobytes() == same.tobytes() != other.tobytes()


def test_a_model_without_a_random_code_has_none() -> None:
    assert Halves.of(keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])) is None
