"""The random code against what it is by definition: divergence by a sum over a grid, draws by their moments and slopes."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlkit.models.layers.gaussian_code import GaussianCode

MOMENTS = np.array([[0.5, -1.0, -0.4, 0.9], [2.0, 0.0, 0.3, -2.0]], "float32")
MEAN, LOG_VARIANCE = np.split(MOMENTS.astype(float), 2, axis=-1)


def divergence_on_a_grid(mean: float, log_variance: float) -> float:
    """The integral of q log(q / p)."""
    z = np.linspace(-15, 15, 60_001)
    log_q = -0.5 * ((z - mean) ** 2 / np.exp(log_variance) + log_variance)
    return float(np.sum(np.exp(log_q) * (log_q + 0.5 * z**2)) * (z[1] - z[0]) / np.sqrt(2 * np.pi))


@pytest.mark.parametrize(("training", "share", "counts"), [(False, 0.25, 3.0), (True, 0.25, 0.75), (True, 1.0, 3.0)])
def test_the_divergence_is_that_of_the_integral(training: bool, share: float, counts: float) -> None:
    layer = GaussianCode(kl_weight=3.0)
    layer.build((None, 4))
    layer.share.assign(share)
    layer(MOMENTS, training=training)
    of_example = np.vectorize(divergence_on_a_grid)(MEAN, LOG_VARIANCE).sum(axis=-1)
    (loss,) = layer.losses
    np.testing.assert_allclose(float(loss), counts * of_example.mean(), rtol=1e-5)


def test_it_draws_in_training_from_the_distribution_it_was_told() -> None:
    layer = GaussianCode(seed=1)
    codes = layer(np.repeat(MOMENTS[:1], 50_000, axis=0), training=True).numpy()
    deviation = np.exp(0.5 * LOG_VARIANCE[0])
    np.testing.assert_allclose(codes.mean(axis=0), MEAN[0], atol=5 * deviation.max() / np.sqrt(50_000))
    np.testing.assert_allclose(codes.std(axis=0), deviation, rtol=0.02)
    assert abs(np.corrcoef(codes.T)[0, 1]) < 0.02
    assert not np.array_equal(codes, layer(np.repeat(MOMENTS[:1], 50_000, axis=0), training=True).numpy())


def test_slopes_go_through_the_draw() -> None:
    layer, moments = GaussianCode(seed=1), tf.Variable(MOMENTS)
    with tf.GradientTape() as tape:
        code = layer(moments, training=True)
        total = tf.reduce_sum(code)
    slope = tape.gradient(total, moments).numpy()
    np.testing.assert_allclose(slope[:, :2], 1.0)
    # The code is `mean + exp(log_variance / 2) * noise`: half of its second part.
    np.testing.assert_allclose(slope[:, 2:], 0.5 * (code.numpy() - MEAN), rtol=1e-4)


def test_outside_of_training_it_is_the_mean_or_the_same_draw() -> None:
    layer = GaussianCode()
    np.testing.assert_array_equal(layer(MOMENTS).numpy(), MOMENTS[:, :2])
    layer.draws = True
    first, again = layer(MOMENTS).numpy(), layer(MOMENTS).numpy()
    np.testing.assert_array_equal(first, again)
    assert not np.isclose(first, MOMENTS[:, :2]).any()


@pytest.mark.parametrize("shape", [(None, 3), (None, 4, 4), (None, None)])
def test_it_takes_as_many_log_variances_as_means(shape: tuple[int | None, ...]) -> None:
    with pytest.raises(ValueError, match="Received"):
        GaussianCode().build(shape)


def test_it_computes_in_half_precision_but_for_the_divergence() -> None:
    layer = GaussianCode(dtype=keras.DTypePolicy("mixed_bfloat16"))
    code = layer(MOMENTS)
    assert code.dtype == "bfloat16" and layer.losses[0].dtype == "float32"
