"""Networks: `sequential`, `functional` and architectures, read into graphs of named layers and calls."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from dlkit.recipe.blocks import ONLY_INPUT, block_arguments, block_inputs
from dlkit.recipe.bounds import Work
from dlkit.recipe.calls import UNKNOWN, Scope
from dlkit.recipe.catalogue import ComponentSpec
from dlkit.recipe.check import Checker
from dlkit.recipe.components import Components
from dlkit.recipe.declarations import Declaration
from dlkit.recipe.diagnostics import Findings, Span, did_you_mean, listing
from dlkit.recipe.graph import Component, Graph, Tensor
from dlkit.recipe.keys import Functional
from dlkit.recipe.layers import LayerReader, TooManyLayers
from dlkit.recipe.nodes import (
    Entry,
    Mapping,
    Node,
    Scalar,
    Sequence,
    entries_of,
    from_plain,
    inside,
    is_unknown,
    items_of,
    kind_name,
    text_of,
)
from dlkit.recipe.paths import written_component
from dlkit.recipe.references import References
from dlkit.recipe.slots import LAYER_WORDS, NETWORK, alternatives, fields

_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_ARGUMENT = re.compile(r"[A-Za-z_]\w*")
_TAKES_NAMES_OF_BLOCKS = ("layer", "architecture", "network", "application", "pattern")

Features = tuple[str, ...] | None  # that may be inputs; None where they are not known


@dataclass(slots=True)
class NetworkReader:
    """Reads the networks of one recipe.

    Args:
        blocks: The recipe's `blocks`, references not yet replaced.
        allow_plugins: Whether an architecture of a plugin may be run to tell its layers.
        work: What was opened for the recipe before.
    """

    components: Components
    findings: Findings
    references: References
    checker: Checker
    blocks: Mapping
    allow_plugins: bool
    work: Work
    cycles: set[frozenset[str]] = field(default_factory=set)

    def read(self, node: Node, features: Features) -> Graph:
        """The graph of a network; mistakes are noted.

        Args:
            features: The features of the data, where the network takes those; those of a pattern may take others.
        """
        graph = Graph()
        if is_unknown(node):
            graph.complete = False
            return graph
        name, body = self.checker.named(node, NETWORK.kinds)
        span = _name_span(node, name)
        try:
            if name is None:
                self._no_network(node)
            elif name == "functional":
                self._functional(body, graph, span, features)
            elif self.checker.find(name, NETWORK.kinds, span):
                self._chain(name, body, node, graph, span, features)
        except TooManyLayers as error:
            self.findings.error(error.code, error.message, error.span)
            graph.complete = False
        return graph

    def read_pattern(
        self, declaration: Declaration, body: Node | None, span: Span, features: Features
    ) -> tuple[Component, Graph]:
        """A pattern: its arguments, and the network that it declares with the networks it is given.

        Args:
            declaration: Its `layers` are written as a recipe's, its arguments as those of a block; a network that it
                is given stands among them as a block of the argument's name.
            body: What is written under its name.
            span: Of its name.
            features: The features of the data.
        """
        spec, graph = declaration.spec, Graph()
        made = Component("pattern", spec.name, self.checker.arguments(body, spec, span), span)
        self._take_one(graph, span, features)
        given = {name: inside(body, name) for name in spec.arguments}
        networks = {name: node for name, node in given.items() if node is not None and is_network(spec, name)}
        if any(argument.required and given[name] is None for name, argument in spec.arguments.items()):
            graph.complete = False  # what is missing was told
            return made, graph
        bound = {
            name: from_plain(argument.default, span) if (node := given[name]) is None else node
            for name, argument in spec.arguments.items()
            if name not in networks
        }
        blocks = Mapping(
            {**self.blocks.entries, **{name: Entry(name, node.span, _block(node)) for name, node in networks.items()}}
        )
        layers = replace(self._layers(), blocks=blocks)
        scope = Scope(graph)
        scope.previous = scope.add(graph.inputs[0])
        scope.names.setdefault(ONLY_INPUT, scope.previous)  # a declaration does not know the name of the feature
        entries = items_of(self.references.resolve(from_plain(declaration.declared["layers"], span), bound))
        try:
            last = layers.read(entries, scope)
        except TooManyLayers as error:
            self.findings.error(error.code, error.message, error.span)
            graph.complete, last = False, None
        if last is not None:
            graph.outputs[""] = last
        graph.parts = {name: scope.parts[name] for name in networks if name in scope.parts}
        return made, graph

    def _no_network(self, node: Node) -> None:
        if isinstance(node, Mapping) and len(node):
            message = (
                f"a network is one of `sequential`, `functional` or an architecture; found {listing(node.entries)}"
            )
            self.findings.error("several-components", message, list(node)[-1].key_span, "write one here")
            return
        cure = "write `sequential:` with a list of layers"
        self.findings.error("wrong-type", f"a network belongs here, not {kind_name(node)}", node.span, cure)

    def _layers(self) -> LayerReader:
        return LayerReader(
            self.components,
            self.findings,
            self.references,
            self.checker,
            self.blocks,
            self.allow_plugins,
            self.work,
            self.cycles,
        )

    def _chain(self, name: str, body: Node | None, node: Node, graph: Graph, span: Span, features: Features) -> None:
        """`sequential`, or an architecture in the place of a network: a chain of one entry."""
        self._take_one(graph, span, features)
        layers = self._layers()
        scope = Scope(graph, is_chain=name == "sequential")
        scope.previous = scope.add(graph.inputs[0])
        entries = layers.entries(body, span, name) if name == "sequential" else [node]
        last = layers.read(entries, scope)
        if last is not None and entries:
            graph.outputs[""] = last

    def _take_one(self, graph: Graph, span: Span, features: Features) -> None:
        """Has a network take the only feature there is."""
        if features is not None and len(features) > 1:
            message = f"a chain takes one feature, and the data has {listing(features)}"
            cure = f"choose one, as `data.features: [{features[0]}]`, or write a `functional` network"
            self.findings.error("several-features", message, span, cure)
        graph.inputs = features[:1] if features else ("input",)

    def _functional(self, body: Node | None, graph: Graph, span: Span, features: Features) -> None:
        known = fields(Functional)
        if not isinstance(body, Mapping):
            message = f"`functional` takes {listing(known)}, not {kind_name(body)}"
            self.findings.error("wrong-type", message, span)
            return
        unknown = [entry for entry in body if entry.key not in known]
        for entry in unknown:
            message, cure = f"`functional` has no key `{entry.key}`", did_you_mean(entry.key, known)
            self.findings.error("unknown-key", message, entry.key_span, cure)
        if unknown and not ("inputs" in body and "layers" in body):
            graph.complete = False  # one of them is meant for what is missing
            return
        graph.inputs = tuple(dict.fromkeys(self._features(body.get("inputs"), span, features)))
        layers = self._layers()
        scope = Scope(graph)
        for name in graph.inputs:
            scope.add(name)
        if len(graph.inputs) < 2:
            scope.previous = scope.names[graph.inputs[0]] if graph.inputs else UNKNOWN
        entries = layers.entries(body.get("layers"), span, "layers")
        last = layers.read(entries, scope)
        self._outputs(body.get("outputs"), scope, last if entries else None, layers)

    def _features(self, node: Node | None, span: Span, features: Features) -> Iterator[str]:
        has = f"the data has {listing(features)}" if features else ""
        if node is None:
            self.findings.error("missing-key", "`functional` needs `inputs`, a list of features", span, has)
        elif not items_of(node):
            message = f"`inputs` takes a list of features, not {kind_name(node)}"
            self.findings.error("wrong-type", message, node.span, has)
        for item in items_of(node):
            name = text_of(item)
            if name is None:
                message = f"the name of a feature belongs here, not {kind_name(item)}"
                self.findings.error("wrong-type", message, item.span, has)
                continue
            if features is not None and name not in features:
                message = f"the data has no feature `{name}`"
                self.findings.error("unknown-feature", message, item.span, did_you_mean(name, features, has))
            yield name

    def _outputs(self, node: Node | None, scope: Scope, last: Tensor | None, layers: LayerReader) -> None:
        pairs: list[tuple[str, Node]] = []
        match node:
            case None:
                if last is not None:
                    scope.graph.outputs[""] = last
            case Mapping():
                pairs = [(entry.key, entry.node) for entry in node]
            case Sequence():
                pairs = [(text_of(item) or "", item) for item in node.items]
            case Scalar():
                pairs = [("", node)]
        for target, item in pairs:
            tensor = layers.calls.tensor(item, scope)
            if tensor is not None:
                scope.graph.outputs[target] = tensor

    def check_blocks(self) -> None:
        """Notes mistakes in blocks, also in those that no network uses; one whose name is taken is used by none."""
        blocks = list(self.blocks)
        self.blocks = self.blocks.without(*(entry.key for entry in blocks if not self._may_be_called(entry)))
        for entry in blocks:
            self._check_arguments(entry)
            layers = inside(entry.node, "layers")
            if layers is None:
                continue  # a section as any other: told where those are checked
            reader = self._layers()
            opened = self.references.resolve(layers, dict.fromkeys(block_arguments(entry.node)))
            names = block_inputs(entry.node)
            scope = Scope(Graph(tuple(names)), blocks=(entry.key,))
            for name in names:
                scope.add(name)
            scope.previous = scope.names[names[0]]
            if not isinstance(opened, Sequence):
                continue
            try:
                reader.read(reader.entries(opened, layers.span, "layers"), scope)
            except TooManyLayers as error:
                self.findings.error(error.code, error.message, error.span)
                return  # the blocks that use this one would say the same

    def _may_be_called(self, entry: Entry) -> bool:
        """Whether a block's name is not that of something else; notes mistaken names."""
        taken = [kind for kind in self.components.kinds_taking(entry.key) if kind in _TAKES_NAMES_OF_BLOCKS]
        if taken:
            message = f"the block `{entry.key}` has the name of a known {taken[0]}"
            self.findings.error("name-taken", message, entry.key_span, "give it another name")
        elif not _NAME.fullmatch(entry.key):
            message = f"`{entry.key}` is no name for a block"
            self.findings.error("wrong-name", message, entry.key_span, "names of blocks are snake_case")
        return not taken

    def _check_arguments(self, entry: Entry) -> None:
        """Notes mistaken names of a block's arguments."""
        for argument in entries_of(inside(entry.node, "arguments")):
            if argument.key in (*LAYER_WORDS, "reuse"):
                message = f"a block cannot have an argument `{argument.key}`: it is dlkit's own word in a layer"
                self.findings.error("name-taken", message, argument.key_span, "give it another name")
            elif not _ARGUMENT.fullmatch(argument.key):
                message = f"`{argument.key}` is no name for an argument"
                cure = "a name is letters, digits and `_`"
                self.findings.error("wrong-name", message, argument.key_span, cure)


def is_network(spec: ComponentSpec, argument: str) -> bool:
    """Whether an argument of a pattern takes a network."""
    return "network" in alternatives(spec.arguments[argument].type)


def _block(network: Node) -> Mapping:
    """A network as the block of the same layers."""
    name, body = written_component(network)
    if name == "functional" and isinstance(body, Mapping):
        return Mapping({key: body.entries[key] for key in ("inputs", "layers") if key in body}, body.span)
    layers = body if name == "sequential" and body is not None else Sequence([network], network.span)
    return Mapping({"layers": Entry("layers", network.span, layers)}, network.span)


def _name_span(node: Node, name: str | None) -> Span:
    return node.entries[name].key_span if isinstance(node, Mapping) and name in node.entries else node.span
