"""The noise of measuring: of its deviation, always the same, and in the place of that of training."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from dlkit.models.noise import noisy, with_noise


def network(chain: bool) -> keras.Model:
    keras.utils.set_random_seed(1)
    layers = [
        keras.layers.Rescaling(0.5, name="before"),
        keras.layers.GaussianNoise(0.3, name="noise"),
        keras.layers.Dense(4, name="after"),
    ]
    if chain:
        return keras.Sequential([keras.Input((4,)), *layers])
    x = keras.Input((4,))
    y = layers[1](layers[0](x))
    return keras.Model(x, keras.layers.Add()([layers[2](y), y]))


def test_it_has_its_deviation_and_is_the_same_again() -> None:
    clean = np.full((200, 50), 3, "uint8")
    added = np.asarray(noisy(clean, 0.3)) - 3
    assert added.std() == pytest.approx(0.3, rel=0.03) and abs(added.mean()) < 0.01
    assert len(np.unique(added)) > 9_000, "every example has its own"
    np.testing.assert_array_equal(added, np.asarray(noisy(clean, 0.3)) - 3)


@pytest.mark.parametrize("chain", [True, False])
def test_a_saved_model_is_given_it_after_its_preprocessing(chain: bool, tmp_path) -> None:
    network(chain).save(tmp_path / "model.keras")
    model = keras.models.load_model(tmp_path / "model.keras")
    x = np.random.default_rng(1).normal(size=(5, 4)).astype("float32")
    whole, given = with_noise(model, "noise", 0.3)
    inputs = np.asarray(noisy(x * np.float32(0.5), 0.3))
    np.testing.assert_allclose(given.predict(x, verbose=0), inputs, rtol=1e-6)
    np.testing.assert_allclose(whole.predict(x, verbose=0), model.predict(inputs * 2, verbose=0), rtol=1e-5)
    assert not np.allclose(whole.predict(x, verbose=0), model.predict(x, verbose=0))
