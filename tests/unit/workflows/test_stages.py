"""Stages follow one another: each has schedules of its own length, and no order of the examples comes twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dlkit.data.order import Order
from dlkit.recipe.load import parse
from dlkit.workflows.train import train

RECIPE = """
name: test/stages
data: {source: digits, limit: 64, validation: 0, batch_size: 16}
model: {sequential: [{Rescaling: {scale: 1/16}}, Flatten, {Dense: {units: $data.classes}}]}
training:
  epochs: 5
  optimizer: {SGD: {learning_rate: {PolynomialDecay: {initial_learning_rate: 0.1, end_learning_rate: 0.0, decay_steps: {share: 1}}}}}
  stages: [{name: first, epochs: 1}, {name: second, epochs: 4}]
"""


def test_a_stage_has_its_own_schedule_and_goes_on_in_the_orders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    order = Order.epoch

    def noted(self: Order, number: int) -> np.ndarray:
        asked.append(number)
        return order(self, number)

    monkeypatch.setattr(Order, "epoch", noted)
    lines = train(parse(RECIPE), runs_dir=tmp_path).folder.read_metrics()
    assert [(line["stage"], line["epoch"]) for line in lines] == [("first", 1), *(("second", n) for n in range(1, 5))]
    # A straight line from 0.1 to 0 over the one epoch, then over the four.
    rates = [line["learning_rate"] for line in lines]
    assert rates == pytest.approx([0.0, 0.075, 0.05, 0.025, 0.0], abs=1e-6)
    assert set(asked) == set(range(5))
