"""Architectures for pictures, and their layers, against what they say they compute."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest

from dlkit.models.builder import build
from dlkit.models.layer import make_layer
from dlkit.recipe.facts import Feature
from dlkit.recipe.graph import Component
from dlkit.recipe.load import parse


def model_of(architecture: dict[str, object], shape: tuple[int, ...]) -> keras.Model:
    keras.utils.set_random_seed(1)
    recipe = parse(
        "name: t\ndata: {source: {npz: {path: none.npz}}}\ntraining: {epochs: 1, loss: MeanSquaredError}\n"
        f"model: {json.dumps({'sequential': [architecture]})}\n"
    )
    graph = recipe.graphs["model"]
    features = {graph.inputs[0]: Feature("vector", shape, "float32")}
    return build(graph, features, {"y": graph.outputs[""]}, "t").served


def softmax(x: np.ndarray) -> np.ndarray:
    shifted = np.exp(x - x.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def test_a_mixture_is_the_sum_of_what_experts_say_weighed_by_the_gate() -> None:
    model = model_of({"mixture_of_experts": {"outputs": 3, "experts": 4, "units": [5], "activation": "tanh"}}, (6,))
    weights = {weight.path.split("mixture_of_experts.")[-1]: np.asarray(weight, "float64") for weight in model.weights}
    weights = {key: value + np.random.default_rng(len(key)).normal(size=value.shape) for key, value in weights.items()}
    for weight in model.weights:
        weight.assign(weights[weight.path.split("mixture_of_experts.")[-1]])
    x = np.random.default_rng(2).normal(size=(7, 6)).astype("float32")

    def dense(x: np.ndarray, name: str) -> np.ndarray:
        return x @ weights[f"{name}/kernel"] + weights[f"{name}/bias"]

    gate = softmax(dense(x, "gate"))
    answers = [softmax(dense(np.tanh(dense(x, f"expert{n}_hidden1")), f"expert{n}")) for n in range(1, 5)]
    expected = sum(gate[:, n : n + 1] * answer for n, answer in enumerate(answers))
    np.testing.assert_allclose(model(x), expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(np.sum(model(x), axis=-1), 1, rtol=1e-5)


def test_a_class_token_stands_before_the_first_step_and_is_learned() -> None:
    keras.utils.set_random_seed(1)
    layer = make_layer(
        Component("layer", "class_token", {"initializer": "random_normal"}), "t", keras.Input((4, 3)), None
    )
    (token,) = layer.trainable_weights
    x = np.random.default_rng(2).normal(size=(2, 4, 3)).astype("float32")
    made = np.asarray(layer(x))
    np.testing.assert_array_equal(made[:, 1:], x)
    np.testing.assert_array_equal(made[:, 0], np.repeat(np.asarray(token), 2, axis=0))


def test_a_vision_transformer_sees_patches_wherever_they_are_until_positions_are_added() -> None:
    """Patches that change places change the result; with positions that are all alike, they do not."""
    model = model_of({"vit": {"patch_size": 4, "depth": 1, "width": 8, "heads": 2}}, (8, 8, 1))
    x = np.random.default_rng(2).random((1, 8, 8, 1)).astype("float32")
    moved = x.copy()
    moved[:, :4, :4], moved[:, 4:, 4:] = x[:, 4:, 4:], x[:, :4, :4]
    assert np.abs(np.asarray(model(x)) - np.asarray(model(moved))).max() > 1e-5
    (positions,) = model.get_layer("vit.embedded").trainable_weights
    positions.assign(np.zeros(positions.shape))
    np.testing.assert_allclose(model(x), model(moved), atol=1e-5)


def test_a_quarter_of_the_width_has_a_quarter_of_the_filters() -> None:
    shapes = [
        model_of({"mobilenet": {"width": width, "repeats": 0}}, (16, 16, 3)).get_layer("mobilenet.stem").filters
        for width in (1.0, 0.25)
    ]
    assert shapes == [32, 8]


def test_a_column_of_a_picture_is_a_step() -> None:
    x = np.random.default_rng(2).normal(size=(2, 4, 5, 3)).astype("float32")
    for width in (5, None):
        layer = make_layer(Component("layer", "columns_as_steps"), "c", keras.Input((4, width, 3)), None)
        made = np.asarray(layer(x))
        np.testing.assert_array_equal(made, np.stack([x[:, :, n].reshape(2, -1) for n in range(5)], axis=1))
    with pytest.raises(ValueError, match="Received"):
        make_layer(Component("layer", "columns_as_steps"), "c", keras.Input((None, 5, 3)), None)


def test_a_crnn_gives_a_step_for_every_column_that_its_poolings_leave() -> None:
    arguments = {"filters": [2, 2, 2], "convolutions": [1, 2, 1], "width_halvings": 1, "units": [3], "dropout": 0.1}
    model = model_of({"crnn": {**arguments, "cell": "gru"}}, (17, 20, 1))
    assert model.output_shape == (None, 10, 6)
    assert model.get_layer("crnn.columns").output.shape == (None, 10, 2 * 2)
