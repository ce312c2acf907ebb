"""What a layer is called on: `from`, and what names mean where it stands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from dlkit.recipe.catalogue import ComponentSpec
from dlkit.recipe.diagnostics import Findings, Span, did_you_mean, listing
from dlkit.recipe.graph import Argument, Graph, Tensor
from dlkit.recipe.nodes import Mapping, Node, Scalar, Sequence, kind_name
from dlkit.recipe.references import is_open, is_unknown


@dataclass(slots=True)
class Scope:
    """One list of layers while it is being opened.

    Args:
        graph: Where its layers and calls go.
        prefix: What the names of its layers begin with, as `encoder.`.
        names: Its inputs and the layers so far.
        previous: The output of the layer before; None where there is none, or more than one input.
        local: The arguments of the block that it belongs to; None: a value that is not known yet.
        explicit: The names written in this list, kept free of automatic ones.
        blocks: The blocks being opened, innermost last.
        chain_only: Whether `from` has no place here.
    """

    graph: Graph
    prefix: str = ""
    names: dict[str, Tensor] = field(default_factory=dict)
    previous: Tensor | None = None
    local: dict[str, Node | None] = field(default_factory=dict)
    explicit: set[str] = field(default_factory=set)
    blocks: tuple[str, ...] = ()
    chain_only: bool = False

    def is_free(self, name: str) -> bool:
        """Whether an automatic name may be given."""
        return name not in self.names and name not in self.explicit and self.prefix + name not in self.graph.layers

    def add(self, name: str, tensor: Tensor | None = None) -> Tensor:
        """Makes a name known; a layer's own, where no other tensor is given."""
        self.names[name] = tensor or Tensor(self.prefix + name)
        return self.names[name]


@dataclass(frozen=True, slots=True)
class Use:
    """One entry of a list of layers, taken apart.

    Args:
        word: The layer, block or architecture.
        body: Its arguments and dlkit's words.
        span: Where its word stands.
        name: Its name, once it has one.
        source: Its `from`.
        repeat: How often it is chained.
    """

    word: str
    body: Node | None
    span: Span
    name: str | None
    source: Node | None
    repeat: int


@dataclass(frozen=True, slots=True)
class CallReader:
    """Finds out what layers are called on."""

    findings: Findings

    def tensor(self, node: Node, scope: Scope) -> Tensor | None:
        """What a name under `from` or `outputs` means: a layer, an input, or `name.1`, the second output of one."""
        word = node.value if isinstance(node, Scalar) else None
        if not isinstance(word, str):
            if not is_unknown(node):
                self.findings.error("wrong-type", f"the name of a layer belongs here, not {kind_name(node)}", node.span)
            return None
        if word in scope.names:
            return scope.names[word]
        head, dot, index = word.rpartition(".")
        if dot and index.isdecimal() and len(index) < 6 and head in scope.names:
            return Tensor(scope.names[head].call, int(index))
        if not is_open(node):
            later = " yet: a layer takes what stands before it" if word in scope.explicit else ""
            known = f"known here: {listing(scope.names)}" if scope.names else ""
            cure = did_you_mean(word, scope.names, known)
            self.findings.error("unknown-from", f"there is no layer or input `{word}` here{later}", node.span, cure)
        return None

    def tensors(self, nodes: Iterable[Node], scope: Scope) -> tuple[Tensor, ...]:
        """The same for several; those that are not known are left out."""
        return tuple(found for node in nodes if (found := self.tensor(node, scope)) is not None)

    def arguments(self, spec: ComponentSpec, use: Use, scope: Scope) -> tuple[Argument | None, dict[str, Argument]]:
        """The first call argument of a layer, and the others by name."""
        if isinstance(use.source, Mapping):
            return self._named(spec, use, use.source, scope)
        if isinstance(use.source, Sequence):
            tensors = self.tensors(use.source.items, scope)
            if spec.takes_list or not spec.call:
                return tensors, {}
            if len(use.source.items) != 1:
                cure = (
                    f"name them: `from: {{{spec.call[0]}: ..., {spec.call[1]}: ...}}`"
                    if len(spec.call) > 1
                    else "join them first, as with Concatenate"
                )
                self.findings.error(
                    "several-tensors",
                    f"`{use.word}` takes one tensor, not a list of {len(use.source.items)}",
                    use.source.span,
                    cure,
                )
            return (tensors[0] if tensors else None), {}
        if use.source is not None:
            return self.tensor(use.source, scope), {}
        if spec.takes_list:
            self.findings.error(
                "missing-from", f"`{use.word}` joins several tensors", use.span, "say which: `from: [a, b]`"
            )
            return None, {}
        return self._previous(use, scope), {}

    def _previous(self, use: Use, scope: Scope) -> Tensor | None:
        if scope.previous is None:
            names = listing(scope.names)
            self.findings.error(
                "missing-from",
                f"`{use.word}` comes first, and the network has several inputs",
                use.span,
                f"say with `from` which it takes: {names}",
            )
        return scope.previous

    def _named(
        self, spec: ComponentSpec, use: Use, source: Mapping, scope: Scope
    ) -> tuple[Argument | None, dict[str, Argument]]:
        named: dict[str, Argument] = {}
        known = (*spec.call, *spec.flags)
        for entry in source:
            if known and entry.key not in known:
                cure = did_you_mean(entry.key, known, f"it takes {listing(known)}")
                self.findings.error(
                    "unknown-argument", f"`{use.word}` is not called with `{entry.key}`", entry.key_span, cure
                )
            elif isinstance(entry.node, Scalar) and isinstance(entry.node.value, bool):
                named[entry.key] = entry.node.value
            elif isinstance(entry.node, Sequence):
                named[entry.key] = self.tensors(entry.node.items, scope)
            elif (tensor := self.tensor(entry.node, scope)) is not None:
                named[entry.key] = tensor
        if not spec.call:
            return None, named
        first = named.pop(spec.call[0], None)
        if first is None and spec.call[0] not in source:
            first = self._previous(use, scope)
        return first, named

    def inputs(self, names: list[str], use: Use, scope: Scope) -> dict[str, Tensor]:
        """What the inputs of a block are where it is used."""
        made: dict[str, Tensor | None]
        if isinstance(use.source, Mapping):
            for entry in use.source:
                if entry.key not in names:
                    cure = did_you_mean(entry.key, names, f"it has {listing(names)}")
                    self.findings.error(
                        "unknown-argument", f"`{use.word}` has no input `{entry.key}`", entry.key_span, cure
                    )
            made = {entry.key: self.tensor(entry.node, scope) for entry in use.source if entry.key in names}
            made.setdefault(names[0], scope.previous)
        elif use.source is not None:
            items = use.source.items if isinstance(use.source, Sequence) else [use.source]
            if len(items) > len(names):
                self.findings.error(
                    "wrong-inputs", f"`{use.word}` takes {len(names)} tensors, not {len(items)}", use.source.span
                )
            made = {name: self.tensor(item, scope) for name, item in zip(names, items, strict=False)}
        else:
            made = {names[0]: self._previous(use, scope)}
        missing = [name for name in names if name not in made]
        if missing:
            cure = f"write `from: [{', '.join(names)}]` with what they are"
            self.findings.error(
                "missing-from", f"`{use.word}` takes {listing(names)}; {listing(missing)} is missing", use.span, cure
            )
        return {name: made.get(name) or Tensor("?") for name in names}
