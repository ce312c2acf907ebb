"""What a recipe may ask of its data before the data is loaded."""

from __future__ import annotations

from collections.abc import Mapping as Values
from typing import TypeVar

from dlkit.recipe.components import Components
from dlkit.recipe.diagnostics import Findings, did_you_mean, listing
from dlkit.recipe.facts import DataFacts
from dlkit.recipe.nodes import Mapping, Node, inside, items_of, plain, text_of
from dlkit.recipe.paths import written_component

T = TypeVar("T")


def declared_facts(root: Mapping, components: Components, findings: Findings) -> DataFacts:
    """What the source declares, cut to the features and targets that the recipe chooses; unknown ones are noted."""
    name, body = written_component(inside(root, "data", "source"))
    told = plain(body)
    facts = components.source_facts(name or "", told if isinstance(told, dict) else {})
    defaults = {target: told for target, told in facts.targets.items() if told.default}
    features, targets = inside(root, "data", "features"), inside(root, "data", "targets")
    return DataFacts(
        _chosen(features, "feature", facts.features, facts.features, findings),
        _chosen(targets, "target", facts.targets, defaults, findings),
    )


def _chosen(
    node: Node | None, kind: str, known: Values[str, T], default: Values[str, T], findings: Findings
) -> dict[str, T]:
    """The features or targets that a list names: none, which is to say not known ones, where one of them is unknown."""
    if not items_of(node):
        return dict(default)
    chosen = {}
    for item in items_of(node):
        name = text_of(item) or ""
        if name in known:
            chosen[name] = known[name]
        elif known and name:
            cure = did_you_mean(name, known, f"it has {listing(known)}")
            findings.error(f"unknown-{kind}", f"the source has no {kind} `{name}`", item.span, cure)
    return chosen if len(chosen) == len(items_of(node)) else {}
