"""Ways to train, against a calculation by hand: the loss of the first step, and the weights after some."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from dlkit.recipe.load import load
from dlkit.workflows.preparation import prepare
from dlkit.workflows.train import train


def recipe(training: dict[str, Any], dense: dict[str, Any] | None = None, **data: Any) -> dict[str, Any]:
    return {
        "name": "test/patterns",
        "data": {"source": "digits", "limit": 320, "validation": 0, **data},
        "model": {
            "sequential": [{"Rescaling": {"scale": 0.0625}}, "Flatten", {"Dense": {"units": 10, **(dense or {})}}]
        },
        "training": {"epochs": 1, "best": {"monitor": "loss"}, **training},
    }


STILL = {"optimizer": {"SGD": {"learning_rate": 1e-12}}}  # the weights stay what they are


def first_loss(written: dict[str, Any], folder: Path) -> tuple[float, np.ndarray, np.ndarray, keras.Model]:
    """The loss of a step over all examples; log-probabilities and labels of these; the model."""
    run = train(load(written), runs_dir=folder)
    (line,) = run.folder.read_metrics()
    split = prepare(load(written)).splits.train
    logits = run.model.predict(np.asarray(split.features["image"]), verbose=0).astype("float64")
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    assert line["step"] == 1  # full-batch
    return line["loss"], log_probabilities, np.asarray(split.targets["digit"]), run.model


def test_a_full_batch_is_one_step_of_all_examples(tmp_path: Path) -> None:
    loss, log_probabilities, labels, _ = first_loss(recipe(STILL, batch_size="all"), tmp_path)
    assert len(labels) == 320
    assert loss == pytest.approx(-log_probabilities[np.arange(320), labels].mean(), rel=1e-5)


def test_class_weights_weigh_the_loss(tmp_path: Path) -> None:
    weights = {str(digit): 1.0 + digit for digit in range(10)}
    written = recipe(STILL, batch_size="all", class_weight=weights)
    loss, log_probabilities, labels, _ = first_loss(written, tmp_path)
    assert loss == pytest.approx(-((1.0 + labels) * log_probabilities[np.arange(320), labels]).mean(), rel=1e-5)


def test_label_smoothing_of_class_numbers(tmp_path: Path) -> None:
    training = {**STILL, "loss": {"CategoricalCrossentropy": {"label_smoothing": 0.2}}}
    loss, log_probabilities, labels, _ = first_loss(recipe(training, batch_size="all"), tmp_path)
    smoothed = np.eye(10)[labels] * 0.8 + 0.02
    assert loss == pytest.approx(-(smoothed * log_probabilities).sum(axis=1).mean(), rel=1e-5)


def test_regularizers_are_part_of_the_loss(tmp_path: Path) -> None:
    dense = {"kernel_regularizer": {"L1L2": {"l1": 0.01, "l2": 0.1}}}
    loss, log_probabilities, labels, model = first_loss(recipe(STILL, dense, batch_size="all"), tmp_path)
    kernel = model.layers[-1].kernel.numpy().astype("float64")
    penalty = 0.01 * np.abs(kernel).sum() + 0.1 * np.square(kernel).sum()
    assert penalty > 0.1
    assert loss == pytest.approx(-log_probabilities[np.arange(320), labels].mean() + penalty, rel=1e-5)


def test_accumulated_gradients_are_those_of_the_larger_batch(tmp_path: Path) -> None:
    def weights(batch_size: int, accumulated: dict[str, int]) -> list[np.ndarray]:
        optimizer = {"SGD": {"learning_rate": 0.5, "momentum": 0.9, **accumulated}}
        run = train(load(recipe({"optimizer": optimizer, "epochs": 3}, batch_size=batch_size)), runs_dir=tmp_path)
        return keras.models.load_model(run.folder.last_model).get_weights()

    for small, large in zip(weights(8, {"gradient_accumulation_steps": 4}), weights(32, {}), strict=True):
        np.testing.assert_allclose(small, large, atol=2e-6)


def test_single_examples(tmp_path: Path) -> None:
    run = train(load(recipe({}, batch_size=1, limit=50)), runs_dir=tmp_path)
    assert run.folder.read_status().step == 50


def test_the_averages_are_what_is_validated_kept_and_tested(tmp_path: Path) -> None:
    """The average is taken by hand from the weights after each step."""
    momentum = 0.8
    optimizer = {"SGD": {"learning_rate": 0.5, "use_ema": True, "ema_momentum": momentum}}
    written = recipe({"optimizer": optimizer, "best": {"monitor": "val_loss"}}, batch_size=50, validation=70)
    plain = {"SGD": {"use_ema": False}}  # merged with the rest
    steps = []
    count_of_steps = prepare(load(written)).recipe.facts.steps_per_epoch or 0
    assert count_of_steps > 3
    for count in range(1, count_of_steps + 1):
        settings = {"training.optimizer": plain, "training.stop_after": {"steps": count}}
        run = train(load(written, settings), runs_dir=tmp_path)
        steps.append(keras.models.load_model(run.folder.last_model).get_weights()[0].astype("float64"))
    average = steps[0]  # Keras begins with the weights after the first step
    for kernel in steps[1:]:
        average = momentum * average + (1 - momentum) * kernel
    run = train(load(written), runs_dir=tmp_path)
    best, last = (keras.models.load_model(path) for path in (run.folder.best_model, run.folder.last_model))
    np.testing.assert_allclose(best.get_weights()[0], average, atol=1e-5)
    np.testing.assert_array_equal(best.get_weights()[0], last.get_weights()[0])
    split = prepare(load(written)).splits.validation
    best.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    measured = best.evaluate(np.asarray(split.features["image"]), np.asarray(split.targets["digit"]), verbose=0)
    assert run.folder.read_metrics()[0]["val_loss"] == pytest.approx(measured, rel=1e-5)
