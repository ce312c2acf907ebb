"""What a script is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dlkit.eject.code import Code
from dlkit.eject.copied import Copies
from dlkit.recipe.facts import Feature
from dlkit.recipe.graph import Tensor
from dlkit.recipe.load import Recipe
from dlkit.training.stage import Planned


@dataclass(frozen=True, slots=True)
class Subject:
    """A recipe that has met its data, and the script that is made of it.

    Args:
        recipe: With the facts of the features as the network takes them.
        raw_features: What is known of the features before they are preprocessed.
        outputs: The outputs of the network by target.
        stages: The trainings that follow one another; one where the recipe has no stages.
        best: The metric by which the best epoch of the last stage is chosen, and its direction.
        saved: The files of the saved models that are layers, by what the recipe has for them.
        folds: How many folds are trained one after another, where the recipe asks for all.
        copies: What the script holds of dlkit's own.
        constants: What stands at its top, by name.
    """

    recipe: Recipe
    raw_features: Mapping[str, Feature]
    outputs: Mapping[str, Tensor]
    stages: Sequence[Planned]
    best: tuple[str, str]
    saved: Mapping[str, Path] = field(default_factory=dict)
    folds: int | None = None
    copies: Copies = field(default_factory=Copies)
    constants: dict[str, Code] = field(default_factory=dict)

    @property
    def features(self) -> tuple[str, ...]:
        """The features that the network takes."""
        return self.recipe.model.inputs

    @property
    def targets(self) -> tuple[str, ...]:
        """The targets that it learns."""
        return tuple(self.recipe.facts.targets)

    @property
    def preprocessed(self) -> tuple[str, ...]:
        """The features that layers prepare ahead of training."""
        return tuple(name for name in self.recipe.config.data.preprocess or {} if name in self.features)

    @property
    def scaled(self) -> tuple[str, ...]:
        """The targets whose loss is taken of scaled values."""
        return tuple(name for name in self.recipe.config.data.preprocess or {} if name in self.targets)

    @property
    def shares(self) -> int | None:
        """Of how many classes the target holds shares, since labels are mixed or smoothed."""
        (found, *_) = [each.shares for each in self.stages[0].supervisions.values()]
        return found

    def piece(self, module: str, name: str) -> str:
        """Takes over a function or class of `dlkit.eject.pieces`; gives its name."""
        return self.copies.take(f"dlkit.eject.pieces.{module}", name)
