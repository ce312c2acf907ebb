"""What the view some_name finds in a model that is known."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest

from dlkit.evaluation.views.some_name import some_name


def test_what_it_finds() -> None:
    dense = keras.layers.Dense(2, use_bias=False, name="dense")
    model = keras.Sequential([keras.Input((1,)), dense])
    dense.set_weights([np.array([[1.0, -3.0]])])
    subject: Any = SimpleNamespace(model=model)
    assert some_name(subject) == {"some_name": {"dense": pytest.approx(2.0)}}


def test_where_there_is_nothing() -> None:
    subject: Any = SimpleNamespace(model=keras.Sequential([keras.Input((1,)), keras.layers.ReLU()]))
    assert some_name(subject) == {}
