"""Models of mixed precision in float32: the same weights, and nothing that is still computed in 16 bits."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from dlkit.export.precision import in_float32, is_mixed


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_every_layer_computes_in_float32(policy: str) -> None:
    keras.utils.set_random_seed(1)
    given = keras.Input((4,), name="x", dtype="uint8")
    scaled = keras.layers.Normalization(dtype="float32")
    scaled.adapt(np.arange(40, dtype="float32").reshape(10, 4))
    inner = keras.Sequential(
        [keras.Input((4,), dtype=policy.removeprefix("mixed_")), keras.layers.Dense(8, dtype=policy)]
    )
    model = keras.Model(given, keras.layers.Dense(3, dtype=policy)(inner(scaled(given))))
    plain = in_float32(model)
    assert is_mixed(model) and not is_mixed(plain)
    assert {layer.compute_dtype for layer in plain._flatten_layers() if layer.weights} == {"float32"}
    assert plain.inputs[0].dtype == "uint8" and plain.inputs[0].name == "x"
    for before, after in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)

    x = np.random.default_rng(1).integers(0, 40, (5, 4)).astype("uint8")
    mean, variance, _, kernel_1, bias_1, kernel_2, bias_2 = (np.asarray(each) for each in model.get_weights())
    wanted = ((x - mean) / np.sqrt(variance) @ kernel_1 + bias_1) @ kernel_2 + bias_2
    np.testing.assert_allclose(plain.predict(x, verbose=0), wanted, atol=1e-5)


def test_a_model_in_float32_is_not_mixed() -> None:
    assert not is_mixed(keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]))
