"""Stages: each is `training` with the changes that the stage says."""

from __future__ import annotations

from dlkit.recipe.diagnostics import Findings, Span
from dlkit.recipe.merge import merge
from dlkit.recipe.nodes import Mapping, Node, Sequence, inside, items_of
from dlkit.recipe.paths import Paths
from dlkit.recipe.slots import Section, fields
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


def check_epochs(root: Mapping, merged: list[Node], findings: Findings) -> None:
    """Notes a training without `epochs`: those of `training` serve every stage that has none of its own."""
    training = inside(root, "training")
    if not isinstance(training, Mapping):
        return
    if not merged:
        _check_epochs("training", training, root.entries["training"].key_span, findings)
    for number, (stage, written) in enumerate(zip(merged, items_of(training.get("stages")), strict=True)):
        if isinstance(stage, Mapping):
            _check_epochs(f"training.stages.{number}", stage, written.span, findings)


def _check_epochs(path: str, training: Mapping, span: Span, findings: Findings) -> None:
    is_misspelt = any(entry.key.removesuffix("+") not in fields(Stage) for entry in training)
    if "epochs" not in training and not is_misspelt:  # where a key is misspelt, this one is meant
        findings.error("missing-key", f"`{path}.epochs` is missing", span, "write `epochs: 10`")


def _own(stage: Node, whole: Node) -> Node:
    if not isinstance(stage, Mapping) or not isinstance(whole, Mapping):
        return stage
    written = {entry.key.removesuffix("+") for entry in stage} | set(stage.entries)
    return Mapping({entry.key: entry for entry in whole if entry.key in written}, stage.span)
