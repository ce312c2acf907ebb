"""What a script is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dlkit.eject.code import Code
from dlkit.eject.copied import Copies
from dlkit.recipe.facts import Feature
from dlkit.recipe.graph import Tensor
from dlkit.recipe.load import Recipe


@dataclass(frozen=True, slots=True)
class Subject:
    """A recipe that has met its data, and the script that is made of it.

    Args:
        recipe: With the facts of the features as the network takes them.
        raw_features: What is known of the features before they are preprocessed.
        outputs: The outputs of the network by target.
        best: The metric by which the best epoch is chosen, and its direction.
        copies: What the script holds of dlkit's own.
        constants: What stands at its top, by name.
    """

    recipe: Recipe
    raw_features: Mapping[str, Feature]
    outputs: Mapping[str, Tensor]
    best: tuple[str, str]
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

    def piece(self, module: str, name: str) -> str:
        """Takes over a function or class of `dlkit.eject.pieces`; gives its name."""
        return self.copies.take(f"dlkit.eject.pieces.{module}", name)
