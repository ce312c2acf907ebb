"""The architectures and layers for sequences against independent calculations."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from dlkit.models.builder import build
from dlkit.recipe.diagnostics import RecipeError
from dlkit.recipe.facts import Feature
from dlkit.recipe.load import parse


def model_of(layers: list[Any], shape: tuple[int | None, ...], dtype: str = "float32") -> keras.Model:
    """A chain of layers as a recipe has it."""
    keras.utils.set_random_seed(1)
    recipe = parse(
        "name: t\ndata: {source: {npz: {path: none.npz}}}\ntraining: {epochs: 1, loss: MeanSquaredError}\n"
        f"model: {json.dumps({'sequential': layers})}\n"
    )
    graph = recipe.graphs["model"]
    assert graph.complete
    return build(graph, {graph.inputs[0]: Feature("sequence", shape, dtype)}, {"y": graph.outputs[""]}, "t").served


def weights_of(layer: keras.Layer) -> dict[str, np.ndarray]:
    """A layer's weights in float64, by the end of their paths."""
    return {"/".join(weight.path.split("/")[-2:]): np.asarray(weight, "float64") for weight in layer.weights}


def softmax(x: np.ndarray) -> np.ndarray:
    shifted = np.exp(x - x.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def normalized(x: np.ndarray) -> np.ndarray:
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)


def gelu(x: np.ndarray) -> np.ndarray:
    from scipy.special import erf

    return x * 0.5 * (1 + erf(x / np.sqrt(2)))


def attended(layer: keras.layers.MultiHeadAttention, x: np.ndarray, may_see: np.ndarray) -> np.ndarray:
    """Attention by loops over examples and heads; `may_see` is of shape (batch, queries, keys)."""
    known = weights_of(layer)
    out = np.zeros_like(x)
    for number, steps in enumerate(x):
        for head in range(layer.num_heads):
            q, k, v = (steps @ known[f"{name}/kernel"][:, head] for name in ("query", "key", "value"))
            scores = np.where(may_see[number], q @ k.T / np.sqrt(q.shape[-1]), -np.inf)
            out[number] += softmax(scores) @ v @ known["attention_output/kernel"][head]
    return out


def position_table(steps: int, channels: int) -> np.ndarray:
    """Vaswani et al., 2017, section 3.5, entry by entry."""
    table = np.zeros((steps, channels))
    for p in range(steps):
        for i in range(0, channels, 2):
            table[p, i] = np.sin(p / 10_000 ** (i / channels))
            if i + 1 < channels:
                table[p, i + 1] = np.cos(p / 10_000 ** (i / channels))
    return table


def test_text_cnn_takes_the_maximum_of_each_filter_over_time() -> None:
    model = model_of([{"text_cnn": {"filters": 4, "kernel_sizes": [2, 3]}}], (7, 5))
    x = np.random.default_rng(0).normal(size=(3, 7, 5))
    expected = []
    for size in (2, 3):
        known = weights_of(model.get_layer(f"text_cnn.conv_{size}"))
        kernel, bias = (next(v for k, v in known.items() if k.endswith(end)) for end in ("kernel", "bias"))
        of_places = [np.einsum("bkc,kcf->bf", x[:, at : at + size], kernel) + bias for at in range(8 - size)]
        expected.append(np.maximum(of_places, 0).max(axis=0))
    np.testing.assert_allclose(model(x), np.concatenate(expected, axis=-1), rtol=1e-4, atol=1e-6)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def simple_step(x: np.ndarray, state: tuple, w: list[np.ndarray]) -> tuple[np.ndarray, ...]:
    return (np.tanh(x @ w[0] + state[0] @ w[1] + w[2]),)


def lstm_step(x: np.ndarray, state: tuple, w: list[np.ndarray]) -> tuple[np.ndarray, ...]:
    i, f, c, o = np.split(x @ w[0] + state[0] @ w[1] + w[2], 4, axis=-1)
    memory = sigmoid(f) * state[1] + sigmoid(i) * np.tanh(c)
    return sigmoid(o) * np.tanh(memory), memory


