"""Lists of layers: blocks and architectures opened in the place of their use, every repeat written out, every layer named."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from dlkit.recipe.blocks import ONLY_INPUT, block_arguments, block_inputs, block_spec
from dlkit.recipe.bounds import DEEPEST_LAYERS, MOST_LAYERS, MOST_LAYERS_OPENED, Work
from dlkit.recipe.calls import UNKNOWN, CallReader, Scope, Use
from dlkit.recipe.catalogue import Argument, ComponentSpec
from dlkit.recipe.check import Checker
from dlkit.recipe.components import Components, load_component
from dlkit.recipe.declarations import Declaration
from dlkit.recipe.diagnostics import Findings, Span, did_you_mean, listing
from dlkit.recipe.graph import Call, Component, Tensor
from dlkit.recipe.layer_names import names_of, with_names_inside, written_name
from dlkit.recipe.nodes import (
    Mapping,
    Node,
    Scalar,
    Sequence,
    from_plain,
    inside,
    is_unknown,
    items_of,
    kind_name,
    plain,
    scalars,
    text_of,
)
from dlkit.recipe.other_recipes import QUICK, RUN_ARGUMENTS
from dlkit.recipe.paths import item_name
from dlkit.recipe.references import Local, References
from dlkit.recipe.slots import LAYER, LAYER_WORDS, NETWORKS

_RUN = re.compile(r"(recipe|run):\S+")
_REUSE = ComponentSpec(
    "reuse", "reuse", "", {"layer": Argument("layer", "str", required=True), "from": Argument("from", "any")}
)


class TooManyLayers(Exception):
    """A network that cannot be opened to its end; `span` is where it stopped."""

    def __init__(self, message: str, span: Span, code: str = "too-many-layers") -> None:
        super().__init__(message)
        self.message = message
        self.span = span
        self.code = code


@dataclass(slots=True)
class LayerReader:
    """Opens the lists of layers of one network.

    Args:
        blocks: The recipe's `blocks`, references not yet replaced.
        allow_plugins: Whether an architecture of a plugin may be run to tell its layers.
        work: What was opened for the recipe before.
        cycles: The circles of blocks that were told already.
    """

    components: Components
    findings: Findings
    references: References
    checker: Checker
    blocks: Mapping
    allow_plugins: bool
    work: Work
    cycles: set[frozenset[str]]
    opened: int = 0

    @property
    def calls(self) -> CallReader:
        """Finds out what layers are called on."""
        return CallReader(self.findings)

    def entries(self, node: Node | None, span: Span, key: str) -> list[Node]:
        """The layers under a key; notes where there is no list of layers."""
        if isinstance(node, Sequence):
            if not node.items:
                self.findings.error("no-layers", f"`{key}` has no layers", node.span)
            return node.items
        if not is_unknown(node):
            message = f"`{key}` takes a list of layers, not {kind_name(node)}"
            cure = "each layer is an item: `- Dense: {units: 10}`"
            self.findings.error("wrong-type", message, span if node is None else node.span, cure)
        return []

    def read(self, entries: list[Node], scope: Scope) -> Tensor | None:
        """Opens a list of layers, each on the output of the one before it; returns the last output.

        Raises:
            TooManyLayers: There are more than a network may have.
        """
        scope.explicit = {name for entry in entries if (name := item_name(entry))}
        for node in entries:
            scope.previous = self._entry(node, scope) or self._lost(node, scope)
        return scope.previous

    def _lost(self, node: Node, scope: Scope) -> Tensor:
        """What stands in for an entry with a mistake: its name is known, so that a `from` on it is no second one."""
        scope.graph.complete = False
        name = item_name(node)
        if name:
            scope.names.setdefault(name, UNKNOWN)
        return UNKNOWN

    def _entry(self, node: Node, scope: Scope) -> Tensor | None:
        if is_unknown(node):
            return None
        word, body = self.checker.named(node, LAYER.kinds)
        if word is None:
            self.checker.no_component(node, LAYER)
            return None
        self._count(node.span)
        span = node.entries[word].key_span if isinstance(node, Mapping) else node.span
        if word == "reuse":
            return self._reuse(body, span, scope)
        use = Use(word, body, span, written_name(inside(body, "name"), self.findings), self._source(body, scope))
        use = replace(use, repeat=self._times(inside(body, "repeat")))
        made, source = scope.previous, use.source
        for name in names_of(use, word.removesuffix(QUICK), scope, self.findings):
            made = self._opened(replace(use, name=name, layer=name, source=source), scope)
            if made is None:
                return None
            scope.previous = made
            source = _chained(use.source, name, use.span)
        return made or UNKNOWN

    def _count(self, span: Span) -> None:
        self.opened += 1
        self.work.layers += 1
        if self.opened > MOST_LAYERS:
            raise TooManyLayers(f"the network has more than {MOST_LAYERS:,} layers", span)
        if self.work.layers > MOST_LAYERS_OPENED:
            message = f"the recipe has more than {MOST_LAYERS_OPENED:,} layers, all its networks and variants together"
            raise TooManyLayers(message, span)

    def _source(self, body: Node | None, scope: Scope) -> Node | None:
        """What `from` says, where it has a place."""
        source = inside(body, "from")
        if source is not None and scope.is_chain:
            assert isinstance(body, Mapping)
            message = "`from` has no place in `sequential`: each layer takes the one before it"
            cure = "write a `functional` network"
            self.findings.error("from-in-sequential", message, body.entries["from"].key_span, cure)
            return None
        return source

    def _times(self, node: Node | None) -> int:
        """How often an entry is chained; once where that is not known, or mistaken."""
        if node is None:
            return 1
        self.checker.values.check(node, LAYER_WORDS["repeat"], "a layer")
        times = node.value if isinstance(node, Scalar) and node.known else 1
        return times if isinstance(times, int) and not isinstance(times, bool) and 0 <= times <= MOST_LAYERS else 1

    def _reuse(self, body: Node | None, span: Span, scope: Scope) -> Tensor | None:
        """Calls a layer, or everything in a block, again on something else: the weights are shared."""
        self.checker.arguments(body, _REUSE, span, ("name",))
        layer = inside(body, "layer")
        word = text_of(layer)
        if layer is None or word is None:
            return None
        use = scope.uses.get(word)
        if use is None:
            if scope.graph.complete or word not in scope.names:
                cure = did_you_mean(word, scope.uses, f"known here: {listing(scope.uses)}" if scope.uses else "")
                self.findings.error("unknown-from", f"there is no layer `{word}` to reuse here", layer.span, cure)
            return None
        again = replace(use, span=span, name=written_name(inside(body, "name"), self.findings), repeat=1)
        name = next(names_of(again, word, scope, self.findings))
        return self._opened(replace(again, name=name, source=self._source(body, scope)), scope)

    def _opened(self, use: Use, scope: Scope) -> Tensor | None:
        """One layer, or what a block, an architecture or a network inside stands for."""
        self._count(use.span)
        assert use.name is not None
        scope.uses[use.name] = use
        if use.word in self.blocks:
            return self._block(use, scope)
        if use.word == "sequential":
            return self._inside(self.entries(use.body, use.span, "sequential"), [ONLY_INPUT], use, scope)
        if use.word in NETWORKS:
            message = f"a `{use.word}` network cannot be a layer of another"
            self.findings.error("network-in-network", message, use.span, "write it as a block with `inputs`")
            return None
        if _RUN.fullmatch(use.word):
            return self._layer(ComponentSpec("run", use.word, "", RUN_ARGUMENTS), use, scope)
        known = [entry.key for entry in self.blocks]
        spec = self.checker.find(use.word, LAYER.kinds, use.span, known)
        if spec is None:
            scope.graph.complete = False
            return scope.add(use.name)
        return self._architecture(spec, use, scope) if spec.kind == "architecture" else self._layer(spec, use, scope)

    def _layer(self, spec: ComponentSpec, use: Use, scope: Scope) -> Tensor:
        assert use.name is not None
        called, layer = scope.prefix + use.name, scope.owner + use.layer
        arguments = self.checker.arguments(use.body, spec, use.span, LAYER_WORDS)
        first, named = self.calls.arguments(spec, use, scope)
        if layer not in scope.graph.layers:
            component = Component(spec.kind, use.word, arguments, use.span)
            scope.graph.layers[layer] = with_names_inside(component, layer)
        scope.graph.calls.append(Call(called, layer, first, named))
        return scope.add(use.name)

    def _block(self, use: Use, scope: Scope) -> Tensor | None:
        block = self.blocks.get(use.word)
        if use.word in scope.blocks:
            self._cycle([*scope.blocks, use.word], use)
            return None
        layers = inside(block, "layers")
        if layers is None:
            return None
        self.checker.arguments(use.body, block_spec(use.word, block), use.span, LAYER_WORDS)
        entries = items_of(self.references.resolve(layers, self._bound(block, use)))
        return self._inside(entries, block_inputs(block), use, scope)

    def _bound(self, block: Node | None, use: Use) -> Local:
        """The arguments of a block as one use gives them; a default may name the arguments before it."""
        bound: dict[str, Node | None] = {}
        for key, default in block_arguments(block).items():
            given = inside(use.body, key)
            bound[key] = given if given is not None or default is None else self.references.resolve(default, bound)
        return bound

    def _cycle(self, blocks: list[str], use: Use) -> None:
        """Notes a circle of blocks once, wherever it was entered."""
        circle = blocks[blocks.index(use.word) :]
        if frozenset(circle) not in self.cycles:
            self.cycles.add(frozenset(circle))
            message = f"the block `{use.word}` uses itself: {' -> '.join(circle)}"
            self.findings.error("block-cycle", message, use.span)

    def _architecture(self, spec: ComponentSpec, use: Use, scope: Scope) -> Tensor | None:
        """An architecture gives the layers that a recipe would write in its place."""
        assert use.name is not None
        mistakes = Findings(incomplete=self.findings.incomplete)
        replace(self.checker, findings=mistakes).arguments(use.body, spec, use.span, LAYER_WORDS)
        for mistake in mistakes.found.values():
            self.findings.add(mistake)
        declaration = self.components.declaration("architecture", use.word)
        assert declaration is not None
        runs = self.allow_plugins or declaration.origin != "plugin"
        if mistakes.found or not runs or any(map(is_unknown, scalars(use.body))):
            scope.graph.complete = False
            return scope.add(use.name)
        layers = self._told_by(declaration, use)
        if layers is None:
            return None
        inputs = declaration.declared.get("inputs") or [ONLY_INPUT]
        return self._inside(self.entries(layers, use.span, use.word), list(inputs), use, scope)

    def _told_by(self, declaration: Declaration, use: Use) -> Node | None:
        """The layers that the function of an architecture returns."""
        given = plain(use.body) if isinstance(use.body, Mapping) else {}
        arguments = {key: value for key, value in given.items() if key not in LAYER_WORDS}
        try:
            return from_plain(load_component(declaration)(**arguments), use.span)
        except Exception as error:  # the code of a plugin or package may raise anything
            if declaration.origin == "dlkit" and not isinstance(error, ValueError):
                raise
            self.findings.error("wrong-arguments", f"{use.word}: {error}", use.span)
            return None

    def _inside(self, entries: list[Node], inputs: list[str], use: Use, scope: Scope) -> Tensor | None:
        """Puts the layers of a block in the place of its use."""
        if scope.depth >= DEEPEST_LAYERS:
            message = f"blocks and networks are nested more than {DEEPEST_LAYERS} deep"
            raise TooManyLayers(message, use.span, "too-deep")
        assert use.name is not None
        given = self.calls.inputs(inputs, use, scope)
        inner = Scope(
            scope.graph,
            f"{scope.prefix}{use.name}.",
            f"{scope.owner}{use.layer}.",
            dict(given),
            previous=given[inputs[0]],
            blocks=(*scope.blocks, use.word) if use.word in self.blocks else scope.blocks,
            depth=scope.depth + 1,
        )
        last = self.read(entries, inner)
        for word, tensor in inner.names.items():
            if word not in given:
                scope.add(f"{use.name}.{word}", tensor)
        for word, inner_use in inner.uses.items():
            scope.uses[f"{use.name}.{word}"] = replace(inner_use, layer=f"{use.layer}.{inner_use.layer}")
        made = scope.add(use.name, last)
        scope.parts[use.name] = (given[inputs[0]], made)
        return made


def _chained(source: Node | None, name: str, span: Span) -> Node | None:
    """What a repeat takes: the one before it, in the place of the first of what the first repeat took."""
    before = Scalar(name, span)
    match source:
        case Mapping() if len(source):
            return source.replaced(next(iter(source)).key, before)
        case Sequence(items=[_, *rest]):
            return Sequence([before, *rest], source.span)
    return None if source is None else before
