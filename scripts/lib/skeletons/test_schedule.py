"""The rates of some_name against its formula."""

from __future__ import annotations

import pytest

from dlkit.training.schedules.some_name import SomeName


def test_its_rates() -> None:
    schedule = SomeName(initial_learning_rate=0.2, decay_steps=4)
    assert [float(schedule(step)) for step in range(6)] == pytest.approx([0.2, 0.15, 0.1, 0.05, 0.0, 0.0])
