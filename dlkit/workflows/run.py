"""A run that is done, as Python sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dlkit.evaluation.diagnosis import Diagnosis
from dlkit.evaluation.evaluation import Evaluation
from dlkit.evaluation.expectation import Expectation
from dlkit.recipe.load import Recipe
from dlkit.runs.folder import RunFolder
from dlkit.workflows.recipe_file import recipe_of

if TYPE_CHECKING:
    import keras
    import numpy as np

Which = Literal["best", "last"]


@dataclass
class Run:
    """A run folder with its model.

    Args:
        folder: The folder.
        evaluation: What was measured on the test split.
        expectations: What the recipe's `expect` says of it.
        which: Whether `model` is the best one or the last.
        allow_plugins: Whether the recipe's plugins may be run.
    """

    folder: RunFolder
    evaluation: Evaluation = field(default_factory=Evaluation)
    expectations: list[Expectation] = field(default_factory=list)
    which: Which = "best"
    allow_plugins: bool = False

    @property
    def metrics(self) -> Mapping[str, float]:
        """What was measured on the test split, as `test_accuracy`."""
        return self.evaluation.metrics

    @cached_property
    def recipe(self) -> Recipe:
        """The recipe as it was run, with what is known of its data."""
        return recipe_of(self.folder, self.allow_plugins)

    @cached_property
    def model(self) -> keras.Model:
        """The best model (or the last, where `which` says so), which takes raw input."""
        from dlkit.workflows.predict import load_model

        return load_model(self.folder, self.recipe, self.which)

    @cached_property
    def diagnosis(self) -> list[Diagnosis]:
        """What the learning curves show; nothing where they are as they should be."""
        from dlkit.workflows.report import diagnosis

        if not self.folder.metrics.exists():  # as of a worker beside the chief, whose folder is gone
            return []
        return diagnosis(self.folder, self.recipe)

    def report(self) -> Path:
        """Writes report.html anew."""
        from dlkit.workflows.report import report_run

        report_run(self.folder, self.recipe, self.model)
        return self.folder.report

    def evaluate(self) -> dict[str, float]:
        """Measures the model on the test split again."""
        from dlkit.workflows.evaluate import evaluate

        return dict(evaluate(self.folder, which=self.which, allow_plugins=self.allow_plugins).metrics)

    def predict(self, x: Any) -> np.ndarray | dict[str, np.ndarray]:
        """What the model gives for raw input: an array of examples, or a mapping of arrays by feature."""
        return self.model.predict(x, verbose=0)
