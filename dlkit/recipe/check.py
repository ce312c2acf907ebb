"""Checks components against what is known of them: names, arguments, types, ranges.

One function for all kinds. Every mistake is noted with its place and its cure, and checking goes on, so that all of a
recipe's mistakes are told at once.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlkit.recipe.catalogue import Argument, ComponentSpec
from dlkit.recipe.components import Components
from dlkit.recipe.diagnostics import Findings, Span, did_you_mean, listing
from dlkit.recipe.graph import Component
from dlkit.recipe.nodes import Mapping, Node, Scalar, Sequence, kind_name, plain
from dlkit.recipe.paths import Paths, written_component
from dlkit.recipe.references import is_unknown
from dlkit.recipe.slots import (
    MODEL,
    NETWORK,
    ComponentSlot,
    Leaf,
    ListOf,
    MapOf,
    Section,
    Slot,
    argument_slot,
    fields,
)

DTYPES = (
    *(
        "float16",
        "float32",
        "float64",
        "bfloat16",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "int8",
        "int16",
        "int32",
        "int64",
    ),
    *("bool", "string", "mixed_float16", "mixed_bfloat16"),
)
_TAKES = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "text",
    "null": "null",
    "any": "any value",
    "dtype": "a dtype",
    "path": "a path",
    "duration": "a number of steps, `{epochs: n}` or `{share: x}`",
    "shape": "a list of whole numbers",
}
_LARGEST_INTEGER = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Checker:
    """Checks and converts what stands in component positions.

    Args:
        network: Reads a network where an argument or a section holds one.
    """

    components: Components
    paths: Paths
    findings: Findings
    network: Callable[[Node], Any]

    def read(self, node: Node, slot: Slot) -> Any:
        """The value of a node: plain, but for components and networks."""
        match slot:
            case _ if slot in (MODEL, NETWORK):
                return self.network(node)
            case ComponentSlot():
                return self.component(node, slot)
            case ListOf(item=item) if isinstance(node, Sequence):
                return [self.read(entry, item) for entry in node.items]
            case MapOf(value=value) if isinstance(node, Mapping):
                return {entry.key: self.read(entry.node, value) for entry in node}
            case Section(model=model) if isinstance(node, Mapping):
                known = fields(model)
                return {e.key: self.read(e.node, known[e.key].slot if e.key in known else Leaf()) for e in node}
        return plain(node)

    def component(self, node: Node, slot: ComponentSlot) -> Any:
        """A component; or the plain value that may stand in its place."""
        if is_unknown(node):
            return plain(node)
        other = slot.argument
        name, body = self.named(node, slot)
        if (
            other
            and not isinstance(node, Mapping)
            and (name is None or not any(self.components.find(k, name) for k in slot.kinds))
        ):
            types = {part for part in other.type.split("|") if part not in slot.kinds}
            if isinstance(node, Scalar) and (not isinstance(node.value, str) or "str" in types):
                return self.leaf(node, other, "")
        if name is None:
            self.no_component(node, slot)
            return None
        spec = self.find(name, slot.kinds, node.entries[name].key_span if isinstance(node, Mapping) else node.span)
        if spec is None:
            return None
        if slot.kinds[0] == "activation":
            if isinstance(body, Mapping) and len(body):
                self.findings.error(
                    "activation-arguments",
                    f"the activation `{name}` takes no arguments here",
                    body.span,
                    "use a layer of its own after this one, as LeakyReLU: {negative_slope: 0.1}",
                )
            return name
        return Component(
            spec.kind, name, self.arguments(body, spec, node.span if body is None else _key_span(node, name)), node.span
        )

    def named(self, node: Node, slot: ComponentSlot) -> tuple[str | None, Node | None]:
        """The component's name and its body; notes arguments that stand beside the name instead of under it."""
        if isinstance(node, Mapping) and len(node) > 1:
            first, *rest = node
            known = next(
                (spec for kind in slot.kinds if kind != "block" and (spec := self.components.find(kind, first.key))),
                None,
            )
            if known and isinstance(first.node, Scalar) and first.node.value is None:
                for entry in rest:
                    self.findings.error(
                        "not-indented",
                        f"`{entry.key}` stands beside `{first.key}`, not under it",
                        entry.key_span,
                        f"indent it by two more blanks than `{first.key}`",
                    )
                body = Mapping({e.key: e for e in rest}, rest[0].node.span)
                return first.key, body
            return None, None
        return written_component(node)

    def no_component(self, node: Node, slot: ComponentSlot) -> None:
        """Notes that no component stands where one belongs."""
        kind = slot.kinds[0].replace("_", " ")
        article = "an" if kind[0] in "aeiou" else "a"
        if isinstance(node, Mapping) and len(node) > 1:
            names = listing(entry.key for entry in node)
            second = list(node)[1]
            self.findings.error(
                "several-components",
                f"{article} {kind} is one name with its arguments; found {names}",
                second.key_span,
                "write one here",
            )
        else:
            self.findings.error("wrong-type", f"{article} {kind} belongs here, not {kind_name(node)}", node.span)

    def find(self, name: str, kinds: Iterable[str], span: Span, more: Iterable[str] = ()) -> ComponentSpec | None:
        """The component of that name, of one of these kinds; notes why there is none."""
        wanted = [kind for kind in kinds if kind != "block"]
        for kind in wanted:
            spec = self.components.find(kind, name)
            if spec and spec.refused:
                self.findings.error("refused", f"`{name}` may not stand in a recipe", span, spec.refused)
                return None
            if spec:
                return spec
        kind = wanted[0]
        known = [*more, *(known for kind in wanted for known in self.components.names(kind))]
        elsewhere = [other for other in self.components.kinds_of(name) if other != "block"]
        article = "an" if kind[0] in "aeiou" else "a"
        if elsewhere:
            other = "an " + elsewhere[0] if elsewhere[0][0] in "aeiou" else "a " + elsewhere[0]
            self.findings.error(
                "wrong-kind", f"`{name}` is {other}, not {article} {kind}", span, did_you_mean(name, known)
            )
        else:
            shown = f"known are {listing(known, 8)}" if len(known) <= 40 else f"`dlkit schema` lists every {kind}"
            code = "unknown-block" if kind == "layer" and name == name.lower() else f"unknown-{kind}"
            word = "layer or block" if kind == "layer" else kind
            self.findings.error(code, f"there is no {word} `{name}`", span, did_you_mean(name, known, shown))
        return None

    def arguments(
        self, body: Node | None, spec: ComponentSpec, span: Span, besides: Iterable[str] = ()
    ) -> dict[str, Any]:
        """The arguments of a component, checked; `besides` are keys that someone else reads."""
        if body is not None and not isinstance(body, Mapping):
            if not (isinstance(body, Scalar) and body.value is None):
                first = next(
                    (name for name, a in spec.arguments.items() if a.required), next(iter(spec.arguments), "argument")
                )
                self.findings.error(
                    "wrong-type",
                    f"the arguments of `{spec.name}` are a mapping, not {kind_name(body)}",
                    body.span,
                    f"write `{spec.name}: {{{first}: ...}}`",
                )
                return {}
            body = None
        made = {}
        for entry in body or ():
            if entry.key in besides:
                continue
            argument = spec.arguments.get(entry.key)
            if argument is None:
                known = [name for name in spec.arguments if name not in (body or ())]
                cure = did_you_mean(
                    entry.key, known, f"it has {listing(spec.arguments)}" if spec.arguments else "it takes none"
                )
                self.findings.error(
                    "unknown-argument", f"{spec.name} has no argument `{entry.key}`", entry.key_span, cure
                )
                continue
            made[entry.key] = self.argument(entry.node, argument, spec.name)
        misspelt = any(entry.key not in spec.arguments and entry.key not in besides for entry in body or ())
        for name, argument in spec.arguments.items():
            if argument.required and (body is None or name not in body) and not misspelt:
                takes = _takes(argument)
                self.findings.error(
                    "missing-argument",
                    f"{spec.name} needs `{name}`, {takes}",
                    span,
                    f"write `{spec.name}: {{{name}: ...}}`",
                )
        return made

    def argument(self, node: Node, argument: Argument, owner: str) -> Any:
        """The value of an argument, checked."""
        slot = argument_slot(argument)
        if isinstance(slot, Leaf) or (isinstance(slot, ListOf) and not isinstance(node, Sequence)):
            return self.leaf(node, argument, owner)
        if isinstance(node, Scalar) and node.value is None and not is_unknown(node):
            return self.leaf(node, argument, owner) if "null" not in argument.type.split("|") else None
        return self.read(node, slot)

    def leaf(self, node: Node, argument: Argument, owner: str) -> Any:
        """A plain value, checked against type and range."""
        value = plain(node)
        if is_unknown(node):
            return value
        parts = argument.type.split("|")
        whose = f"`{argument.name}` of {owner}" if owner else f"`{argument.name}`"
        if not any(_matches(node, part) for part in parts):
            wanted = _takes(argument)
            quotes = (
                "put it in quotes"
                if "str" in parts and isinstance(node, Scalar) and node.plain and node.value is not None
                else ""
            )
            finite = isinstance(value, float) and not math.isfinite(value)
            code, what = ("out-of-range", "finite numbers only") if finite else ("wrong-type", wanted)
            self.findings.error(code, f"{whose} takes {what}, not {kind_name(node)}", node.span, quotes)
            return value
        if isinstance(value, str):
            return self._text(value, node, argument, whose)
        if (
            isinstance(value, list)
            and argument.length
            and not argument.length[0] <= len(value) <= argument.length[1]
            and "list" in argument.type
        ):
            low, high = argument.length
            count = str(low) if low == high else f"{low} to {high}"
            self.findings.error("wrong-length", f"{whose} is a list of {count}, not of {len(value)}", node.span)
        self._range(node, argument, whose)
        # Keras refuses `learning_rate: 1` where it wants a float.
        return _as_floats(value) if "float" in argument.type and "int" not in argument.type else value

    def _text(self, value: str, node: Node, argument: Argument, whose: str) -> str:
        parts = argument.type.split("|")
        if argument.choices and value not in argument.choices:
            shown = listing(str(choice) for choice in argument.choices)
            self.findings.error(
                "unknown-value",
                f"{whose} cannot be `{value}`",
                node.span,
                did_you_mean(value, map(str, argument.choices), f"it takes {shown}"),
            )
        elif "path" in parts:
            return resolve_path(value, node.span)
        elif "dtype" in parts and "str" not in parts and value not in DTYPES:
            self.findings.error(
                "unknown-value",
                f"{whose} cannot be `{value}`",
                node.span,
                did_you_mean(value, DTYPES, f"it takes {listing(DTYPES, 20)}"),
            )
        return value

    def _range(self, node: Node, argument: Argument, whose: str) -> None:
        match node:
            case Sequence():
                for item in node.items:
                    self._range(item, argument, whose)
            case Scalar(value=bool()) | Scalar(value=None):
                return
            case Scalar(value=int() | float() as value) if not is_unknown(node):
                bounds = (
                    (argument.min, "at least", lambda bound: value >= bound),
                    (argument.max, "at most", lambda bound: value <= bound),
                    (argument.above, "above", lambda bound: value > bound),
                    (argument.below, "below", lambda bound: value < bound),
                )
                broken = [
                    f"{word} {_number(bound)}"
                    for bound, word, holds in bounds
                    if bound is not None and not holds(bound)
                ]
                if broken:
                    allowed = [f"{word} {_number(bound)}" for bound, word, _ in bounds if bound is not None]
                    self.findings.error(
                        "out-of-range",
                        f"{whose} is {_number(value)}, but must be {broken[0]}",
                        node.span,
                        f"it may be {' and '.join(allowed)}",
                    )


