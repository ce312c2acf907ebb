"""What a model is compiled with: losses and metrics of its outputs, against a calculation by hand."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from dlkit.recipe.graph import Component
from dlkit.recipe.supervision import Supervision
from dlkit.training.compiling import compile_model

DRAWN = np.random.default_rng(3)
X = DRAWN.normal(size=(7, 4)).astype("float32")


def test_each_output_counts_by_its_own_weight() -> None:
    x = keras.Input((4,))
    model = keras.Model(x, {name: keras.layers.Dense(1, name=name)(x) for name in ("price", "age", "size")})
    held = {
        name: Supervision(name, Component("loss", "MeanSquaredError"), (), False) for name in ("size", "price", "age")
    }
    compile_model(model, held, None, loss_weights={"age": 0.25, "price": 8.0})
    targets = {name: DRAWN.normal(size=(7, 1)).astype("float32") for name in held}
    told = model.evaluate(X, targets, verbose=0, return_dict=True)
    outputs: dict[str, Any] = model.predict(X, verbose=0)
    errors = {name: float(np.square(outputs[name] - targets[name]).mean()) for name in held}
    assert told["loss"] == pytest.approx(8 * errors["price"] + 0.25 * errors["age"] + errors["size"], rel=1e-5)


def test_metrics_of_tokens_do_not_count_padding() -> None:
    tokens = keras.Input((5,), dtype="int32")
    model = keras.Model(tokens, keras.layers.Embedding(6, 4)(tokens))
    loss = Component("loss", "SparseCategoricalCrossentropy", {"from_logits": True, "ignore_class": 0})
    metric = Component("metric", "SparseCategoricalAccuracy", {"name": "token_accuracy"})
    compile_model(model, {"words": Supervision("words", loss, (metric,), True, forced="words")}, None)
    given = DRAWN.integers(0, 6, (7, 5)).astype("int32")
    logits = model.predict(given, verbose=0)
    truth = logits.argmax(axis=-1).astype("int32")
    truth[::2] = (truth[::2] + 1) % 4
    truth[:, 3:] = 0
    told = model.evaluate(given, truth, batch_size=3, verbose=0, return_dict=True)
    is_right = (logits.argmax(axis=-1) == truth)[truth != 0]
    assert 0 < is_right.mean() < 1
    assert told["token_accuracy"] == pytest.approx(is_right.mean(), rel=1e-6)
