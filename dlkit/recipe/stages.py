"""Stages: each is `training` with the changes that the stage says."""

from __future__ import annotations

from dlkit.recipe.merge import merge
from dlkit.recipe.nodes import Mapping, Node, Sequence, inside, items_of
from dlkit.recipe.paths import Paths
from dlkit.recipe.slots import Section
from dlkit.recipe.training_keys import Stage

STAGE = Section(Stage)


def merged_stages(root: Mapping, paths: Paths) -> list[Node]:
    """The stages of a recipe, each merged with its `training`; what is no mapping is left as it is."""
    training = inside(root, "training")
    if not isinstance(training, Mapping):
        return []
    base, stages = training.without("stages"), items_of(training.get("stages"))
    return [merge(base, stage, STAGE, paths) if isinstance(stage, Mapping) else stage for stage in stages]


def with_stages(root: Mapping, merged: list[Node]) -> Mapping:
    """The recipe with its stages as merging leaves them, each with the keys that it says itself."""
    training = inside(root, "training")
    stages = inside(training, "stages")
    if not isinstance(training, Mapping) or not isinstance(stages, Sequence) or not merged:
        return root
    items = [_own(stage, whole) for stage, whole in zip(stages.items, merged, strict=True)]
    return root.replaced("training", training.replaced("stages", Sequence(items, stages.span)))


def _own(stage: Node, whole: Node) -> Node:
    if not isinstance(stage, Mapping) or not isinstance(whole, Mapping):
        return stage
    written = {entry.key.removesuffix("+") for entry in stage} | set(stage.entries)
    return Mapping({entry.key: entry for entry in whole if entry.key in written}, stage.span)
