"""Networks: layers, blocks, `from`, `reuse` and `repeat`, opened into a graph of named layers and calls."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from dlkit.recipe.calls import CallReader, Scope, Use
from dlkit.recipe.catalogue import Argument as ArgumentSpec
from dlkit.recipe.catalogue import ComponentSpec
from dlkit.recipe.check import Checker
from dlkit.recipe.components import Components, load_component
from dlkit.recipe.diagnostics import Findings, Span, did_you_mean, listing
from dlkit.recipe.graph import Call, Component, Graph, Tensor
from dlkit.recipe.nodes import Mapping, Node, Scalar, Sequence, from_plain, kind_name, plain
from dlkit.recipe.paths import item_name, written_component
from dlkit.recipe.references import References, is_open, is_unknown
from dlkit.recipe.registry import snake_case
from dlkit.recipe.slots import LAYER, LAYER_WORDS, NETWORKS

MOST_LAYERS = 10_000
MOST_BLOCKS_DEEP = 30
_RUN = re.compile(r"(recipe|run):\S+")
_BLOCK_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_TAKES_BLOCK_NAMES = ("layer", "architecture", "network", "application", "pattern")


@dataclass(slots=True)
class NetworkReader:
    """Reads the networks of one recipe.

    Args:
        blocks: The recipe's `blocks`, references to the recipe already replaced.
        features: The features of the data that may be inputs; None where they are not known.
    """

    components: Components
    findings: Findings
    references: References
    checker: Checker
    blocks: Mapping
    features: tuple[str, ...] | None
    allow_plugins: bool = False
    cycles: set[frozenset[str]] = field(default_factory=set)

    @property
    def calls(self) -> CallReader:
        """Finds out what layers are called on."""
        return CallReader(self.findings)

    def read(self, node: Node) -> Graph:
        """The graph of a network; mistakes are noted."""
        graph = Graph()
        name, body = written_component(node)
        if name is None:
            self.findings.error(
                "wrong-type",
                f"a network belongs here, not {kind_name(node)}",
                node.span,
                "write `sequential:` with a list of layers",
            )
        elif name == "functional":
            self._functional(body, graph, node.span)
        elif self.checker.find(name, ("network", "architecture"), _word_span(node, name)):
            self._chain(name, body, node, graph)
        return graph

    def _chain(self, name: str, body: Node | None, node: Node, graph: Graph) -> None:
        """`sequential`, or an architecture in the place of a network: a chain of one entry."""
        if self.features is not None and len(self.features) > 1:
            self.findings.error(
                "several-features",
                f"a chain takes one feature, and the data has {listing(self.features)}",
                _word_span(node, name),
                "choose one with `data.features`, or write a `functional` network",
            )
        graph.inputs = self.features[:1] if self.features else ("input",)
        scope = Scope(graph, chain_only=name == "sequential")
        scope.previous = scope.add(graph.inputs[0])
        last = self._layers(self._entries(body, node.span, name) if name == "sequential" else [node], scope)
        if last is not None:
            graph.outputs[""] = last

    def check_blocks(self) -> None:
        """Notes mistakes in blocks, also in those that no network uses."""
        for entry in self.blocks:
            taken = [kind for kind in self.components.kinds_of(entry.key) if kind in _TAKES_BLOCK_NAMES]
            if taken:
                self.findings.error(
                    "name-taken",
                    f"the block `{entry.key}` has the name of a known {taken[0]}",
                    entry.key_span,
                    "give it another name",
                )
            elif not _BLOCK_NAME.fullmatch(entry.key):
                self.findings.error(
                    "wrong-name",
                    f"`{entry.key}` is no name for a block",
                    entry.key_span,
                    "names of blocks are snake_case",
                )
            if isinstance(entry.node, Mapping):
                names = _block_inputs(entry.node)
                scope = Scope(
                    Graph(tuple(names)), local=dict.fromkeys(_block_arguments(entry.node)), blocks=(entry.key,)
                )
                for name in names:
                    scope.add(name)
                scope.previous = scope.names[names[0]]
                self._layers(self._entries(entry.node.get("layers"), entry.node.span, "layers"), scope)

    def _functional(self, body: Node | None, graph: Graph, span: Span) -> None:
        if not isinstance(body, Mapping):
            found = kind_name(body) if body else "nothing"
            self.findings.error("wrong-type", f"`functional` takes `inputs`, `layers` and `outputs`, not {found}", span)
            return
        known = ("inputs", "layers", "outputs")
        for entry in body:
            if entry.key not in known:
                self.findings.error(
                    "unknown-key",
                    f"`functional` has no key `{entry.key}`",
                    entry.key_span,
                    did_you_mean(entry.key, known),
                )
        graph.inputs = tuple(dict.fromkeys(self._feature_names(body.get("inputs"), span)))
        scope = Scope(graph)
        for name in graph.inputs:
            scope.add(name)
        scope.previous = scope.names[graph.inputs[0]] if len(graph.inputs) == 1 else None
        last = self._layers(self._entries(body.get("layers"), span, "layers"), scope)
        self._outputs(body.get("outputs"), scope, last)

    def _feature_names(self, node: Node | None, span: Span) -> Iterator[str]:
        has = f"the data has {listing(self.features)}" if self.features else ""
        if node is None:
            self.findings.error("missing-key", "`functional` needs `inputs`, a list of features", span, has)
            return
        if not isinstance(node, Sequence) or not node.items:
            self.findings.error(
                "wrong-type", f"`inputs` takes a list of features, not {kind_name(node)}", node.span, has
            )
            return
        for item in node.items:
            name = item.value if isinstance(item, Scalar) else None
            if not isinstance(name, str):
                self.findings.error(
                    "wrong-type", f"the name of a feature belongs here, not {kind_name(item)}", item.span, has
                )
                continue
            if self.features is not None and name not in self.features:
                self.findings.error(
                    "unknown-feature",
                    f"the data has no feature `{name}`",
                    item.span,
                    did_you_mean(name, self.features, has),
                )
            yield name

    def _outputs(self, node: Node | None, scope: Scope, last: Tensor | None) -> None:
        pairs: list[tuple[str, Node]] = []
        match node:
            case None:
                if last is not None:
                    scope.graph.outputs[""] = last
            case Mapping():
                pairs = [(entry.key, entry.node) for entry in node]
            case Sequence():
                pairs = [(str(plain(item)), item) for item in node.items]
            case Scalar():
                pairs = [("", node)]
        for target, item in pairs:
            tensor = self.calls.tensor(item, scope)
            if tensor is not None:
                scope.graph.outputs[target] = tensor

    def _entries(self, node: Node | None, span: Span, key: str) -> list[Node]:
        if isinstance(node, Sequence):
            if not node.items:
                self.findings.error("no-layers", f"`{key}` has no layers", node.span)
            return node.items
        found = kind_name(node) if node is not None else "nothing"
        self.findings.error(
            "wrong-type",
            f"`{key}` takes a list of layers, not {found}",
            node.span if node else span,
            "each layer is an item: `- Dense: {units: 10}`",
        )
        return []

    def _layers(self, entries: list[Node], scope: Scope) -> Tensor | None:
        """Opens a list of layers, each on the output of the one before it; returns the last output."""
        scope.explicit = {name for entry in entries if (name := item_name(entry))}
        for node in entries:
            opened = self.references.resolve(node, scope.local) if scope.local else node
            scope.previous = self._entry(opened, scope) or scope.previous
        return scope.previous

    def _entry(self, node: Node, scope: Scope) -> Tensor | None:
        word, body = self.checker.named(node, LAYER)
        if word is None:
            if not is_unknown(node):
                self.checker.no_component(node, LAYER)
            return None
        if word == "reuse":
            return self._reuse(node, body, scope)
        use = self._use(node, word, body, scope)
        if len(scope.graph.layers) + use.repeat > MOST_LAYERS:
            self.findings.error("too-many-layers", f"the network has more than {MOST_LAYERS:,} layers", use.span)
            return None
        made = scope.previous
        source = use.source
        for name in self._names_of(use, scope):
            made = self._opened(replace(use, name=name, source=source), name, scope)
            if made is None:
                return None
            scope.previous = made
            source = _chained(use.source, name, use.span)
        return made

    def _use(self, node: Node, word: str, body: Node | None, scope: Scope) -> Use:
        span = _word_span(node, word)
        written = body if isinstance(body, Mapping) else Mapping(span=span)
        name, repeat, source = (written.get(key) for key in ("name", "repeat", "from"))
        for key, found in (("name", name), ("repeat", repeat), ("from", source)):
            if found is not None:
                self.checker.leaf(found, LAYER_WORDS[key], "a layer")
        label = name.value if isinstance(name, Scalar) and isinstance(name.value, str) and not is_open(name) else None
        if name is not None and label is not None and (not label or re.search(r"[/\s*?\[\]]", label)):
            self.findings.error(
                "wrong-name",
                f"`{label}` is no name for a layer",
                name.span,
                "names have no blanks and none of / * ? [ ]",
            )
            label = None
        if source is not None and scope.chain_only:
            where = written.entries["from"].key_span
            self.findings.error(
                "from-in-sequential",
                "`from` has no place in `sequential`: each layer takes the one before it",
                where,
                "write a `functional` network",
            )
            source = None
        times = repeat.value if isinstance(repeat, Scalar) and isinstance(repeat.value, int) else 1
        return Use(word, body, span, label, source, min(max(times, 0), MOST_LAYERS))

    def _names_of(self, use: Use, scope: Scope) -> list[str]:
        """The name of each repeat; an automatic one is the first that is free, by Keras's rule."""
        if use.name is None:
            base = snake_case(re.sub(r"\W+", "_", use.word))
            numbered = (f"{base}_{n}" for n in itertools.count(1))
            free = filter(scope.is_free, numbered if use.repeat > 1 else itertools.chain([base], numbered))
            return list(itertools.islice(free, use.repeat))
        names = [use.name] if use.repeat == 1 else [f"{use.name}_{n}" for n in range(1, use.repeat + 1)]
        if any(name in scope.names or scope.prefix + name in scope.graph.layers for name in names):
            self.findings.error(
                "name-used-twice",
                f"the layer name `{use.name}` is used twice",
                use.span,
                "names are unique in a network",
            )
        return names

    def _opened(self, use: Use, name: str, scope: Scope) -> Tensor | None:
        """One layer, or what a block, an architecture or a network inside stands for."""
        if use.word in self.blocks:
            return self._block(use, name, scope)
        if use.word == "sequential":
            return self._open(self._entries(use.body, use.span, "sequential"), ["input"], scope.local, use, name, scope)
        if use.word in NETWORKS:
            self.findings.error(
                "network-in-network",
                "a `functional` network cannot be an entry of another",
                use.span,
                "write it as a block with `inputs`",
            )
            return None
        if _RUN.fullmatch(use.word):
            return self._layer(ComponentSpec("run", use.word, ""), use, name, scope)
        known = [entry.key for entry in self.blocks]
        spec = self.checker.find(use.word, ("layer", "architecture", "application"), use.span, known)
        if spec is None:
            scope.graph.complete = False
            return scope.add(name)  # known all the same, so that a `from` on it is no second mistake
        return (
            self._architecture(spec, use, name, scope)
            if spec.kind == "architecture"
            else self._layer(spec, use, name, scope)
        )

    def _layer(self, spec: ComponentSpec, use: Use, name: str, scope: Scope) -> Tensor:
        full = scope.prefix + name
        arguments = self.checker.arguments(use.body, spec, use.span, LAYER_WORDS)
        for key, value in arguments.items():
            # Layers inside a layer get names of their own too, the same in every process.
            if isinstance(value, Component) and value.kind == "layer" and "name" not in value.arguments:
                arguments[key] = replace(
                    value, arguments={**value.arguments, "name": f"{full}.{snake_case(value.name)}"}
                )
        first, named = self.calls.arguments(spec, use, scope)
        scope.graph.layers.setdefault(full, Component(spec.kind, use.word, arguments, use.span))
        scope.graph.calls.append(Call(full, full, first, named))
        return scope.add(name)

    def _block(self, use: Use, name: str, scope: Scope) -> Tensor | None:
        block = self.blocks.get(use.word)
        if use.word in scope.blocks or len(scope.blocks) >= MOST_BLOCKS_DEEP:
            self._cycle([*scope.blocks, use.word], use)
            return None
        if not isinstance(block, Mapping):
            return None
        declared = _block_arguments(block)
        required = [key for key, node in declared.items() if isinstance(node, Scalar) and node.value == "$required"]
        spec = ComponentSpec(
            "block", use.word, "", {key: ArgumentSpec(key, "any", required=key in required) for key in declared}
        )
        self.checker.arguments(use.body, spec, use.span, [word for word in LAYER_WORDS if word not in declared])
        given = use.body if isinstance(use.body, Mapping) else Mapping()
        local = {key: given.get(key) or (None if key in required else node) for key, node in declared.items()}
        return self._open(
            self._entries(block.get("layers"), block.span, "layers"), _block_inputs(block), local, use, name, scope
        )

    def _cycle(self, blocks: list[str], use: Use) -> None:
        """Notes a circle of blocks once, wherever it was entered."""
        circle = blocks[blocks.index(use.word) :]
        if frozenset(circle) not in self.cycles:
            self.cycles.add(frozenset(circle))
            self.findings.error("block-cycle", f"the block `{use.word}` uses itself: {' -> '.join(circle)}", use.span)

    def _architecture(self, spec: ComponentSpec, use: Use, name: str, scope: Scope) -> Tensor | None:
        """An architecture gives the layers that a recipe would write in its place."""
        before = len(self.findings.errors)
        arguments = self.checker.arguments(
            use.body, spec, use.span, [word for word in LAYER_WORDS if word not in spec.arguments]
        )
        declaration = self.components.declaration("architecture", use.word)
        assert declaration is not None
        runs = declaration.origin in ("dlkit", "package") or (declaration.origin == "plugin" and self.allow_plugins)
        if len(self.findings.errors) > before or not runs:
            scope.graph.complete = False
            return scope.add(name)
        try:
            entries = from_plain(load_component(declaration)(**arguments), use.span)
        except ValueError as error:
            self.findings.error("wrong-arguments", f"{use.word}: {error}", use.span)
            return None
        return self._open(self._entries(entries, use.span, use.word), ["input"], {}, use, name, scope)

    def _open(
        self, entries: list[Node], inputs: list[str], local: dict[str, Node | None], use: Use, name: str, scope: Scope
    ) -> Tensor | None:
        """Puts the layers of a block in the place of its use."""
        given = self.calls.inputs(inputs, use, scope)
        blocks = (*scope.blocks, use.word) if use.word in self.blocks else scope.blocks
        inner = Scope(scope.graph, f"{scope.prefix}{name}.", dict(given), given[inputs[0]], local, blocks=blocks)
        last = self._layers(entries, inner)
        if last is None:
            return None
        for word, tensor in inner.names.items():
            if word not in given:
                scope.add(f"{name}.{word}", tensor)
        return scope.add(name, last)

    def _reuse(self, node: Node, body: Node | None, scope: Scope) -> Tensor | None:
        """Calls a layer, or everything in a block, again: the weights are shared."""
        span = _word_span(node, "reuse")
        words = ("layer", "from", "name")
        layer = body.get("layer") if isinstance(body, Mapping) else None
        source = body.get("from") if isinstance(body, Mapping) else None
        if not isinstance(body, Mapping) or layer is None or source is None:
            self.findings.error(
                "missing-argument",
                "`reuse` needs `layer` and `from`",
                span,
                "write `reuse: {layer: encoder, from: right}`",
            )
            return None
        for entry in body:
            if entry.key not in words:
                cure = did_you_mean(entry.key, words, f"it has {listing(words)}")
                self.findings.error("unknown-argument", f"`reuse` has no argument `{entry.key}`", entry.key_span, cure)
        word = str(plain(layer))
        full = scope.prefix + word
        calls = [
            call
            for call in scope.graph.calls
            if call.name == call.layer and (call.layer == full or call.layer.startswith(f"{full}."))
        ]
        if not calls or word not in scope.names:
            self.findings.error(
                "unknown-from", f"there is no layer `{word}` to reuse here", layer.span, did_you_mean(word, scope.names)
            )
            return None
        name = item_name(node) or next(filter(scope.is_free, (f"{word}_{n}" for n in itertools.count(1))))
        if name in scope.names:
            self.findings.error(
                "name-used-twice", f"the name `{name}` is used twice", span, "names are unique in a network"
            )
        moved = self._new_inputs(calls, source, scope, word)
        for call in calls:
            called = scope.prefix + name + call.layer[len(full) :]
            moved[call.name] = Tensor(called)
            named = {key: _moved(value, moved) for key, value in call.named.items()}
            scope.graph.calls.append(Call(called, call.layer, _moved(call.first, moved), named))
        return scope.add(name, _moved(scope.names[word], moved))

    def _new_inputs(self, calls: list[Call], source: Node, scope: Scope, word: str) -> dict[str, Tensor]:
        """Maps what a layer or block was called on, in order, to what it is called on now."""
        inside = {call.name for call in calls}
        values = [value for call in calls for value in (call.first, *call.named.values())]
        flat = [tensor for value in values for tensor in (value if isinstance(value, tuple) else (value,))]
        before = list(
            dict.fromkeys(tensor.call for tensor in flat if isinstance(tensor, Tensor) and tensor.call not in inside)
        )
        match source:
            case Mapping():
                items = [entry.node for entry in source]
            case Sequence():
                items = source.items
            case _:
                items = [source]
        if len(items) != len(before):
            self.findings.error("wrong-inputs", f"`{word}` takes {len(before)} tensors, not {len(items)}", source.span)
        found = [self.calls.tensor(item, scope) for item in items]
        return {old: new for old, new in zip(before, found, strict=False) if new is not None}


