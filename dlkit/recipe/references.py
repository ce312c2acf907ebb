"""References: `$path` stands for another value of the recipe, a block's argument, or a fact of the data.

`${path}` is the same inside a longer text, `$$` is a dollar. Facts keep their type: where a fact is known before the data is
loaded, its value is used; where not, a value of its type stands in, and is marked, so that no range is held against it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping as Values
from dataclasses import dataclass, field
from dataclasses import fields as dataclass_fields
from typing import Any

from dlkit.recipe.compose import ROOT
from dlkit.recipe.diagnostics import Findings, Span, did_you_mean, listing
from dlkit.recipe.facts import DataFacts, Feature, Target
from dlkit.recipe.nodes import Entry, Mapping, Node, Scalar, Sequence, from_plain, plain
from dlkit.recipe.paths import PathError, Paths
from dlkit.recipe.yaml_source import MOST_NODES

PATH = r"[A-Za-z_][\w-]*(?:\.[\w-]+)*"
_WHOLE = re.compile(rf"\$({PATH})|\$\{{\s*({PATH})\s*\}}")
_INSIDE = re.compile(rf"\$\$|\$\{{\s*({PATH})\s*\}}")
_LOOKS_LIKE = re.compile(r"\$[A-Za-z_{]")

# What a fact is before it is known, by its name.
_FACT_STANDS_FOR: dict[str, Any] = {
    "shape": None,
    "labels": None,
    "columns": None,
    "kind": "",
    "dtype": "float32",
    "default": True,
}
_SIZES = ("classes", "train_size", "validation_size", "test_size", "steps_per_epoch")


@dataclass(slots=True)
class References:
    """Replaces the references of one recipe by what they stand for.

    Args:
        root: The composed recipe.
        facts: What is known of the data; None where the source is not known.
    """

    root: Mapping
    facts: DataFacts | None
    paths: Paths
    findings: Findings
    count: int = 0
    active: list[str] = field(default_factory=list)

    def resolve(self, node: Node, local: Values[str, Node | None] | None = None) -> Node:
        """The node with its references replaced.

        Args:
            local: A block's arguments by name; None as a value: an argument that is not bound yet, left as it is.
        """
        self.count += 1
        match node:
            case Scalar(value=str() as text) if "$" in text:
                return self._scalar(node, text, local or {})
            case Scalar():
                return node
            case Sequence():
                return Sequence([self.resolve(item, local) for item in node.items], node.span)
            case Mapping():
                return Mapping({e.key: Entry(e.key, e.key_span, self.resolve(e.node, local)) for e in node}, node.span)

    def _scalar(self, node: Scalar, text: str, local: Values[str, Node | None]) -> Node:
        whole = _WHOLE.fullmatch(text)
        if whole:
            return self._target(whole[1] or whole[2], node, local)
        if text.startswith("$") and not text.startswith("$$") and _LOOKS_LIKE.match(text) and not _INSIDE.match(text):
            self.findings.error(
                "malformed-reference",
                f"`{text}` is no reference",
                node.span,
                'write "${path}" inside a text, or `$$` for a dollar',
            )
            return node
        parts, end = [], 0
        for match in _INSIDE.finditer(text):
            parts.append(text[end : match.start()])
            end = match.end()
            if match[0] == "$$":
                parts.append("$")
                continue
            target = self._target(match[1], node, local)
            if isinstance(target, Scalar) and target.fact:
                return Scalar(text, node.span, node.plain, fact=target.fact, reference=text)
            if not isinstance(target, Scalar):
                self.findings.error(
                    "wrong-type", f"`{match[1]}` is no single value, and cannot stand inside a text", node.span
                )
                continue
            parts.append(_as_text(target.value))
        return Scalar("".join([*parts, text[end:]]), node.span, plain=False, reference=text)

    def _target(self, path: str, node: Scalar, local: Values[str, Node | None]) -> Node:
        head, _, rest = path.partition(".")
        if head in local:
            return self._local(path, head, rest, node, local)
        fact = self._fact(path, node)
        if fact is not None:
            return fact
        if path in self.active:
            circle = " -> ".join([*self.active[self.active.index(path) :], path])
            self.findings.error(
                "reference-cycle", f"`${path}` stands for itself: {circle}", node.span, "write one of them as a value"
            )
            return Scalar(None, node.span, reference=path)
        if self.count > MOST_NODES:
            self.findings.error(
                "too-many-values",
                f"the recipe holds more than {MOST_NODES:,} values once its references are followed",
                node.span,
            )
            return Scalar(None, node.span, reference=path)
        try:
            step = self.paths.find(self.root, ROOT, path)
        except PathError as error:
            self._unknown(path, node, local, error)
            return Scalar(None, node.span, reference=path)
        if step.node is None:
            self.findings.error(
                "unknown-reference", f"`${path}` stands for nothing: the recipe does not say `{path}`", node.span
            )
            return Scalar(None, node.span, reference=path)
        self.active.append(path)
        try:
            found = self.resolve(step.node)
        finally:
            self.active.pop()
        return _at(found, node.span)

    def _local(self, path: str, head: str, rest: str, node: Scalar, local: Values[str, Node | None]) -> Node:
        value = local[head]
        if rest:
            self.findings.error(
                "unknown-reference", f"`${path}`: the block's argument `{head}` has nothing inside", node.span
            )
            return Scalar(None, node.span, reference=path)
        return node if value is None else _at(value, node.span)

    def _unknown(self, path: str, node: Scalar, local: Values[str, Node | None], error: PathError) -> None:
        cure = error.cure
        if local and "." not in path:
            cure = did_you_mean(path, local, f"the block's arguments are {listing(local)}")
        elif path.startswith("data."):
            cure = did_you_mean(path, self._facts_known(), cure)
        self.findings.error("unknown-reference", f"`${path}` stands for nothing", node.span, cure)

    def _facts_known(self) -> list[str]:
        names = [f"data.{size}" for size in _SIZES]
        for group, of in (("features", Feature), ("targets", Target)):
            for name in getattr(self.facts, group, {}):
                names += [f"data.{group}.{name}.{part.name}" for part in dataclass_fields(of)]
        return names

    def _fact(self, path: str, node: Scalar) -> Scalar | Sequence | None:
        """The fact that a path names, or None where it names none."""
        words = path.split(".")
        if words[0] != "data" or len(words) == 1:
            return None
        if words[1] in _SIZES and len(words) == 2:
            return self._size(words[1], path, node)
        if words[1] in ("features", "targets") and len(words) in (4, 5):
            return self._part(words, path, node)
        return None

    def _size(self, word: str, path: str, node: Scalar) -> Scalar:
        value = getattr(self.facts, word) if self.facts else None
        if word == "classes" and self.facts and self.facts.targets:
            targets = self.facts.targets
            if len(targets) > 1:
                self.findings.error(
                    "unknown-fact",
                    f"`${path}`: the data has several targets",
                    node.span,
                    f"write `$data.targets.{next(iter(targets))}.classes`",
                )
            elif next(iter(targets.values())).kind == "number":
                self.findings.error(
                    "unknown-fact",
                    f"`${path}`: the target `{next(iter(targets))}` is a number and has no classes",
                    node.span,
                )
        return _fact_node(value, path, node.span)

    def _part(self, words: list[str], path: str, node: Scalar) -> Scalar | Sequence | None:
        _, group, name, part, *index = words
        of: type[Feature] | type[Target] = Feature if group == "features" else Target
        parts = [known.name for known in dataclass_fields(of)]
        entries: Values[str, Any] = getattr(self.facts, group) if self.facts else {}
        if entries and name not in entries:
            self.findings.error(
                "unknown-fact",
                f"`${path}`: the data has no {group[:-1]} `{name}`",
                node.span,
                did_you_mean(name, entries, f"it has {listing(entries)}"),
            )
            return _fact_node(None, path, node.span)
        if part not in parts:
            self.findings.error(
                "unknown-fact",
                f"`${path}`: a {group[:-1]} has no `{part}`",
                node.span,
                did_you_mean(part, parts, f"it has {listing(parts)}"),
            )
            return _fact_node(None, path, node.span)
        value = getattr(entries[name], part) if name in entries else _FACT_STANDS_FOR.get(part)
        if index and isinstance(value, tuple):
            value = value[int(index[0])] if index[0].isdecimal() and int(index[0]) < len(value) else None
        if isinstance(value, tuple):
            made = from_plain(list(value), node.span)
            for item in made.items if isinstance(made, Sequence) else ():
                assert isinstance(item, Scalar)
                item.fact, item.reference = path, f"${path}"
            assert isinstance(made, Sequence)
            return made
        return _fact_node(value, path, node.span)


def _fact_node(value: Any, path: str, span: Span) -> Scalar:
    """A fact; one that is not known yet is a 1 that no range is held against."""
    known = value is not None
    return Scalar(value if known else 1, span, fact=path if known else f"{path}?", reference=f"${path}")


def is_unknown(node: Node) -> bool:
    """Whether a node stands for something that is not known before the data is loaded, or before a block is used."""
    return isinstance(node, Scalar) and (
        (node.fact or "").endswith("?") or (node.reference is not None and node.value is None) or is_open(node)
    )


def is_open(node: Node) -> bool:
    """Whether a node is a reference that was left as it is."""
    return (
        isinstance(node, Scalar)
        and isinstance(node.value, str)
        and bool(_WHOLE.fullmatch(node.value))
        and node.reference is None
    )


def _at(node: Node, span: Span) -> Node:
    """A copy, told at the place of the reference."""
    match node:
        case Scalar():
            return Scalar(node.value, span, node.plain, node.fact, node.reference)
        case Sequence():
            return Sequence([_at(item, span) for item in node.items], span)
        case Mapping():
            return Mapping({e.key: Entry(e.key, span, _at(e.node, span)) for e in node}, span)


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def as_written(node: Node) -> Any:
    """Plain values, with facts of the data as the references they were, and dollars doubled again: what a dump holds."""
    match node:
        case Scalar(fact=str(), reference=str() as reference):
            return reference
        case Scalar(value=str() as value) if is_open(node):
            return value
        case Scalar(value=str() as value):
            return value.replace("$", "$$") if _LOOKS_LIKE.search(value) or "$$" in value else value
        case Sequence(items=[Scalar(fact=str() as fact), *_]) if all(
            isinstance(i, Scalar) and i.fact == fact for i in node.items
        ):
            return f"${fact.removesuffix('?')}"
        case Sequence():
            return [as_written(item) for item in node.items]
        case Mapping():
            return {entry.key: as_written(entry.node) for entry in node}
    return plain(node)
