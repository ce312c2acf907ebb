"""What a recipe may ask of its data before the data is loaded."""

from __future__ import annotations

from collections.abc import Mapping as Values
from dataclasses import replace
from typing import TypeVar

from dlkit.recipe.column_groups import NoGroup, check_form, find_group, grouped
from dlkit.recipe.components import Components
from dlkit.recipe.diagnostics import Findings, did_you_mean, listing
from dlkit.recipe.facts import DataFacts, Feature
from dlkit.recipe.nodes import Mapping, Node, entries_of, inside, items_of, plain, text_of
from dlkit.recipe.paths import written_component

T = TypeVar("T")


def declared_facts(root: Mapping, components: Components, findings: Findings) -> DataFacts:
    """What the source declares, cut to the features and targets that the recipe chooses; unknown ones are noted.

    Of a feature that is preprocessed only the kind is known: the layers tell the rest when they are fitted.
    """
    name, body = written_component(inside(root, "data", "source"))
    told = plain(body)
    facts = components.source_facts(name or "", told if isinstance(told, dict) else {})
    defaults = {target: told for target, told in facts.targets.items() if told.default}
    features, targets = inside(root, "data", "features"), inside(root, "data", "targets")
    made = DataFacts(
        _grouped(features, facts.features, findings)
        if isinstance(features, Mapping)
        else _chosen(features, "feature", facts.features, facts.features, findings),
        _chosen(targets, "target", facts.targets, defaults, findings),
    )
    check_preprocess(root, made, findings)
    return replace(made, features={name: _opened(root, name, feature) for name, feature in made.features.items()})


def check_preprocess(root: Mapping, facts: DataFacts, findings: Findings) -> None:
    """Notes what `data.preprocess` names and the data does not have."""
    known = [*facts.features, *facts.targets]
    for entry in entries_of(inside(root, "data", "preprocess")):
        if facts.features and entry.key not in known:
            cure = did_you_mean(entry.key, known, f"it has {listing(known)}")
            findings.error("unknown-feature", f"the data has no feature `{entry.key}`", entry.key_span, cure)


def _opened(root: Mapping, name: str, feature: Feature) -> Feature:
    if inside(root, "data", "preprocess", name) is None:
        return feature
    return replace(feature, shape=None, vocabulary_size=None, columns=None, maximum=None)


def _grouped(node: Mapping, known: Values[str, Feature], findings: Findings) -> dict[str, Feature]:
    """The features that a mapping makes of columns: none, which is to say not known ones, where one is a mistake."""
    made = {}
    for entry in node:
        try:
            check_form(asked := plain(entry.node), known)
            if known:
                made[entry.key] = grouped(find_group(asked, known), known)
        except NoGroup as error:
            findings.error(
                "unknown-feature", f"`data.features.{entry.key}`: {error.message}", entry.node.span, error.cure
            )
    return made if len(made) == len(node) else {}


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
