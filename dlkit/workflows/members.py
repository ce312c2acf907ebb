"""What the members of a group are trained from: the folds of a recipe, or its seeds. Nothing here needs TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dlkit.recipe.diagnostics import Diagnostic, RecipeError
from dlkit.recipe.load import Recipe


@dataclass(frozen=True, slots=True)
class Members:
    """The members of a group that is to be trained.

    Args:
        recipe: The recipe that they are made of.
        kind: What they are: `folds` or `seeds`.
        differing: What they differ in, as group.json holds it under their kind.
        recipes: The recipe of each, in order.
        labels: What each is called, as `fold 2 of 5`.
    """

    recipe: Recipe
    kind: str
    differing: int | list[int]
    recipes: Sequence[Recipe]
    labels: Sequence[str]

    @property
    def told(self) -> dict[str, Any]:
        """What group.json holds of them before any is trained."""
        return {"kind": self.kind, "recipe": self.recipe.name, self.kind: self.differing}

    @property
    def mean_of(self) -> dict[str, int]:
        """What their mean is of, as `{"seeds": 3}`."""
        return {self.kind: len(self.recipes)}


def folds_of(recipe: Recipe) -> Members:
    """One member for each fold: the recipe with `data.folds: {fold: K, of: N}`.

    Folds cut the test examples where the source has no test split and `data.test` asks for none: then every example is
    tested once. Otherwise they cut the validation examples, and the test examples are not looked at.

    Args:
        recipe: Its `data.folds` is a number.
    """
    count = recipe.config.data.folds
    if not isinstance(count, int):
        raise ValueError(f"`data.folds` of the recipe must be a number. Received: {count!r}")
    numbers = range(1, count + 1)
    recipes = [recipe.with_value({"fold": number, "of": count}, "data", "folds") for number in numbers]
    return Members(recipe, "folds", count, recipes, [f"fold {number} of {count}" for number in numbers])


def seeds_of(recipe: Recipe, count: int) -> Members:
    """One member for each seed: the recipe's own, and those after it.

    Raises:
        RecipeError: The recipe is trained in folds (`several-folds`), or there are not so many seeds after its own.
    """
    folds = recipe.config.data.folds
    if isinstance(folds, int):
        message = f"`{recipe.name}` is trained in {folds} folds, and its mean is that of the folds"
        cure = f"leave --seeds out, or take one fold: --set data.folds='{{fold: 1, of: {folds}}}'"
        raise RecipeError([Diagnostic("several-folds", message, recipe.span_of("data.folds"), cure)])
    seeds = list(range(recipe.config.seed, recipe.config.seed + count))
    labels = [f"seed {seed}, {number} of {count}" for number, seed in enumerate(seeds, start=1)]
    return Members(recipe, "seeds", seeds, [with_seed(recipe, seed) for seed in seeds], labels)


def with_seed(recipe: Recipe, seed: int) -> Recipe:
    """The recipe as `--set seed=K` makes it; as it is where it has that seed.

    Raises:
        RecipeError: It can be no seed.
    """
    return recipe if recipe.config.seed == seed else recipe.with_value(seed, "seed")


def members_of(recipe: Recipe, told: Mapping[str, Any]) -> Members | None:
    """The members of a group that was begun; None where they are of no kind that is known.

    Args:
        recipe: The recipe that the group keeps.
        told: What its group.json holds.
    """
    match told:
        case {"kind": "folds"}:
            return folds_of(recipe)
        case {"kind": "seeds", "seeds": [*seeds]}:
            return seeds_of(recipe, len(seeds))
    return None
