"""What a layer is called on: `from`, and what names mean where it stands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from dlkit.recipe.catalogue import ComponentSpec
from dlkit.recipe.diagnostics import Findings, Span, did_you_mean, listing
from dlkit.recipe.graph import Argument, Graph, Tensor
from dlkit.recipe.nodes import Mapping, Node, Scalar, Sequence, is_unknown, kind_name, text_of

UNKNOWN = Tensor("?")  # what stands in for a tensor where a mistake hides it


@dataclass(slots=True)
class Scope:
    """One list of layers while it is being opened.

    Args:
        graph: Where its layers and calls go.
        prefix: What the names of its calls begin with, as `encoder.`.
        owner: What the names of its layers begin with: the same, unless they are called again.
        names: Its inputs and the layers so far.
        uses: The entries so far, by their names, for those that are called again.
        previous: The output of the layer before; None where there is none, or more than one input.
        parts: What blocks take and give, by the names of their uses.
        explicit: The names written in this list, kept free of automatic ones.
        blocks: The blocks being opened, innermost last.
        depth: How many lists of layers it stands in.
        is_chain: Whether `from` has no place here.
    """

    graph: Graph
    prefix: str = ""
    owner: str = ""
    names: dict[str, Tensor] = field(default_factory=dict)
    uses: dict[str, Use] = field(default_factory=dict)
    previous: Tensor | None = None
    parts: dict[str, tuple[Tensor, Tensor]] = field(default_factory=dict)
    explicit: set[str] = field(default_factory=set)
    blocks: tuple[str, ...] = ()
    depth: int = 0
    is_chain: bool = False
    _numbers: dict[str, int] = field(default_factory=dict)

    def is_free(self, name: str) -> bool:
        """Whether an automatic name may be given."""
        return name not in self.names and name not in self.explicit

    def numbered(self, base: str) -> str:
        """The first of `base_1`, `base_2`, ... that is free."""
        number = self._numbers.get(base, 1)
        while not self.is_free(f"{base}_{number}"):
            number += 1
        self._numbers[base] = number
        return f"{base}_{number}"

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
        layer: The name of the layer, where one is called again.
    """

    word: str
    body: Node | None
    span: Span
    name: str | None
    source: Node | None
    repeat: int = 1
    layer: str = ""