def gru_step(x: np.ndarray, state: tuple, w: list[np.ndarray]) -> tuple[np.ndarray, ...]:
    of_x, of_state = (np.split(a, 3, axis=-1) for a in (x @ w[0] + w[2][0], state[0] @ w[1] + w[2][1]))
    z, r = (sigmoid(a + b) for a, b in zip(of_x[:2], of_state[:2], strict=True))
    return (z * state[0] + (1 - z) * np.tanh(of_x[2] + r * of_state[2]),)


@pytest.mark.parametrize(("cell", "step"), [("simple", simple_step), ("lstm", lstm_step), ("gru", gru_step)])
def test_recurrent_cells_step_by_step(cell: str, step: Callable[..., tuple[np.ndarray, ...]]) -> None:
    model = model_of([{"rnn": {"units": [4], "cell": cell, "return_sequences": True}}], (5, 3))
    weights = [np.asarray(weight, "float64") for weight in model.weights]
    x = np.random.default_rng(0).normal(size=(2, 5, 3))
    state, expected = (np.zeros((2, 4)), np.zeros((2, 4))), []
    for t in range(5):
        state = step(x[:, t], state, weights)
        expected.append(state[0])
    np.testing.assert_allclose(model(x), np.stack(expected, axis=1), rtol=1e-4, atol=1e-6)


def test_a_bidirectional_network_reads_both_ways_and_passes_over_padding() -> None:
    words = [{"Embedding": {"input_dim": 9, "output_dim": 3, "mask_zero": True}}]
    model = model_of([*words, {"rnn": {"units": [4, 4], "cell": "gru", "bidirectional": True}}], (None,), "int32")
    short = np.array([[3, 1, 4]])
    padded = np.array([[3, 1, 4, 0, 0]])
    np.testing.assert_allclose(model(padded), model(short), rtol=1e-5, atol=1e-6)
    assert np.abs(np.asarray(model(short)) - model(short[:, ::-1])).max() > 1e-3


@pytest.mark.parametrize("channels", [6, 7])
def test_sinusoids_are_those_of_the_paper(channels: int) -> None:
    model = model_of(["positional_encoding"], (None, channels))
    x = np.random.default_rng(0).normal(size=(3, 50, channels))
    np.testing.assert_allclose(model(x), x + position_table(50, channels), atol=1e-5)


def test_tokens_are_scaled_before_sinusoids_are_added() -> None:
    arguments = {"vocabulary_size": 9, "width": 6}
    model = model_of([{"token_and_position_embedding": arguments}], (4,), "int32")
    x = np.array([[1, 2, 3, 8], [0, 0, 5, 1]])
    table = np.asarray(model.weights[0])
    np.testing.assert_allclose(model(x), table[x] * np.sqrt(6) + position_table(4, 6), atol=1e-5)


@pytest.mark.parametrize("layer", ["position_embedding", "token_and_position_embedding"])
def test_learned_positions_are_looked_up_and_learned(layer: str) -> None:
    of_tokens = layer.startswith("token")
    arguments = {"vocabulary_size": 9, "width": 6, "positions": "learned"} if of_tokens else {}
    model = model_of([{layer: arguments}], (4,) if of_tokens else (4, 6), "int32" if of_tokens else "float32")
    *tokens, table = (np.asarray(weight) for weight in model.trainable_weights)
    x = np.array([[1, 2, 3, 8], [0, 0, 5, 1]]) if of_tokens else np.ones((2, 4, 6), "float32")
    np.testing.assert_allclose(model(x), (tokens[0][x] if tokens else x) + table, atol=1e-6)
    model.compile("sgd", "mse")
    model.fit(x, np.zeros((2, 4, 6)), verbose=0)
    assert (np.abs(np.asarray(model.trainable_weights[-1]) - table) > 0).any(axis=1).all()


def test_positions_of_unknown_length_cannot_be_learned() -> None:
    with pytest.raises(RecipeError, match="number of steps"):
        model_of(["position_embedding"], (None, 6))


