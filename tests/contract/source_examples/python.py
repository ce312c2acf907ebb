"""A function of this file's own, as one that a user's module holds."""

import sys
from pathlib import Path
from types import ModuleType

import numpy as np


def waves(count: int = 90) -> tuple[np.ndarray, np.ndarray]:
    kinds = np.arange(count) % 3
    return np.sin(np.arange(8) * (1 + kinds[:, None])) + np.random.default_rng(1).normal(0, 0.1, (count, 8)), kinds


def arguments(folder: Path) -> dict[str, object]:
    module = ModuleType("example_of_python")
    vars(module)["waves"] = waves
    sys.modules[module.__name__] = module
    return {"function": "example_of_python:waves", "arguments": {"count": 99}}
