"""JSON that every reader accepts: RFC 8259 has no NaN and no infinity, Python's `json` writes them all the same.

They are written as the strings ``"NaN"``, ``"Infinity"`` and ``"-Infinity"``, as Protocol Buffers' JSON mapping does
(https://protobuf.dev/programming-guides/json/). Floats are written with all the digits that give the same float back.
"""

from __future__ import annotations

import json
import math
from pathlib import PurePath
from typing import Any

NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def dumps(value: Any, indent: int | None = None) -> str:
    """The JSON text of plain Python values, NumPy scalars and arrays, and paths.

    Raises:
        TypeError: If a value has no form in JSON.
    """
    return json.dumps(_writable(value), indent=indent, ensure_ascii=False, allow_nan=False)


def number(value: Any) -> Any:
    """The float that a string of `NON_FINITE` stands for; any other value as it is."""
    return NON_FINITE.get(value, value) if isinstance(value, str) else value


def _writable(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else _name(value)
    if isinstance(value, dict):
        return {key: _writable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_writable(item) for item in value]
    if isinstance(value, PurePath):
        return str(value)
    if hasattr(value, "tolist"):
        return _writable(value.tolist())
    return value


def _name(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"
