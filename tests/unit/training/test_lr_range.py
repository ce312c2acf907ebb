"""The learning-rate range test, where the rate at which training diverges is known."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from dlkit.data.arrays import Arrays
from dlkit.data.feed import Feed
from dlkit.training.lr_range import HIGHEST, LOWEST, RateRange, measure_rates


def quadratic() -> tuple[keras.Model, Feed, float]:
    """Linear regression by gradient descent, which diverges from the rate 2 / (largest eigenvalue of the Hessian) on."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(256, 3)).astype("float32") * np.array([1, 2, 3], "float32")
    y = (x @ [1.0, -2.0, 0.5]).astype("float32")[:, None]
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.compile(keras.optimizers.SGD(1e-3), "mse")
    critical = 2 / np.linalg.eigvalsh(2 * x.T @ x / len(x)).max()
    return model, Feed(Arrays({"x": x}, {"y": y}), batch_size=256, shuffle=False), float(critical)


def test_the_loss_rises_from_the_critical_rate_on() -> None:
    model, feed, critical = quadratic()
    measured = measure_rates(model, feed, steps=400)
    assert measured.rates[0] == LOWEST and measured.rates[-1] < HIGHEST  # it stopped
    raw_lowest = measured.rates[int(np.argmin(measured.losses))]
    assert critical / 3 < raw_lowest < critical * 3
    assert measured.suggestion is not None and measured.suggestion < critical
    assert measured.rates[-1] > critical


def test_the_losses_are_those_of_single_batches() -> None:
    model, feed, _ = quadratic()
    _, y = next(iter(feed))
    first = float(np.mean(np.square(y)))  # the weights begin at zero
    measured = measure_rates(model, feed, steps=20)
    assert measured.losses[0] == pytest.approx(first, rel=1e-5)
    assert measured.smoothed[0] == pytest.approx(first, rel=1e-5)
    mean = 0.0
    for number, loss in enumerate(measured.losses, start=1):
        mean = 0.9 * mean + 0.1 * loss
        assert measured.smoothed[number - 1] == pytest.approx(mean / (1 - 0.9**number), rel=1e-6)


def test_a_loss_that_never_falls_has_no_suggestion() -> None:
    rates = np.geomspace(LOWEST, HIGHEST, 50)
    flat = np.linspace(1, 2, 50)
    assert RateRange(rates, flat, flat).suggestion is None


def test_the_steepest_descent_of_a_known_curve() -> None:
    rates = np.geomspace(1e-6, 1.0, 61)
    smoothed = 2 - np.tanh(3 * (np.log10(rates) + 3))  # steepest at 1e-3
    smoothed[-1] = 1.5
    assert RateRange(rates, smoothed, smoothed).suggestion == pytest.approx(1e-3, rel=0.05)
