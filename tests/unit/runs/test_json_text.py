"""JSON that is JSON."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlkit.runs import json_text


def refuse(constant: str):
    raise AssertionError(f"{constant} is not JSON")


@given(st.floats())
def test_every_float_is_valid_json_and_comes_back(value: float):
    back = json_text.number(json.loads(json_text.dumps([value]), parse_constant=refuse)[0])
    assert back == value or (math.isnan(back) and math.isnan(value))


def test_nested_values_numpy_and_paths(tmp_path):
    value = {"a": (np.float32(0.5), np.int64(3), np.array([1.0, np.nan])), "b": {"c": -math.inf}, "d": tmp_path}
    assert json.loads(json_text.dumps(value), parse_constant=refuse) == {
        "a": [0.5, 3, [1.0, "NaN"]],
        "b": {"c": "-Infinity"},
        "d": str(tmp_path),
    }


def test_what_has_no_form_in_json_is_refused():
    with pytest.raises(TypeError):
        json_text.dumps({"a": object()})
