"""The rule of the variational autoencoder: how much of the divergence counts when, and what validation measures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from dlkit.models.layers.gaussian_code import GaussianCode
from dlkit.models.patterns.variational_autoencoder import VariationalAutoencoder
from dlkit.recipe.load import load
from dlkit.training.losses.bernoulli_likelihood import BernoulliLikelihood
from dlkit.workflows.preparation import build_model, prepare

X = np.random.default_rng(1).uniform(size=(8, 3)).astype("float32")
CASE = Path(__file__).parents[2] / "contract" / "pattern_cases" / "variational_autoencoder.yaml"


def model_of(**more: Any) -> VariationalAutoencoder:
    keras.utils.set_random_seed(1)
    x = keras.Input((3,))
    hidden = keras.layers.Dense(4, activation="tanh", name="encoder.dense")(x)
    encoded = keras.layers.Flatten(name="encoded")(hidden)
    moments = [keras.layers.Dense(2, name=name)(encoded) for name in ("mean", "log_variance")]
    code = GaussianCode(name="code", kl_weight=more.get("beta", 1.0))(keras.layers.Concatenate(name="moments")(moments))
    y = keras.layers.Dense(3, activation="sigmoid", name="decoder.dense")(code)
    parts = {"encoder": keras.Model(x, hidden), "decoder": keras.Model(code, y)}
    model = VariationalAutoencoder(x, y, latent_size=2, **parts, **more)
    model.compile(optimizer="sgd", loss=BernoulliLikelihood())
    return model


def test_the_share_of_the_divergence_grows_to_the_whole() -> None:
    model = model_of(annealing=0.5)
    model.begin_stage(8, None)
    shares = []
    for _ in range(6):
        model.train_on_batch(X, X)
        shares.append(float(model.get_layer("code").share))
    assert shares == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]


def test_without_annealing_the_whole_counts_from_the_first_step() -> None:
    model = model_of()
    model.begin_stage(8, None)
    model.train_on_batch(X, X)
    assert float(model.get_layer("code").share) == 1.0


@pytest.mark.parametrize("beta", [1.0, 4.0])
def test_validation_is_the_whole_loss_of_a_draw(beta: float) -> None:
    model = model_of(beta=beta, annealing=1.0)
    model.begin_stage(8, None)
    loss = model.evaluate(X, X, verbose=0)
    assert loss == model.evaluate(X, X, verbose=0)
    mean, log_variance = (np.asarray(each, float) for each in model.networks()["encoder"](X))
    code = model.get_layer("code")
    code.draws = True
    drawn = code(np.concatenate([mean, log_variance], axis=-1).astype("float32")).numpy()
    code.draws = False
    told = np.asarray(model.networks()["decoder"](drawn), float)
    likelihood = (X * np.log(told) + (1 - X) * np.log(1 - told)).sum(axis=-1)
    divergence = 0.5 * (mean**2 + np.exp(log_variance) - log_variance - 1).sum(axis=-1)
    assert loss == pytest.approx((beta * divergence - likelihood).mean(), rel=1e-5)
    np.testing.assert_array_equal(model(X), model(X))


def test_the_beta_of_a_recipe_weighs_the_divergence() -> None:
    model = build_model(prepare(load(CASE, {"model.variational_autoencoder.beta": 4.0}))).model
    pictures = np.random.default_rng(2).uniform(size=(8, *model.input_shape[1:])).astype("float32")
    mean, log_variance = (np.asarray(each, float) for each in model.networks()["encoder"](pictures))
    divergence = 0.5 * (mean**2 + np.exp(log_variance) - log_variance - 1).sum(axis=-1)
    model(pictures)
    (loss,) = model.losses
    assert float(loss) == pytest.approx(4 * divergence.mean(), rel=1e-4)


def test_a_picture_in_is_the_mean_reconstruction_out() -> None:
    model = model_of()
    mean, _ = model.networks()["encoder"](X)
    np.testing.assert_allclose(model.predict(X, verbose=0), model.networks()["decoder"](mean), rtol=1e-6)
