"""Losses and metrics of sequences with padding, against a computation by hand."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from dlkit.recipe.graph import Component
from dlkit.recipe.supervision import Supervision
from dlkit.training.compiling import compile_model

TRUTH = np.array([[1, 2, 3, 0], [2, 0, 0, 0], [3, 3, 0, 0]], "int32")  # of four tokens; 0 is padding
LOGITS = np.random.default_rng(3).normal(size=(3, 4, 4)).astype("float32")


def measured(batch_size: int) -> dict[str, float]:
    x = keras.Input((4, 4))
    model = keras.Model(x, keras.layers.Identity()(x))
    loss = Component("loss", "SparseCategoricalCrossentropy", {"from_logits": True, "ignore_class": 0})
    metrics = (
        Component("metric", "SparseCategoricalAccuracy", {"name": "token_accuracy"}),
        Component("metric", "SparseCategoricalCrossentropy", {"name": "surprise"}),
    )
    held = Supervision("caption", loss, metrics, logits=True, forced="words")
    compile_model(model, {"caption": held}, None)
    return model.evaluate(LOGITS, TRUTH, batch_size=batch_size, verbose=0, return_dict=True)


@pytest.mark.parametrize("batch_size", [3, 2])
def test_every_token_counts_the_same_and_padding_does_not(batch_size: int) -> None:
    logs = LOGITS - np.log(np.exp(LOGITS).sum(axis=-1, keepdims=True))
    surprise = -np.take_along_axis(logs, TRUTH[..., None], axis=-1)[..., 0]
    tokens = TRUTH != 0
    found = measured(batch_size)
    assert found["token_accuracy"] == pytest.approx((LOGITS.argmax(-1) == TRUTH)[tokens].mean(), abs=1e-6)
    assert found["surprise"] == pytest.approx(surprise[tokens].mean(), rel=1e-5)
    # The loss is the mean over the tokens of each batch; Keras weighs batches by their examples.
    rows = [slice(start, start + batch_size) for start in range(0, 3, batch_size)]
    of_batches = [surprise[part][tokens[part]].mean() for part in rows]
    assert found["loss"] == pytest.approx(np.average(of_batches, weights=[len(TRUTH[part]) for part in rows]), rel=1e-5)