def resolve_path(written: str, span: Span) -> str:
    """A path as it is to be opened: from the file that wrote it, then from DLKIT_DATA_DIR; else as it is."""
    path = Path(written).expanduser()
    if path.is_absolute():
        return str(path)
    beside = Path(span.source.path).parent if span.source.path else Path.cwd()
    roots = [beside, *([Path(os.environ["DLKIT_DATA_DIR"])] if os.environ.get("DLKIT_DATA_DIR") else [])]
    return str(next((root / path for root in roots if (root / path).exists()), path))


def _key_span(node: Node, name: str) -> Span:
    return node.entries[name].key_span if isinstance(node, Mapping) and name in node else node.span


def _number(value: float) -> str:
    text = str(int(value)) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else str(value)
    return text if len(text) <= 30 else f"{value:.3g}" if abs(value) < 1e300 else "larger than any number"


def _takes(argument: Argument) -> str:
    if argument.choices:
        return f"one of {listing(map(str, argument.choices))}"
    words = [_taken(part) for part in argument.type.split("|") if part != "null"]
    return " or ".join(dict.fromkeys(words))


def _taken(part: str) -> str:
    if part.startswith("list["):
        inner = {"int": "whole numbers", "float": "numbers", "str": "texts", "bool": "truth values"}.get(
            part[5:-1], "values"
        )
        return f"a list of {inner}"
    if part.startswith("map["):
        return "a mapping"
    article = "an" if part[0] in "aeiou" else "a"
    return _TAKES.get(part, f"{article} {part}")


