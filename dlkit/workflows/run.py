"""A run that is done, as Python sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from dlkit.evaluation.expectation import Expectation
from dlkit.recipe.load import Recipe, load
from dlkit.runs.folder import RunFolder

if TYPE_CHECKING:
    import keras
    import numpy as np

Which = Literal["best", "last"]


@dataclass
class Run:
    """A run folder with its model.

    Args:
        folder: The folder.
        metrics: What was measured on the test split, as `test_accuracy`.
        expectations: What the recipe's `expect` says of it.
    """

    folder: RunFolder
    metrics: Mapping[str, float] = field(default_factory=dict)
    expectations: list[Expectation] = field(default_factory=list)
    which: Which = "best"

    @cached_property
    def recipe(self) -> Recipe:
        """The recipe as it was run."""
        return load(self.folder.recipe, allow_plugins=True)

    @cached_property
    def model(self) -> keras.Model:
        """The best model (or the last, where `which` says so), which takes raw input."""
        from dlkit.workflows.predict import load_model

        return load_model(self.folder, self.recipe, self.which)

    def evaluate(self) -> dict[str, float]:
        """Measures the model on the test split again."""
        from dlkit.workflows.evaluate import evaluate

        return evaluate(self.folder, which=self.which)

    def predict(self, x: Any) -> np.ndarray | dict[str, np.ndarray]:
        """What the model gives for raw input: an array of examples, or a mapping of arrays by feature."""
        return self.model.predict(x, verbose=0)
