"""Measures a model on a split."""

from __future__ import annotations

from typing import Any

import keras

from dlkit.data.feed import telling_failures


def measure_split(model: keras.Model, split: Any, prefix: str) -> dict[str, float]:
    """The loss and the metrics of a compiled model over one pass.

    Args:
        split: What `Model.evaluate` takes.
        prefix: Goes before each name: `test` gives `test_accuracy`.

    Raises:
        DlkitError: Examples cannot be read.
    """
    with telling_failures(split):
        values = model.evaluate(split, verbose=0, return_dict=True)
    return {f"{prefix}_{name}": float(value) for name, value in values.items()}
