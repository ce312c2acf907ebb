"""The architecture some_name: what it is given, its arguments, and how many parameters it is known to have."""

from __future__ import annotations

from typing import Any

import numpy as np

PICTURES = np.random.default_rng(1).random((12, 16, 16, 2)).astype("float32")
TAKES: dict[str, tuple[Any, dict[str, Any]]] = {"some_name": (PICTURES, {"units": 8})}
# Without output layer: the architecture, its arguments, the shape of what it is given, the number of parameters.
PARAMETERS: list[tuple[str, dict[str, Any], tuple[int, ...], int]] = [
    ("some_name", {}, (28, 28, 1), 785 * 64),
]