@dataclass(frozen=True, slots=True)
class CallReader:
    """Finds out what layers are called on."""

    findings: Findings

    def tensor(self, node: Node, scope: Scope) -> Tensor | None:
        """What a name under `from` or `outputs` means: a layer, an input, or `name.1`, the second output of one."""
        word = text_of(node)
        if is_unknown(node):
            return None
        if word is None:
            self.findings.error("wrong-type", f"the name of a layer belongs here, not {kind_name(node)}", node.span)
            return None
        if word in scope.names:
            return scope.names[word]
        head, dot, index = word.rpartition(".")
        if dot and index.isdecimal() and len(index) < 6 and head in scope.names:
            return Tensor(scope.names[head].call, int(index))
        if scope.graph.complete or word.partition(".")[0] not in scope.names:
            self._unknown(word, node.span, scope)
        return None

    def _unknown(self, word: str, span: Span, scope: Scope) -> None:
        if word in scope.explicit:
            message, cure = f"`{word}` comes later", "a layer takes what stands before it"
        else:
            message, known = f"there is no layer or input `{word}` here", listing(scope.names)
            cure = did_you_mean(word, scope.names, f"known here: {known}" if known else "")
        self.findings.error("unknown-from", message, span, cure)

    def tensors(self, nodes: Iterable[Node], scope: Scope) -> tuple[Tensor, ...]:
        """The same for several; those that are not known are left out."""
        return tuple(found for node in nodes if (found := self.tensor(node, scope)) is not None)

    def arguments(self, spec: ComponentSpec, use: Use, scope: Scope) -> tuple[Argument | None, dict[str, Argument]]:
        """The first call argument of a layer, and the others by name."""
        match use.source:
            case Mapping() as source:
                return self._named(spec, use, source, scope)
            case Sequence() as source:
                return self._listed(spec, use, source, scope), {}
            case Scalar() as source:
                return self.tensor(source, scope), {}
        if spec.takes_list:
            message = f"`{use.word}` joins several tensors"
            self.findings.error("missing-from", message, use.span, "say which: `from: [a, b]`")
            return None, {}
        return self._previous(use, scope), {}

    def _listed(self, spec: ComponentSpec, use: Use, source: Sequence, scope: Scope) -> Argument | None:
        tensors = self.tensors(source.items, scope)
        if spec.takes_list or not spec.call:
            return tensors
        if len(source.items) != 1 and len(tensors) == len(source.items):
            by_name = ", ".join(f"{name}: ..." for name in spec.call[:2])
            cure = f"name them: `from: {{{by_name}}}`" if len(spec.call) > 1 else "join them first, as with Concatenate"
            message = f"`{use.word}` takes one tensor, not a list of {len(source.items)}"
            self.findings.error("several-tensors", message, source.span, cure)
        return tensors[0] if tensors else None

    def _previous(self, use: Use, scope: Scope) -> Tensor | None:
        if scope.previous is None:
            message = f"`{use.word}` comes first, and there are several inputs"
            cure = f"say with `from` which it takes: {listing(scope.names)}"
            self.findings.error("missing-from", message, use.span, cure)
        return scope.previous

    def _named(
        self, spec: ComponentSpec, use: Use, source: Mapping, scope: Scope
    ) -> tuple[Argument | None, dict[str, Argument]]:
        named: dict[str, Argument] = {}
        known = (*spec.call, *spec.flags)
        mistaken = False
        for entry in source:
            if known and entry.key not in known:
                mistaken = True
                cure = did_you_mean(entry.key, known, f"it takes {listing(known)}")
                message = f"`{use.word}` is not called with `{entry.key}`"
                self.findings.error("unknown-argument", message, entry.key_span, cure)
                continue
            value = self._value(entry.node, entry.key not in spec.call, scope)
            if value is not None:
                named[entry.key] = value
        if not spec.call:
            return None, named
        first = named.pop(spec.call[0], None)
        if first is None and spec.call[0] not in source and not mistaken:
            first = self._previous(use, scope)
        return first, named

    def _value(self, node: Node, may_be_flag: bool, scope: Scope) -> Argument | None:
        """What is given for one call argument: a tensor, several, or `true` and `false` for a flag."""
        if isinstance(node, Sequence):
            return self.tensors(node.items, scope)
        if may_be_flag and isinstance(node, Scalar) and isinstance(node.value, bool):
            return node.value
        return self.tensor(node, scope)

    def inputs(self, names: list[str], use: Use, scope: Scope) -> dict[str, Tensor]:
        """What the inputs of a block are where it is used."""
        match use.source:
            case Mapping() as source:
                made = self._inputs_by_name(names, use, source, scope)
            case None:
                made = {names[0]: self._previous(use, scope)}
            case source:
                items = source.items if isinstance(source, Sequence) else [source]
                if len(items) > len(names):
                    message = f"`{use.word}` takes {_tensors(len(names))}, not {len(items)}"
                    self.findings.error("wrong-inputs", message, source.span)
                made = {name: self.tensor(item, scope) for name, item in zip(names, items, strict=False)}
        missing = [name for name in names if name not in made]
        if missing:
            message = f"`{use.word}` takes {listing(names)}; {listing(missing)} is missing"
            cure = f"write `from: [{', '.join(names)}]` with what they are"
            self.findings.error("missing-from", message, use.span, cure)
        return {name: made.get(name) or UNKNOWN for name in names}

    def _inputs_by_name(self, names: list[str], use: Use, source: Mapping, scope: Scope) -> dict[str, Tensor | None]:
        unknown = [entry for entry in source if entry.key not in names]
        for entry in unknown:
            cure = did_you_mean(entry.key, names, f"it has {listing(names)}")
            message = f"`{use.word}` has no input `{entry.key}`"
            self.findings.error("unknown-argument", message, entry.key_span, cure)
        made = {entry.key: self.tensor(entry.node, scope) for entry in source if entry.key in names}
        if names[0] not in made and scope.previous is not None:
            made[names[0]] = scope.previous
        # One that is not known may be meant for one that is missing.
        return {**dict.fromkeys(names), **made} if unknown else made


def _tensors(count: int) -> str:
    return "one tensor" if count == 1 else f"{count} tensors"
