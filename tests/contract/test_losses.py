"""What each of dlkit's own losses must do: its file in dlkit/training/losses, and an entry of `TAKES`, put it through this."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlkit.models.instantiate import instantiate
from dlkit.recipe.declarations import read_declarations
from dlkit.recipe.graph import Component

FOLDER = Path(__file__).resolve().parents[2] / "dlkit" / "training" / "losses"
NAMES = sorted(file.stem for file in FOLDER.glob("[!_]*.py"))

PROBABILITIES = np.array([[0.5, 0.5], [0.8, 0.1]], "float32")
LENGTHS = np.array([[0.95, 0.3, 0.05], [0.2, 0.6, 0.1]], "float32")
SCORES = np.array([[2, -1], [-3, math.log(0.5)]], "float32")
# Arguments, targets, outputs, and the loss of each example, calculated by hand.
TAKES: dict[str, list[tuple[dict[str, Any], np.ndarray, np.ndarray, list[float]]]] = {
    "adversarial_loss": [
        ({}, np.zeros((2, 3)), SCORES, [math.log(1 + math.exp(-2)) + math.log(1 + math.exp(-1)), math.log(1 + math.exp(3)) + math.log(1.5)]),
        ({"label_smoothing": 0.1}, np.zeros((2, 3)), SCORES, [math.log(1 + math.exp(-2)) + math.log(1 + math.exp(-1)) + 0.2, math.log(1 + math.exp(3)) + math.log(1.5) - 0.3]),
        ({"gradient_penalty": 10.0}, np.zeros((2, 3)), SCORES, [-3.0, math.log(0.5) + 3]),
    ],
    "margin_loss": [
        ({}, np.array([0, 1]), LENGTHS, [0.5 * 0.2**2, 0.3**2 + 0.5 * 0.1**2]),
        ({"present": 1.0, "absent_weight": 1.0}, np.array([[0], [1]]), LENGTHS, [0.05**2 + 0.2**2, 0.4**2 + 0.1**2]),
        # Shares of classes, as mixed labels have them.
        ({}, np.array([[0.5, 0.5, 0]] * 2), LENGTHS, [0.5 * 0.6**2 + 0.25 * (0.85**2 + 0.2**2), 0.5 * (0.7**2 + 0.3**2) + 0.25 * (0.1**2 + 0.5**2)]),
    ],
    "bernoulli_likelihood": [
        ({}, np.array([[1, 0], [0.25, 1]]), PROBABILITIES, [-2 * math.log(0.5), -0.25 * math.log(0.8) - 0.75 * math.log(0.2) - math.log(0.1)]),
        ({}, np.array([[[1], [0]], [[0], [0]]]), PROBABILITIES[..., None], [-2 * math.log(0.5), -math.log(0.2) - math.log(0.9)]),
    ],
    "gaussian_likelihood": [
        ({}, np.array([[1, 0], [0.8, 1.1]]), PROBABILITIES, [0.25 + math.log(2 * math.pi), 0.5 + math.log(2 * math.pi)]),
        ({"deviation": 0.1}, np.array([[0.5, 0.5], [0.8, 0.2]]), PROBABILITIES, [math.log(0.02 * math.pi), 0.5 + math.log(0.02 * math.pi)]),
    ],
    "perceptron_criterion": [({}, np.array([1, 1]), LENGTHS, [0.65, 0.0])],
    "quantization_error": [({}, np.zeros((2, 4), "float32"), np.array([[3, 1.5, 2], [0.5, 4, 9]], "float32"), [1.5, 0.5])],
    "readout_error": [
        ({}, np.array([0, 1]), LENGTHS, [(0.05**2 + 1.3**2 + 1.05**2) / 3, (1.2**2 + 0.4**2 + 1.1**2) / 3]),
        ({}, np.array([[0, 1, 1], [1, 0, 0]]), LENGTHS, [(1.95**2 + 0.7**2 + 0.95**2) / 3, (0.8**2 + 1.6**2 + 1.1**2) / 3]),
        ({}, np.array([[0.45, 0.3, 0.05], [0.2, 0.6, 1.1]]), LENGTHS, [0.5**2 / 3, 1 / 3]),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_the_declaration_names_the_file(name: str) -> None:
    (declared,) = read_declarations(FOLDER / f"{name}.py", "dlkit")
    assert (declared.spec.kind, declared.spec.name) == ("loss", name)
    assert declared.spec.summary.endswith(".")


@pytest.mark.parametrize("name", NAMES)
def test_its_numbers(name: str) -> None:
    for arguments, y_true, y_pred, expected in TAKES[name]:
        loss = instantiate(Component("loss", name, {**arguments, "reduction": "none"}))
        np.testing.assert_allclose(loss(y_true, y_pred), expected, rtol=1e-5)
        whole = instantiate(Component("loss", name, arguments))
        assert math.isclose(float(whole(y_true, y_pred)), np.mean(expected), rel_tol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_the_same_from_its_config(name: str) -> None:
    arguments, y_true, y_pred, _ = TAKES[name][-1]
    loss = instantiate(Component("loss", name, arguments))
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert float(again(y_true, y_pred)) == float(loss(y_true, y_pred))
    assert again.get_config() == loss.get_config()


@pytest.mark.parametrize("name", NAMES)
def test_its_slope_is_finite(name: str) -> None:
    for arguments, y_true, y_pred, _ in TAKES[name]:
        given = tf.Variable(y_pred)
        with tf.GradientTape() as tape:
            loss = instantiate(Component("loss", name, arguments))(y_true, given)
        assert np.isfinite(tape.gradient(loss, given)).all()