def _matches(node: Node, part: str) -> bool:
    """Whether a node has a type of the catalogue. Unknown values match every type."""
    if is_unknown(node):
        return True
    value = node.value if isinstance(node, Scalar) else None
    number = isinstance(value, int | float) and not isinstance(value, bool)
    match part:
        case "any":
            return True
        case "int":
            return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _LARGEST_INTEGER
        case "float":
            return number and abs(value) <= 1e308 and math.isfinite(value)  # type: ignore[operator, arg-type]
        case "bool":
            return isinstance(value, bool)
        case "str" | "dtype" | "path":
            return isinstance(value, str)
        case "null":
            return isinstance(node, Scalar) and value is None
        case "shape":
            return isinstance(node, Sequence) and all(
                _matches(item, "int") or _matches(item, "null") for item in node.items
            )
        case "duration":
            return _matches(node, "int") or _is_duration(node)
    if part.startswith("list["):
        return isinstance(node, Sequence) and all(
            any(_matches(item, p) for p in part[5:-1].split("|")) for item in node.items
        )
    if part.startswith("map["):
        return isinstance(node, Mapping) and all(_matches(entry.node, part[4:-1]) for entry in node)
    return False


def _as_floats(value: Any) -> Any:
    if isinstance(value, list):
        return [_as_floats(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _is_duration(node: Node) -> bool:
    entry = node.only() if isinstance(node, Mapping) else None
    if entry is None or not isinstance(entry.node, Scalar) or not _matches(entry.node, "float"):
        return False
    value = entry.node.value
    return (entry.key == "epochs" and value > 0) or (entry.key == "share" and 0 < value <= 1)  # type: ignore[operator]