def _block_arguments(block: Mapping) -> dict[str, Node]:
    arguments = block.get("arguments")
    return {entry.key: entry.node for entry in arguments} if isinstance(arguments, Mapping) else {}


def _block_inputs(block: Mapping) -> list[str]:
    inputs = block.get("inputs")
    names = [str(plain(item)) for item in inputs.items] if isinstance(inputs, Sequence) else []
    return names or ["input"]


def _chained(source: Node | None, name: str, span: Span) -> Node | None:
    """What a repeat takes: the one before it, in the place of the first of what the first repeat took."""
    before = Scalar(name, span)
    match source:
        case Mapping() if len(source):
            first = next(iter(source)).key
            return Mapping({**source.entries, first: replace(source.entries[first], node=before)}, source.span)
        case Sequence(items=[_, *rest]):
            return Sequence([before, *rest], source.span)
    return None if source is None else before


def _moved(value: Any, moved: dict[str, Tensor]) -> Any:
    if isinstance(value, tuple):
        return tuple(_moved(item, moved) for item in value)
    if isinstance(value, Tensor) and value.call in moved:
        new = moved[value.call]
        return Tensor(new.call, new.index if value.index is None else value.index)
    return value


def _word_span(node: Node, word: str) -> Span:
    return node.entries[word].key_span if isinstance(node, Mapping) and word in node else node.span


def freeze_problems(graphs: Iterable[Graph], globs: Iterable[Scalar], findings: Findings) -> None:
    """Notes globs of `freeze` and `unfreeze` that match no layer."""
    networks = list(graphs)
    if not networks or not all(graph.complete for graph in networks):
        return
    for glob in globs:
        if not any(graph.matching([str(glob.value)]) for graph in networks):
            names = [name for graph in networks for name in graph.layers]
            findings.error(
                "unknown-layer-name",
                f"no layer is called `{glob.value}`",
                glob.span,
                did_you_mean(str(glob.value), names, f"layers are called {listing(names, 6)}"),
            )
