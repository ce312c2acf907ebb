"""Globs over the names of layers, in `freeze`, `unfreeze` and `initial_weights`: each matches at least one layer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from dlkit.recipe.diagnostics import Findings, did_you_mean, listing
from dlkit.recipe.graph import Graph
from dlkit.recipe.nodes import Mapping, Node, Scalar, inside, items_of, text_of

WITH_LAYERS_INSIDE = ("run", "application")  # kinds of layers that are models
_WILDCARD = re.compile(r"[*?\[]")


def check_layer_globs(root: Mapping, graphs: Iterable[Graph], findings: Findings) -> None:
    """Notes globs that match no layer, where all layers are known."""
    networks = list(graphs)
    if not networks or not all(graph.complete for graph in networks):
        return
    names = [name for graph in networks for name in graph.layers]
    for glob in _globs(root):
        written = text_of(glob)
        if written is not None and not any(
            graph.matching([written]) or _reaches_in(written, graph) for graph in networks
        ):
            cure = did_you_mean(written, names, f"layers are called {listing(names, 6)}")
            findings.error("unknown-layer-name", f"no layer is called `{written}`", glob.span, cure)


def _reaches_in(glob: str, graph: Graph) -> bool:
    """Whether a glob may match a layer inside another one, as `backbone.conv*`: those are known once it is built."""
    head = _WILDCARD.split(glob)[0]
    models = (f"{name}." for name, layer in graph.layers.items() if layer.kind in WITH_LAYERS_INSIDE)
    return any(head.startswith(model) or (head != glob and model.startswith(head)) for model in models)


def _globs(root: Mapping) -> Iterator[Scalar]:
    training = inside(root, "training")
    holders = [training, *items_of(inside(training, "stages"))]
    lists: list[Node | None] = [inside(holder, "initial_weights", "layers") for holder in holders]
    lists += [inside(holder, key) for holder in holders for key in ("freeze", "unfreeze")]
    for node in lists:
        yield from (item for item in items_of(node) if isinstance(item, Scalar))