@pytest.mark.parametrize("normalization", ["pre", "post"])
@pytest.mark.parametrize("causal", [False, True])
def test_a_block_is_attention_and_two_dense_layers_with_residuals(normalization: str, causal: bool) -> None:
    arguments = {"width": 6, "heads": 2, "normalization": normalization, "causal": causal, "use_bias": False}
    model = model_of([{"transformer_block": arguments}], (5, 6))
    layer = {end.name.split(".")[-1]: end for end in model.layers}
    hidden, last = (np.asarray(layer[name].kernel, "float64") for name in ("hidden", "last"))
    x = np.random.default_rng(0).normal(size=(3, 5, 6))
    may_see = np.broadcast_to(np.tril(np.ones((5, 5), bool)) if causal else True, (3, 5, 5))
    if normalization == "pre":
        middle = x + attended(layer["attention"], normalized(x), may_see)
        expected = middle + gelu(normalized(middle) @ hidden) @ last
    else:
        middle = normalized(x + attended(layer["attention"], x, may_see))
        expected = normalized(middle + gelu(middle @ hidden) @ last)
    np.testing.assert_allclose(model(x), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("pooling", ["mean", "first"])
def test_padding_is_neither_attended_to_nor_pooled(pooling: str) -> None:
    tokens = {"vocabulary_size": 9, "width": 6, "mask_zero": True}
    encoder = {"depth": 2, "width": 6, "heads": 2, "pooling": pooling}
    model = model_of([{"token_and_position_embedding": tokens}, {"transformer_encoder": encoder}], (None,), "int32")
    short, padded = np.array([[3, 1, 4]]), np.array([[3, 1, 4, 0, 0]])
    np.testing.assert_allclose(model(padded), model(short), rtol=1e-5, atol=1e-6)
    assert model.output_shape == (None, 6)
    reordered = model(np.array([[4, 1, 3]]))
    assert np.abs(np.asarray(reordered) - model(short)).max() > 1e-4  # positions count


def test_masks_reach_the_encoder_without_a_warning() -> None:
    tokens = {"vocabulary_size": 9, "width": 6, "mask_zero": True}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = model_of(
            [{"token_and_position_embedding": tokens}, {"transformer_encoder": {"depth": 1, "width": 6, "heads": 2}}],
            (5,),
            "int32",
        )
        model(np.array([[3, 1, 4, 0, 0]]))


def test_gpt_does_not_look_ahead_and_its_output_is_its_embedding() -> None:
    model = model_of([{"gpt": {"vocabulary_size": 9, "depth": 2, "width": 6, "heads": 2}}], (5,), "int32")
    first, other = np.array([[1, 2, 3, 4, 5]]), np.array([[1, 2, 3, 8, 8]])
    before, after = np.asarray(model(first)), np.asarray(model(other))
    np.testing.assert_allclose(after[:, :3], before[:, :3], atol=1e-6)
    assert np.abs(after[:, 3:] - before[:, 3:]).max() > 1e-4
    norm = keras.Model(model.inputs, model.get_layer("gpt.norm").output)(first)
    np.testing.assert_allclose(before, norm @ np.asarray(model.get_layer("gpt.tokens").embeddings).T, atol=1e-5)


def test_the_softmax_is_stable() -> None:
    x = np.array([[1e4, 0.0, -1e4], [-1e30, -1e30, -1e30], [88.0, 89.0, 90.0]], "float32")
    made = np.asarray(keras.ops.softmax(x))
    np.testing.assert_allclose(made, softmax(x.astype("float64")), rtol=1e-6)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction=None)
    np.testing.assert_allclose(loss(np.array([1, 0, 0]), x), [1e4, np.log(3), 2 + np.log(1 + np.exp(-1) + np.exp(-2))])


@pytest.mark.parametrize(
    "layer",
    [{"transformer_block": {"width": 6, "heads": 4}}, {"text_cnn": {"kernel_sizes": [3, 3]}}],
)
def test_what_does_not_fit_is_told_at_its_place(layer: dict[str, Any]) -> None:
    with pytest.raises(RecipeError, match="Received"):
        model_of([layer], (5, 6))
