"""A picture of several characters, read by connectionist temporal classification."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image
from rapidfuzz.distance import Levenshtein

from dlkit.data.sources.captcha import captcha
from dlkit.recipe.diagnostics import RecipeError
from dlkit.recipe.load import load
from dlkit.runs.folder import RunFolder
from dlkit.workflows.check import check
from dlkit.workflows.ctc_steps import steps_needed
from dlkit.workflows.evaluate import evaluate
from dlkit.workflows.predict import predict
from dlkit.workflows.preparation import prepare
from dlkit.workflows.train import train

SOURCE = {"examples": 460, "characters": "234", "length": [2, 3], "width": 48, "height": 24}


def recipe(width_halvings: int = 2, units: int = 4) -> dict[str, Any]:
    network = {"filters": [8, 8, 16, 16], "convolutions": [1, 1, 1, 1], "units": [16], "width_halvings": width_halvings}
    return {
        "name": "test/ocr",
        "data": {"source": {"captcha": SOURCE}, "validation": 20, "test": 40, "batch_size": 20},
        "model": {"sequential": [{"Rescaling": {"scale": 1 / 255}}, {"crnn": network}, {"Dense": {"units": units}}]},
        "training": {"epochs": 8, "loss": "CTC", "optimizer": {"Adam": {"learning_rate": 0.01}}},
        "expect": {"test_exact_match": {"at_least": 0}},
    }


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return train(load(recipe()), runs_dir=tmp_path_factory.mktemp("runs")).folder


def words(logits: np.ndarray) -> list[str]:
    """The most likely class of each step, repeats collapsed, blanks dropped."""
    return ["".join(" 234"[key] for key, _ in groupby(row) if key) for row in logits.argmax(axis=-1)]


def test_it_learns_and_is_measured_by_whole_words(run: RunFolder) -> None:
    lines = [line for line in run.metrics.read_text().splitlines() if '"val_loss"' in line]
    assert len(lines) == 8
    metrics = evaluate(run).metrics
    assert metrics.keys() == {"test_loss", "test_exact_match", "test_edit_distance", "test_token_error_rate"}
    test = prepare(load(recipe())).raw.test
    assert test is not None
    said = words(np.asarray(keras.models.load_model(run.best_model)(np.asarray(test.features["image"]))))
    true = ["".join(" 234"[key] for key in row if key) for row in np.asarray(test.targets["text"])]
    distances = [Levenshtein.distance(*pair) for pair in zip(said, true, strict=True)]
    assert metrics["test_exact_match"] == np.mean(np.array(distances) == 0)
    assert metrics["test_edit_distance"] == np.mean(distances) < np.mean([len(word) for word in true])


def test_predict_reads_the_word_in_a_picture_with_its_probability(run: RunFolder, tmp_path: Path) -> None:
    pictures = captcha(**{**SOURCE, "seed": 9}).train.features["image"].read(np.arange(3))  # type: ignore[union-attr]
    for number, picture in enumerate(pictures):
        Image.fromarray(picture[..., 0]).save(tmp_path / f"{number}.png")
    told = [row.targets["text"] for row in predict(run, [tmp_path])]
    logits = np.asarray(keras.models.load_model(run.best_model)(pictures))
    assert [prediction.value for prediction in told] == words(logits)
    for prediction in told:
        assert prediction.probabilities is not None
        ((word, probability),) = prediction.probabilities.items()
        assert word == prediction.value and 0 < probability <= 1


def test_the_steps_that_sequences_need() -> None:
    sequences = np.array([[1, 2, 3, 0], [1, 1, 0, 0], [2, 2, 2, 2], [0, 0, 0, 0], [1, 2, 1, 0]])
    assert steps_needed(sequences).tolist() == [3, 3, 7, 0, 3]


def test_too_few_steps_are_told_before_the_training() -> None:
    check(load(recipe(width_halvings=3)))  # 6 steps for up to 3 characters, which may be alike: 5
    with pytest.raises(RecipeError) as told:
        check(load(recipe(width_halvings=4)))
    (diagnostic,) = told.value.diagnostics
    assert diagnostic.code == "too-few-steps"
    assert "has 3 steps, and the longest `text` needs 5" in diagnostic.message


def test_an_output_without_the_blank_is_told_as_soon_as_the_data_are_known() -> None:
    with pytest.raises(RecipeError) as told:
        check(load(recipe(units=3)))
    (diagnostic,) = told.value.diagnostics
    assert diagnostic.code == "loss-contradicts-output"
    assert "each of the 4 classes of `text`, the blank among them, and there are 3" in diagnostic.message
