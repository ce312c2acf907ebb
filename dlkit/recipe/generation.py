"""Whether what a model generates can be measured as a recipe asks."""

from __future__ import annotations

from typing import Any

from dlkit.recipe.components import Components
from dlkit.recipe.diagnostics import Findings, Span, listing
from dlkit.recipe.graph import Graph
from dlkit.recipe.nodes import Mapping, Node, inside, items_of
from dlkit.recipe.paths import written_component

_TASK = "generation"  # of a pattern that does nothing else
WAYS_BACK = ("Rescaling",)  # layers of `data.preprocess` whose work can be undone


def check_generation(
    root: Mapping, model: Graph, declared: dict[str, Any], components: Components, findings: Findings
) -> None:
    """Notes measures of generated examples where nothing is generated, or what is cannot be brought back to raw data.

    Args:
        root: The recipe, references replaced.
        model: Its network.
        declared: What its pattern declares.
    """
    for item in items_of(inside(root, "evaluation", "metrics")):
        name, _ = written_component(item)
        if name is None:
            continue
        if components.find("generation", name) is None:
            if declared.get("task") == _TASK:
                message = f"`{name}` holds an answer against the truth, and this model only generates"
                cure = f"measure what it generates, by {listing(components.names('generation'))}"
                findings.error("unused-component", message, _name_span(item, name), cure)
            continue
        if "generates" not in declared:
            message = f"`{name}` measures what a pattern generates, and this model generates nothing"
            cure = "take it out, or use a pattern that does, as `variational_autoencoder`"
            findings.error("no-generator", message, _name_span(item, name), cure)
            continue
        for feature in model.inputs:
            for layer in items_of(inside(root, "data", "preprocess", feature)):
                kind, _ = written_component(layer)
                if kind is not None and kind not in WAYS_BACK:
                    message = f"`{name}` brings what is generated back to raw data, and {kind} cannot be undone"
                    cure = "preprocess with Rescaling, or take the metric out"
                    findings.error("no-way-back", message, _name_span(layer, kind), cure)


def _name_span(node: Node, name: str) -> Span:
    return node.entries[name].key_span if isinstance(node, Mapping) else node.span
