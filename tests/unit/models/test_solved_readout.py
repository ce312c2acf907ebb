"""Solved readouts against scikit-learn, the machines that have them against plain NumPy."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.linear_model import Ridge

from dlkit.data.feed import Feed
from dlkit.errors import DlkitError
from dlkit.models.patterns.echo_state_network import EchoStateNetwork
from dlkit.models.patterns.extreme_learning_machine import ExtremeLearningMachine
from dlkit.models.solved_readout import SolvedReadout, answers_to_learn
from dlkit.recipe.load import load
from dlkit.training.backend import call_numpy
from dlkit.training.choice import choose_steps_per_execution
from dlkit.training.losses.readout_error import ReadoutError
from dlkit.workflows.preparation import build_model, prepare

DRAWN = np.random.default_rng(4)
X = DRAWN.normal(size=(50, 6)).astype("float32")
Y = (X[:, :2] ** 2 + 3).astype("float32")
CLASSES = (X[:, 0] + X[:, 1] > 0).astype("int32") + (X[:, 2] > 1)


def chain(size: int, units: int, **kwargs: Any) -> tuple[Any, Any]:
    inputs = keras.Input((size,))
    hidden = keras.layers.Dense(8, activation="tanh", trainable=False, bias_initializer="uniform", name="hidden")
    return inputs, keras.layers.Dense(units, kernel_initializer="zeros", name="readout")(hidden(inputs))


def fitted(model: SolvedReadout, x: Any, y: Any, validation: Any = None, weight: Any = None) -> dict[str, Any]:
    model.compile(keras.optimizers.SGD(0.0), loss=ReadoutError())
    model.call_numpy = call_numpy
    told: dict[str, Any] = {}
    keep = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: told.update(logs))
    model.fit(
        x, y, batch_size=16, sample_weight=weight, verbose=0, callbacks=[*model.own_callbacks(), keep],
        validation_data=validation,
    )  # fmt: skip
    return told


def hidden(model: keras.Model, x: np.ndarray) -> np.ndarray:
    layer = model.get_layer("hidden")
    return np.tanh(x.astype("float64") @ np.asarray(layer.kernel) + np.asarray(layer.bias))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("ridge", [0.01, 5.0])
def test_it_is_ridge_regression(ridge: float, weighted: bool) -> None:
    keras.utils.set_random_seed(1)
    model = SolvedReadout(*chain(6, 2), ridge=ridge)
    weight = DRAWN.random(50).astype("float32") if weighted else None
    told = fitted(model, X, Y, weight=weight)
    expected = Ridge(alpha=ridge).fit(hidden(model, X), Y, weight)
    np.testing.assert_allclose(model.get_layer("readout").kernel, expected.coef_.T, rtol=2e-5, atol=1e-5)
    np.testing.assert_allclose(model.get_layer("readout").bias, expected.intercept_, rtol=2e-5)
    left = np.square(expected.predict(hidden(model, X)) - Y).mean(axis=1)
    assert told["loss"] == pytest.approx(np.average(left, weights=weight), rel=1e-4)
    assert "ridge" not in told


def test_a_second_pass_finds_the_same() -> None:
    model = SolvedReadout(*chain(6, 2), ridge=0.1)
    fitted(model, X, Y)
    once = [np.array(weights) for weights in model.get_weights()]
    fitted(model, X, Y)
    for before, after in zip(once, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_steps_that_are_timed_before_a_pass_change_nothing() -> None:
    recipe = {
        "name": "test/timed",
        "data": {"source": "iris"},
        "model": {"extreme_learning_machine": {"units": 9}},
        "training": {"epochs": 1},
    }
    weights = []
    for timed in (False, True):
        keras.utils.set_random_seed(1)
        prepared = prepare(load(recipe))
        model = build_model(prepared).model
        train = prepared.splits.train
        if timed:
            model.compile(keras.optimizers.SGD(0.0), loss=ReadoutError())
            model.call_numpy = call_numpy
            choose_steps_per_execution(model, Feed(train, batch_size=16, seed=1))
        fitted(model, train.features["table"], next(iter(train.targets.values())))
        weights.append(model.get_layer("readout").get_weights())
    for alone, after in zip(*weights, strict=True):
        np.testing.assert_array_equal(alone, after)


def test_the_ridge_is_chosen_on_the_validation_examples() -> None:
    keras.utils.set_random_seed(2)
    ridges = [1e-9, 0.1, 1.0, 10.0, 1000.0]
    model = SolvedReadout(*chain(6, 2), ridge=ridges)
    noisy = Y[:20] + DRAWN.normal(size=(20, 2)).astype("float32")
    told = fitted(model, X[:20], noisy, validation=(X[20:], Y[20:]))
    before, after = hidden(model, X[:20]), hidden(model, X[20:])
    errors = [np.square(Ridge(alpha=each).fit(before, noisy).predict(after) - Y[20:]).mean() for each in ridges]
    assert told["ridge"] == ridges[int(np.argmin(errors))]
    assert told["ridge"] not in (ridges[0], ridges[-1])
    assert told["val_loss"] == pytest.approx(min(errors), rel=1e-4)


def test_classes_are_ones_among_minus_ones() -> None:
    keras.utils.set_random_seed(3)
    model = SolvedReadout(*chain(6, 3), ridge=0.1)
    fitted(model, X, CLASSES)
    expected = Ridge(alpha=0.1).fit(hidden(model, X), 2 * np.eye(3)[CLASSES] - 1)
    np.testing.assert_allclose(model.get_layer("readout").kernel, expected.coef_.T, rtol=1e-4, atol=1e-5)


def test_what_a_readout_is_to_answer() -> None:
    labels = np.array([[0, 1, 1], [1, 0, 0]])
    np.testing.assert_array_equal(answers_to_learn(keras.ops.array([2, 0]), (2, 3)), [[-1, -1, 1], [1, -1, -1]])
    np.testing.assert_array_equal(answers_to_learn(keras.ops.array([[2], [0]]), (2, 3)), [[-1, -1, 1], [1, -1, -1]])
    np.testing.assert_array_equal(answers_to_learn(keras.ops.array(labels), (2, 3)), 2 * labels - 1)
    np.testing.assert_array_equal(answers_to_learn(keras.ops.array([0.5, 2.0]), (2, 1)), [[0.5], [2.0]])
    steps = answers_to_learn(keras.ops.array([[1, 0], [0, 0]]), (2, 2, 2))
    np.testing.assert_array_equal(steps, [[[-1, 1], [1, -1]], [[1, -1], [1, -1]]])


def test_an_extreme_learning_machine_is_that_of_numpy() -> None:
    keras.utils.set_random_seed(5)
    model = ExtremeLearningMachine(*chain(6, 2), units=8, ridge=0.01)
    fitted(model, X, Y)
    rows = np.concatenate([hidden(model, X), np.ones((50, 1))], axis=1)
    weights = np.linalg.solve(rows.T @ rows + np.diag([0.01] * 8 + [0.0]), rows.T @ Y)
    np.testing.assert_allclose(model.predict(X, verbose=0), rows @ weights, rtol=1e-4)


@pytest.mark.parametrize("every_step", [False, True])
def test_an_echo_state_network_is_that_of_numpy(every_step: bool) -> None:
    from dlkit.models.layers.reservoir import Reservoir

    keras.utils.set_random_seed(6)
    series = DRAWN.random((30, 12, 1)).astype("float32")
    products = (series[:, 1:] * series[:, :-1])[:, 4:] if every_step else series[:, -1] * series[:, -2]
    washout = 5 if every_step else 0
    reservoir = Reservoir(20, leak=0.6, connections=5, return_sequences=every_step, washout=washout)
    inputs = keras.Input((12, 1))
    model = EchoStateNetwork(
        inputs, keras.layers.Dense(1, kernel_initializer="zeros")(reservoir(inputs)), units=20, ridge=1e-3
    )
    fitted(model, series, products)
    kernel, recurrent, bias = (np.asarray(each, "float64") for each in reservoir.get_weights())
    state, states = np.zeros((30, 20)), []
    for step in range(12):
        state = 0.4 * state + 0.6 * np.tanh(series[:, step] @ kernel + state @ recurrent + bias)
        states.append(state)
    kept = np.stack(states, axis=1)[:, washout:] if every_step else state
    expected = Ridge(alpha=1e-3).fit(kept.reshape(-1, 20), products.reshape(-1, 1)).predict(kept.reshape(-1, 20))
    np.testing.assert_allclose(model.predict(series, verbose=0).reshape(-1), expected.reshape(-1), atol=1e-4)


def test_a_radial_basis_function_network_is_ridge_regression_on_its_gaussians() -> None:
    """Of a recipe, whose k-means finds centers that are told apart by the network's own weights."""
    recipe = load(
        {
            "name": "test/rbf",
            "data": {"source": "iris", "preprocess": {"table": ["Normalization"]}},
            "model": {"radial_basis_function_network": {"units": 9, "width_scale": 1.5, "ridge": 0.2}},
            "training": {"epochs": 1},
        }
    )
    prepared = prepare(recipe)
    model = build_model(prepared).model
    train, test = (split.features["table"] for split in (prepared.splits.train, prepared.splits.test))
    (classes,) = prepared.splits.train.targets.values()
    fitted(model, train, classes)
    basis = model.get_layer("basis")
    centers, log_widths = (np.asarray(basis.get_layer(name).weights[0]) for name in ("centers", "log_widths"))

    def gaussians(x: np.ndarray) -> np.ndarray:
        return np.exp(-0.5 * cdist(x, centers, "sqeuclidean") / np.exp(2 * log_widths.T.astype("float64")))

    assert len(np.unique(centers, axis=0)) == 9
    expected = Ridge(alpha=0.2).fit(gaussians(train), 2 * np.eye(3)[classes] - 1)
    np.testing.assert_allclose(model.predict(test, verbose=0), expected.predict(gaussians(test)), atol=2e-5)
    # Centers and widths stay as k-means found them.
    assert model.trainable_weights == model.get_layer("readout").weights


def test_what_it_refuses() -> None:
    with pytest.raises(ValueError, match="Received: ridge=-1"):
        SolvedReadout(*chain(6, 2), ridge=-1)
    with pytest.raises(DlkitError, match="no single solution"):
        fitted(SolvedReadout(*chain(6, 2), ridge=0.0), np.zeros((5, 6), "float32"), Y[:5])
    with pytest.raises(DlkitError, match="values that are not numbers"):
        fitted(SolvedReadout(*chain(6, 2), ridge=1.0), np.full((5, 6), np.nan, "float32"), Y[:5])
    with pytest.raises(DlkitError, match="no data for validation"):
        fitted(SolvedReadout(*chain(6, 2), ridge=[0.1, 1.0]), X, Y)
