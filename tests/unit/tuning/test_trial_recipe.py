"""What a trial is scored by: the objective where its model is kept, not where its training ended."""

from __future__ import annotations

import pytest

from dlkit.recipe.load import parse
from dlkit.tuning.trial_recipe import score_of

RECIPE = """
name: test/trial
data: {source: digits}
model: {sequential: [Flatten, {Dense: {units: 10}}]}
training: {epochs: 4, optimizer: {SGD: {learning_rate: 0.1}}%s}
tune:
  algorithm: {random: {trials: 3}}
  objective: %s
  space: {training.optimizer.learning_rate: {float: [1e-3, 1e-1], sampling: log}}
"""
LINES = [
    {"stage": "train", "epoch": 1, "val_accuracy": 0.5, "val_loss": 0.9},
    {"stage": "train", "epoch": 2, "val_accuracy": 0.8, "val_loss": 0.7},
    {"stage": "train", "epoch": 3, "val_accuracy": 0.7, "val_loss": 0.6},
    {"stage": "train", "epoch": 4, "val_accuracy": 0.6, "val_loss": 0.8},
]


@pytest.mark.parametrize(
    ("objective", "best", "score"),
    [
        ("val_accuracy", "", 0.8),
        ("val_loss", "", 0.6),
        ("val_accuracy", ", best: {monitor: val_loss}", 0.7),
    ],
)
def test_the_score_is_that_of_the_epoch_whose_model_is_kept(objective: str, best: str, score: float) -> None:
    assert score_of(LINES, parse(RECIPE % (best, objective))) == score
