"""References: `$path` stands for another value of the recipe, a block's argument, or a fact of the data.

`${path}` is the same inside a longer text, `$$` is a dollar.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Mapping as Values
from dataclasses import dataclass, field, replace

from dlkit.recipe.blocks import REQUIRED, block_arguments
from dlkit.recipe.bounds import DEEPEST_RESOLVED, MOST_VALUES, MOST_VALUES_RESOLVED, Work
from dlkit.recipe.diagnostics import Findings, Span, did_you_mean, listing
from dlkit.recipe.fact_references import FactReferences
from dlkit.recipe.nodes import Entry, Mapping, Node, Scalar, ScalarValue, Sequence
from dlkit.recipe.paths import PathError, Paths

_PATH = r"[A-Za-z_][\w-]*(?:\.[\w-]+)*"
_WHOLE = re.compile(rf"\$({_PATH})|\$\{{\s*({_PATH})\s*\}}")
_INSIDE = re.compile(rf"\$\$|\$\{{\s*({_PATH})\s*\}}|(\$\{{)")
_BEGINS = re.compile(r"\$[A-Za-z_]")

Local = Values[str, Node | None]
_NO_BLOCK: Local = {}


@dataclass(slots=True)
class References:
    """Replaces the references of one recipe by what they stand for.

    Args:
        root: The composed recipe.
        facts: What references to the data stand for.
        work: What was done for the recipe before.
    """

    root: Mapping
    facts: FactReferences
    paths: Paths
    findings: Findings
    work: Work
    count: int = 0
    depth: int = 0
    stopped: bool = False
    active: list[str] = field(default_factory=list)
    cycles: set[frozenset[str]] = field(default_factory=set)

    def resolve_recipe(self) -> Mapping:
        """The whole recipe; what its blocks and its quick variant are to fill in is left as it is."""
        made = Mapping(span=self.root.span)
        for entry in self.root:
            match entry.key, entry.node:
                case "blocks", Mapping() as blocks:
                    node: Node = _mapped(blocks, lambda block: self.resolve(block.node, _own_words(block.node)))
                case "quick", Mapping() as quick:
                    node = _mapped(quick, lambda e: _kept(e.node) if e.key == "set" else self.resolve(e.node))
                case _:
                    node = self.resolve(entry.node)
            made.entries[entry.key] = replace(entry, node=node)
        return made

    def resolve(self, node: Node, local: Local = _NO_BLOCK) -> Node:
        """The node with its references replaced.

        Args:
            local: A block's arguments by name; None as a value: one that is not bound yet, and is left as it is.
        """
        self.count = self.count + 1 if self.depth else 1
        self.work.values += 1
        if self._is_too_much(node):
            return Scalar(None, node.span, known=False, typed=False)
        self.depth += 1
        made = self._resolved(node, local)
        self.depth -= 1
        return made

    def _resolved(self, node: Node, local: Local) -> Node:
        match node:
            case Scalar(value=str() as text) if "$" in text and node.written is None:
                return self._scalar(node, text, local)
            case Scalar():
                return node
            case Sequence():
                return replace(node, items=[self.resolve(item, local) for item in node.items])
            case Mapping():
                return _mapped(node, lambda entry: self.resolve(entry.node, local))

    def _is_too_much(self, node: Node) -> bool:
        """Whether references lead too far to be followed; told once, since all that follows has one cause."""
        if self.stopped:
            return True
        if self.depth > DEEPEST_RESOLVED:
            message = f"values are nested more than {DEEPEST_RESOLVED} deep once references are followed"
            self.findings.error("too-deep", message, node.span)
            self.stopped = True
        elif self.count > MOST_VALUES or self.work.values > MOST_VALUES_RESOLVED:
            message = f"the recipe holds more than {MOST_VALUES:,} values once its references are followed"
            self.findings.error("too-many-values", message, node.span)
            self.stopped = True
        return self.stopped

    def _scalar(self, node: Scalar, text: str, local: Local) -> Node:
        whole = _WHOLE.fullmatch(text)
        if whole:
            return self._target(whole[1] or whole[2], node, local)
        if _BEGINS.match(text):
            return self._malformed(node, text)
        parts: list[str] = []
        end, known, is_kept = 0, True, False
        for match in _INSIDE.finditer(text):
            parts.append(text[end : match.start()])
            end = match.end()
            if match[0] == "$$":
                parts.append("$")
                continue
            if match[2]:
                return self._malformed(node, text)
            target = self._target(match[1], node, local)
            if not isinstance(target, Scalar):
                message = f"`{match[1]}` is no single value, and cannot stand inside a text"
                self.findings.error("wrong-type", message, node.span)
                return _failed(node)
            known, is_kept = known and target.known, is_kept or target.written is not None
            parts.append(_as_text(target.value))
        value = "".join([*parts, text[end:]]) if known else text
        return Scalar(value, node.span, plain=False, known=known, written=text if is_kept or not known else None)

    def _malformed(self, node: Scalar, text: str) -> Scalar:
        cure = 'write "${path}" inside a longer text, or `$$` for a dollar'
        self.findings.error("malformed-reference", f"`{text}` is no reference", node.span, cure)
        return _failed(node)

    def _target(self, path: str, node: Scalar, local: Local) -> Node:
        head, _, rest = path.partition(".")
        if head in local:
            return self._argument(path, head, rest, node, local)
        fact = self.facts.find(path, node.span)
        return self._value(path, node, local) if fact is None else fact

    def _argument(self, path: str, head: str, rest: str, node: Scalar, local: Local) -> Node:
        """An argument of a block, told where its value was written."""
        if rest:
            message = f"`${path}`: the block's argument `{head}` has nothing inside"
            self.findings.error("unknown-reference", message, node.span)
            return _failed(node)
        value = local[head]
        return _failed(node) if value is None else value

    def _value(self, path: str, node: Scalar, local: Local) -> Node:
        """Another value of the recipe, told where the reference stands."""
        if path in self.active:
            self._cycle(self.active[self.active.index(path) :], node)
            return _failed(node)
        try:
            found = self.paths.find(self.root, path).node
        except PathError as error:
            self._unknown(path, node, local, error)
            return _failed(node)
        if found is None:
            message = f"`${path}` stands for nothing: the recipe does not say `{path}`"
            self.findings.error("unknown-reference", message, node.span)
            return _failed(node)
        self.active.append(path)
        value = self.resolve(found)
        self.active.pop()
        return _at(value, node.span)

    def _cycle(self, circle: list[str], node: Scalar) -> None:
        """Notes a circle of references once, wherever it was entered."""
        if frozenset(circle) not in self.cycles:
            self.cycles.add(frozenset(circle))
            message = f"`${circle[0]}` stands for itself: {' -> '.join([*circle, circle[0]])}"
            self.findings.error("reference-cycle", message, node.span, "write one of them as a value")

    def _unknown(self, path: str, node: Scalar, local: Local, error: PathError) -> None:
        why, cure = error.message.removeprefix(f"`{path}` "), error.cure
        if f"data.{path}" in self.facts.known():
            cure = f"did you mean `$data.{path}`?"
        elif local and "." not in path:
            cure = did_you_mean(path, local, f"the block's arguments are {listing(local)}")
        elif path.startswith("data."):
            cure = did_you_mean(path, self.facts.known(), cure)
        self.findings.error("unknown-reference", f"`${path}` {why}", node.span, cure)


def _mapped(node: Mapping, changed: Callable[[Entry], Node]) -> Mapping:
    """The mapping with other values under its keys."""
    return Mapping({entry.key: replace(entry, node=changed(entry)) for entry in node}, node.span)


def _own_words(block: Node) -> dict[str, Node | None]:
    """What references in a block leave to its uses."""
    return dict.fromkeys((REQUIRED.removeprefix("$"), *block_arguments(block)))


def _kept(node: Node) -> Node:
    """Values whose references are replaced later, where they are set."""
    match node:
        case Scalar(value=str() as text) if "$" in text:
            return replace(node, known=False, typed=False, written=text)
        case Scalar():
            return node
        case Sequence():
            return replace(node, items=[_kept(item) for item in node.items])
        case Mapping():
            return _mapped(node, lambda entry: _kept(entry.node))


def _failed(node: Scalar) -> Scalar:
    """What stands in for a mistaken reference, or one that is not bound yet: nothing is held against it."""
    return Scalar(None, node.span, known=False, typed=False, written=str(node.value))


def _at(node: Node, span: Span) -> Node:
    """A copy, told at the place of the reference."""
    match node:
        case Scalar():
            return replace(node, span=span, plain=False)
        case Sequence():
            return replace(node, items=[_at(item, span) for item in node.items], span=span)
        case Mapping():
            return Mapping({e.key: Entry(e.key, span, _at(e.node, span)) for e in node}, span)


def _as_text(value: ScalarValue) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
