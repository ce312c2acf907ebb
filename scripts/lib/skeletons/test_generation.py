"""The measure some_name against a value by hand."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from dlkit.evaluation.generated import Generated
from dlkit.evaluation.generation.some_name import some_name


def test_its_value() -> None:
    network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, kernel_initializer="zeros")])
    real = np.array([[1.0, 5.0], [3.0, 5.0]], "float32")
    given = Generated(network, to_raw=lambda made: made, real=real, seed=1, load=lambda name: network)
    assert some_name(given) == pytest.approx(3.5)
