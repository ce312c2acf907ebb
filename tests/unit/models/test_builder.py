"""What the builder makes of graphs: Sequential or Functional, names, shapes, sharing, adapted layers, Keras's refusals."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from dlkit.models.builder import Built, build
from dlkit.recipe.diagnostics import RecipeError
from dlkit.recipe.facts import Feature
from dlkit.recipe.load import load, parse

IRIS = "name: t\ndata: {source: iris}\ntraining: {epochs: 1}\n"
TABLE = {"table": Feature("vector", (4,), "float32")}


def built(model: str, features: dict[str, Feature] = TABLE, head: str = IRIS, **more) -> Built:
    recipe = parse(head + model)
    graph = recipe.graphs["model"]
    outputs = {target or "species": tensor for target, tensor in graph.outputs.items()}
    return build(graph, features, outputs, recipe.name, **more)


def test_a_chain_becomes_a_sequential_model() -> None:
    model = built("model: {sequential: [{Dense: {units: 5, activation: relu}}, {Dense: {units: 3}}]}").model
    assert isinstance(model, keras.Sequential)
    assert model.output_shape == (None, 3)
    assert [layer.name for layer in model.layers] == ["dense", "dense_1"]


def test_the_network_of_the_notes_has_73_parameters() -> None:
    recipe = load("notes/three_six_six_one")
    features = {"table": Feature("vector", (3,), "float32")}
    model = build(recipe.graphs["model"], features, {"diagnosis": recipe.graphs["model"].outputs[""]}, "t").model
    assert model.count_params() == 73


def test_what_is_no_chain_becomes_functional() -> None:
    model = built(
        """
model:
  functional:
    inputs: [table]
    layers:
      - Dense: {units: 4, name: left}
      - Dense: {units: 4, name: right, from: table}
      - Add: {from: [left, right]}
      - Dense: {units: 3}
"""
    ).model
    assert not isinstance(model, keras.Sequential)
    x = np.ones((2, 4), "float32")
    left, right, last = (model.get_layer(name) for name in ("left", "right", "dense"))
    expected = last(left(x) + right(x))
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, rtol=1e-6)


def test_a_reused_layer_shares_its_weights() -> None:
    model = built(
        """
model:
  functional:
    inputs: [table]
    layers:
      - Dense: {units: 4, name: shared}
      - reuse: {layer: shared, from: shared, name: again}
      - Dense: {units: 3}
"""
    ).model
    assert len(model.get_layer("shared").weights) == 2
    assert model.count_params() == (4 * 4 + 4) + (4 * 3 + 3)
    x = np.ones((1, 4), "float32")
    shared, last = model.get_layer("shared"), model.get_layer("dense")
    np.testing.assert_allclose(model.predict(x, verbose=0), last(shared(shared(x))), rtol=1e-6)


def test_the_second_output_of_a_layer_can_be_taken() -> None:
    model = built(
        """
model:
  functional:
    inputs: [table]
    layers:
      - Reshape: {target_shape: [4, 1]}
      - LSTM: {units: 5, return_state: true, name: lstm}
      - Dense: {units: 3, from: lstm.2}
"""
    ).model
    assert model.output_shape == (None, 3)
    x = np.random.default_rng(0).normal(size=(2, 4)).astype("float32")
    state = model.get_layer("lstm")(x[..., None])[2]
    np.testing.assert_allclose(model.predict(x, verbose=0), model.get_layer("dense")(state), rtol=1e-5)


def test_call_arguments_by_name_reach_the_layer() -> None:
    model = built(
        """
model:
  functional:
    inputs: [table]
    layers:
      - Reshape: {target_shape: [4, 1], name: sequence}
      - Dense: {units: 8, name: query}
      - MultiHeadAttention: {num_heads: 2, key_dim: 4, name: attention, from: {query: query, value: query, use_causal_mask: true}}
      - Flatten
      - Dense: {units: 3}
"""
    ).model
    attention = model.get_layer("attention")
    steps = np.random.default_rng(0).normal(size=(1, 4, 8)).astype("float32")
    changed = steps.copy()
    changed[:, -1] += 1
    first = attention(query=steps, value=steps, use_causal_mask=True)
    second = attention(query=changed, value=changed, use_causal_mask=True)
    np.testing.assert_allclose(first[:, :-1], second[:, :-1], rtol=1e-5)
    operation = next(op for op in model.operations if op.name == "attention")
    assert operation._inbound_nodes[0].arguments.kwargs["use_causal_mask"] is True


def test_normalization_adapts_to_what_it_is_given() -> None:
    x = np.random.default_rng(0).normal(3.0, 2.0, size=(500, 4)).astype("float32")
    model = built(
        "model: {sequential: [{Rescaling: {scale: 0.5}}, Normalization, {Dense: {units: 3}}]}", examples={"table": x}
    ).model
    layer = model.get_layer("normalization")
    np.testing.assert_allclose(np.ravel(layer.mean), (0.5 * x).mean(0), rtol=1e-4)
    np.testing.assert_allclose(np.ravel(layer.variance), (0.5 * x).var(0), rtol=1e-4)


def test_a_normalization_that_says_its_mean_is_left_alone() -> None:
    x = np.ones((5, 4), "float32")
    model = built(
        "model: {sequential: [{Normalization: {mean: 7.0, variance: 1.0}}, {Dense: {units: 3}}]}", examples={"table": x}
    ).model
    np.testing.assert_allclose(np.ravel(model.get_layer("normalization").mean), 7.0)


def test_the_served_model_has_the_same_weights_and_no_optimizer(tmp_path) -> None:
    pair = built("model: {sequential: [{Dense: {units: 3}}]}")
    pair.model.compile("adam", "mse")
    pair.model.fit(np.ones((8, 4)), np.ones((8, 3)), verbose=0)
    pair.served.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert not loaded.compiled
    for ours, theirs in zip(pair.model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_what_keras_refuses_is_told_at_the_layers_place() -> None:
    with pytest.raises(RecipeError) as caught:
        built(
            "model:\n  sequential:\n    - Dense: {units: 3}\n    - Conv2D: {filters: 3, kernel_size: 3}\n    - Dense: {units: 3}\n"
        )
    (found,) = caught.value.diagnostics
    assert found.code == "cannot-build"
    assert found.span.line == 7
    assert "conv2d" in found.message


def test_several_outputs_are_a_mapping_by_target() -> None:
    recipe = load("fashion_mnist/two_heads")
    graph = recipe.graphs["model"]
    model = build(graph, recipe.facts.features, graph.outputs, recipe.name).model
    predicted = model.predict(np.zeros((2, 28, 28, 1), "uint8"), verbose=0)
    assert {target: values.shape for target, values in predicted.items()} == {"garment": (2, 10), "group": (2, 5)}
