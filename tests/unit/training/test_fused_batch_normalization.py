"""Batch normalization by one kernel against Keras's own, and what the key that asks for it does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import dlkit
from dlkit.recipe.diagnostics import RecipeError
from dlkit.training import fused_batch_normalization
from dlkit.training.fused_batch_normalization import fuse_batch_normalization
from dlkit.workflows.check import check

RANDOM = np.random.default_rng(1)


@pytest.fixture
def kernels(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The calls of the kernel."""
    calls: list[int] = []
    kernel = tf.raw_ops.FusedBatchNormV3

    def counted(**given: Any) -> Any:
        calls.append(1)
        return kernel(**given)

    monkeypatch.setattr(fused_batch_normalization.tf.raw_ops, "FusedBatchNormV3", counted)
    return calls


def both(shape: tuple[int, ...], **arguments: Any) -> tuple[keras.Model, keras.Model]:
    """The same network twice, with the kernel and without."""
    models = []
    for _ in range(2):
        keras.utils.set_random_seed(3)
        layer = keras.layers.BatchNormalization(gamma_initializer="random_normal", **arguments)
        models.append(keras.Sequential([keras.Input(shape[1:]), keras.Sequential([layer])]))
    assert fuse_batch_normalization(models[0]) == 1
    return models[0], models[1]


def trained(model: keras.Model, x: np.ndarray) -> list[np.ndarray]:
    """The outputs of two steps, all gradients of the second, and the weights after it."""
    first = model(x, training=True)
    given, weight = tf.constant(x[::-1]), np.cos(np.arange(x.size)).reshape(x.shape).astype(x.dtype)
    with tf.GradientTape() as tape:
        tape.watch(given)
        second = model(given, training=True)
        loss = tf.reduce_sum(second**2 * weight)
    learned = [variable.value for variable in model.trainable_variables]
    return [np.asarray(each) for each in (first, second, *tape.gradient(loss, [given, *learned]), *model.get_weights())]


@pytest.mark.parametrize("shape", [(32, 5), (8, 7, 3), (4, 6, 5, 3), (2, 3, 4, 5, 3), (1, 2)], ids=str)
@pytest.mark.parametrize("arguments", [{}, {"center": False}, {"scale": False}], ids=str)
def test_it_computes_what_keras_computes(shape: tuple[int, ...], arguments: dict[str, Any], kernels: list[int]) -> None:
    x = RANDOM.normal(3, 2, shape).astype("float32")
    fused, plain = both(shape, momentum=0.8, epsilon=1e-2, **arguments)
    for ours, theirs in zip(trained(fused, x), trained(plain, x), strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)
    assert len(kernels) == 2


def test_of_mixed_precision_it_keeps_the_types() -> None:
    x = RANDOM.normal(3, 2, (64, 5)).astype("float32")
    fused, plain = both(x.shape, dtype="mixed_bfloat16")
    ours, theirs = fused(x, training=True), plain(x, training=True)
    assert ours.dtype == theirs.dtype == "bfloat16"
    np.testing.assert_allclose(tf.cast(ours, "float32"), tf.cast(theirs, "float32"), atol=1e-3)
    for mine, other in zip(fused.get_weights(), plain.get_weights(), strict=True):
        assert mine.dtype == other.dtype == "float32"
        np.testing.assert_allclose(mine, other, rtol=1e-2, atol=1e-4)


@pytest.mark.parametrize("case", ["in inference", "frozen", "synchronized", "masked"])
def test_where_the_kernel_has_not_the_statistics_it_is_keras_s(case: str, kernels: list[int]) -> None:
    x = RANDOM.normal(3, 2, (8, 4, 3)).astype("float32")
    pair = both(x.shape)
    if case == "frozen":
        for model in pair:
            model.trainable = False
    if case == "synchronized":
        for model in pair:
            model.layers[0].layers[0].synchronized = True
    mask = np.array([[True, True, False, False]] * 8) if case == "masked" else None
    layers = [model.layers[0].layers[0] for model in pair]
    ours, theirs = (layer(x, training=case != "in inference", mask=mask) for layer in layers)
    np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(layers[0].moving_mean, layers[1].moving_mean)
    assert not kernels


@pytest.mark.parametrize("arguments", [{"axis": 1}, {"renorm": True}], ids=str)
def test_a_formula_that_is_not_the_kernel_s_is_left_alone(arguments: dict[str, Any]) -> None:
    layer = keras.layers.BatchNormalization(**arguments)
    assert fuse_batch_normalization(keras.Sequential([keras.Input((4, 3)), layer])) == 0
    assert "call" not in vars(layer)


def test_a_run_that_asks_for_it(tmp_path: Path, kernels: list[int]) -> None:
    settings = {"training.epochs": 1, "data.limit": 320, "training.fused_batch_normalization": True}
    run = dlkit.train(dlkit.load("digits/cnn", settings), runs_dir=tmp_path)
    assert kernels
    again = dlkit.train(dlkit.load("digits/cnn", settings), runs_dir=tmp_path)
    for first, second in zip(run.model.get_weights(), again.model.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)
    saved = [layer for layer in run.model._flatten_layers() if isinstance(layer, keras.layers.BatchNormalization)]
    assert saved and all(
        type(layer) is keras.layers.BatchNormalization and "call" not in vars(layer) for layer in saved
    )
    assert not run.folder.custom_layers.exists()


def test_a_network_without_it_is_told() -> None:
    with pytest.raises(RecipeError) as raised:
        check(dlkit.load("breast_cancer/mlp", {"training.fused_batch_normalization": True}))
    (found,) = raised.value.diagnostics
    assert found.code == "unused-key" and "no BatchNormalization" in found.message
