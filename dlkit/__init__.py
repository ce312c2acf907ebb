"""dlkit: one YAML file describes a data set, an architecture and how to train it; dlkit trains it with Keras.

    import dlkit
    recipe = dlkit.load("fashion_mnist/cnn", {"training.epochs": 5})
    run = dlkit.train(recipe)          # run.model, run.metrics, run.evaluate(), run.predict(x)

Nothing heavy is imported before it is needed: TensorFlow comes with the first training.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from dlkit.recipe.registry import Range, register

if TYPE_CHECKING:
    from dlkit.recipe.load import load
    from dlkit.workflows.train import train

# Read by OpenBLAS when NumPy and SciPy load it. Its threads are to sleep when they have nothing to do: as it comes they keep
# the cores busy for 25 ms after every call, which TensorFlow's threads then wait for.
os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "4")

__version__ = "0.1.0"
__all__ = ["Range", "load", "register", "train"]

_HOMES = {"load": "dlkit.recipe.load", "train": "dlkit.workflows.train"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        import importlib

        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'dlkit' has no attribute {name!r}")
