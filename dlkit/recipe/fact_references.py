"""Facts of the data as references name them: `$data.classes`, `$data.features.words.vocabulary_size`.

Where a fact is known before the data is loaded its value is used; where not, a value of its type stands in and is marked, so
that nothing is held against it.
"""

from __future__ import annotations

from collections.abc import Mapping as Values
from dataclasses import dataclass, replace
from dataclasses import fields as dataclass_fields
from typing import Any

from dlkit.recipe.diagnostics import Findings, Span, did_you_mean, listing
from dlkit.recipe.facts import DataFacts, Feature, Target
from dlkit.recipe.nodes import Scalar, Sequence

_SIZES = ("classes", "outputs", "train_size", "validation_size", "test_size", "steps_per_epoch")
_GROUPS: dict[str, type[Feature] | type[Target]] = {"features": Feature, "targets": Target}
_LISTS = ("shape", "labels", "columns")
_STANDS_IN: dict[str, Any] = {"kind": "", "dtype": "float32", "default": True}  # 1 for all others: they are sizes


@dataclass(frozen=True, slots=True)
class FactReferences:
    """Finds what a reference to the data stands for.

    Args:
        facts: What is known of the data.
        loaded: Whether the data was loaded: what is not known then never will be.
    """

    facts: DataFacts
    loaded: bool
    findings: Findings

    def find(self, path: str, span: Span) -> Scalar | Sequence | None:
        """The fact that a path names, or None where it names none; mistakes are noted."""
        match path.split("."):
            case ["data", size] if size in _SIZES:
                return self._size(size, path, span)
            case ["data", ("features" | "targets") as group, name, part, *index] if len(index) <= 1:
                return self._part(group, name, part, index, path, span)
        return None

    def known(self) -> list[str]:
        """The paths of all facts."""
        names = [f"data.{size}" for size in _SIZES]
        for group, of in _GROUPS.items():
            for name in getattr(self.facts, group):
                names += [f"data.{group}.{name}.{part.name}" for part in dataclass_fields(of)]
        return names

    def _size(self, size: str, path: str, span: Span) -> Scalar:
        targets = self.facts.targets
        if size in ("classes", "outputs") and len(targets) > 1:
            name, target = next(iter(targets.items()))
            cure = f"write `$data.targets.{name}.{'shape.0' if target.kind == 'number' else 'classes'}`"
            return self._mistaken(path, "the data has several targets", span, cure)
        if size == "classes" and targets and next(iter(targets.values())).kind == "number":
            why = f"the target `{next(iter(targets))}` is a number and has no classes"
            return self._mistaken(path, why, span)
        return self._scalar(getattr(self.facts, size), size, path, span)

    def _part(self, group: str, name: str, part: str, index: list[str], path: str, span: Span) -> Scalar | Sequence:
        entries: Values[str, Any] = getattr(self.facts, group)
        parts = [known.name for known in dataclass_fields(_GROUPS[group])]
        one = group.removesuffix("s")
        if entries and name not in entries:
            cure = did_you_mean(name, entries, f"it has {listing(entries)}")
            return self._mistaken(path, f"the data has no {one} `{name}`", span, cure)
        if part not in parts:
            cure = did_you_mean(part, parts, f"it has {listing(parts)}")
            return self._mistaken(path, f"a {one} has no `{part}`", span, cure)
        value = getattr(entries[name], part) if name in entries else None
        if not index:
            return self._fact(value, part, path, span)
        if value is None:
            return replace(self._scalar(None, part, path, span), typed=part == "shape")
        if not isinstance(value, tuple):
            return self._mistaken(path, f"`{part}` is no list", span)
        if not index[0].isdecimal() or int(index[0]) >= len(value):
            return self._mistaken(path, f"`{part}` has {len(value)} entries, counted from 0", span)
        return self._scalar(value[int(index[0])], part, path, span)

    def _fact(self, value: Any, part: str, path: str, span: Span) -> Scalar | Sequence:
        if isinstance(value, tuple):
            return Sequence([Scalar(item, span) for item in value], span, written=f"${path}")
        return self._scalar(value, part, path, span)

    def _scalar(self, value: Any, part: str, path: str, span: Span) -> Scalar:
        if value is None and self.loaded:
            return self._mistaken(path, "the data does not tell", span)
        stands_in = _STANDS_IN.get(part, 1) if value is None else value
        return Scalar(stands_in, span, known=value is not None, typed=part not in _LISTS, written=f"${path}")

    def _mistaken(self, path: str, why: str, span: Span, cure: str = "") -> Scalar:
        self.findings.error("unknown-fact", f"`${path}`: {why}", span, cure)
        return Scalar(None, span, known=False, typed=False, written=f"${path}")
