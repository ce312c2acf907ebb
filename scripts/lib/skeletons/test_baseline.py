"""The baseline some_name against an answer by hand."""

from __future__ import annotations

import numpy as np

from dlkit.evaluation.baselines.some_name import some_name
from dlkit.evaluation.given import Given
from dlkit.recipe.facts import Target


def test_its_answer() -> None:
    given = Given({}, Target("number", (1,)), shape=(2, 1), learned=np.array([1.0, 2.0, 6.0]))
    np.testing.assert_allclose(some_name(given), [[3.0], [3.0]])
