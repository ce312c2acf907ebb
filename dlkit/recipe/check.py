"""Checks components against what is known of them: names, arguments, types, ranges.

One function for all kinds. Every mistake is noted with its place and its cure, and checking goes on, so that all of a
recipe's mistakes are told at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from dlkit.recipe.catalogue import Argument, ComponentSpec
from dlkit.recipe.components import Components
from dlkit.recipe.diagnostics import Findings, Span, did_you_mean, listing
from dlkit.recipe.graph import Component
from dlkit.recipe.nodes import Entry, Mapping, Node, Scalar, Sequence, is_null, is_typed, is_unknown, kind_name, plain
from dlkit.recipe.paths import written_component
from dlkit.recipe.slots import (
    ANY,
    MODEL,
    NETWORK,
    ComponentSlot,
    Leaf,
    ListOf,
    MapOf,
    Section,
    Slot,
    alternatives,
    argument_slot,
    fields,
)
from dlkit.recipe.values import ValueChecker, is_meant_as_number, matches, taken_by, with_article

# What is often written for a component that has another name, or none -> the cure.
_KNOWN_AS = {
    ("metric", "accuracy"): "leave `metrics` out, and the accuracy that fits the target is measured",
    ("metric", "acc"): "leave `metrics` out, and the accuracy that fits the target is measured",
    ("metric", "mae"): "write `MeanAbsoluteError`",
    ("metric", "mse"): "write `MeanSquaredError`",
    ("loss", "mae"): "write `MeanAbsoluteError`",
    ("loss", "mse"): "write `MeanSquaredError`",
    ("layer", "MaxPooling"): "write `MaxPooling2D`",
    ("layer", "Conv"): "write `Conv2D`",
    ("layer", "BatchNorm"): "write `BatchNormalization`",
}
# Arguments as PyTorch calls them.
_ARGUMENTS_KNOWN_AS = {
    "out_features": "units",
    "out_channels": "filters",
    "stride": "strides",
    "dilation": "dilation_rate",
    "p": "rate",
    "lr": "learning_rate",
    "betas": "beta_1",
}
_LISTED = ("layer", "metric", "callback", "augmentation")  # kinds that stand in lists
_FEW = 40  # components of a kind that are listed where no name is near


@dataclass(frozen=True, slots=True)
class Checker:
    """Checks and converts what stands in component positions.

    Args:
        network: Reads a network where an argument or a section holds one.
    """

    components: Components
    findings: Findings
    network: Callable[[Node], Any]

    @property
    def values(self) -> ValueChecker:
        """Checks plain values."""
        return ValueChecker(self.findings)

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
                return {e.key: self.read(e.node, known[e.key].slot if e.key in known else ANY) for e in node}
        return plain(node)

    def component(self, node: Node, slot: ComponentSlot) -> Any:
        """A component; or the plain value that may stand in its place."""
        if not is_typed(node):
            return plain(node)
        if slot.argument and self._is_value(node, slot, slot.argument):
            return self.values.check(node, slot.argument)
        name, body = self.named(node, slot.kinds)
        if name is None:
            self.no_component(node, slot)
            return None
        span = node.entries[name].key_span if isinstance(node, Mapping) else node.span
        spec = self.find(name, slot.kinds, span)
        if spec is None:
            return None
        if spec.kind == "activation":
            return self._activation(name, body)
        return Component(spec.kind, name, self.arguments(body, spec, span), node.span)

    def _is_value(self, node: Node, slot: ComponentSlot, argument: Argument) -> bool:
        """Whether a plain value stands where a component or one may, as a number in the place of a schedule."""
        if isinstance(node, Mapping):
            return False
        name = written_component(node)[0]
        if name is not None and self.components.find_among(slot.kinds, name):
            return False
        types = [part for part in alternatives(argument.type) if part not in slot.kinds]
        is_number = isinstance(node, Scalar) and (not isinstance(node.value, str) or is_meant_as_number(node.value))
        return any(matches(node, part) for part in types) or (is_number and bool(types) and types != ["null"])

    def _activation(self, name: str, body: Node | None) -> str:
        """An activation, which Keras knows by name alone."""
        if body is not None and not is_null(body) and plain(body) != {}:
            message = f"the activation `{name}` takes no arguments here"
            cure = "use a layer of its own after this one, as `LeakyReLU: {negative_slope: 0.1}`"
            self.findings.error("activation-arguments", message, body.span, cure)
        return name

    def named(self, node: Node, kinds: Collection[str]) -> tuple[str | None, Node | None]:
        """The component's name and its body; notes arguments that stand beside the name instead of under it."""
        if not isinstance(node, Mapping) or len(node) < 2:
            return written_component(node)
        first, *beside = node
        if any(self._is_component(entry, kinds) for entry in beside) or not (
            is_null(first.node) or self._is_component(first, kinds)
        ):
            return None, None
        verb = "stands" if len(beside) == 1 else "stand"
        self.findings.error(
            "not-indented",
            f"{listing(entry.key for entry in beside)} {verb} beside `{first.key}`, not under it",
            beside[0].key_span,
            f"indent it by two more blanks than `{first.key}`",
        )
        under = {entry.key: entry for entry in first.node} if isinstance(first.node, Mapping) else {}
        return first.key, Mapping({**under, **{entry.key: entry for entry in beside}}, beside[0].node.span)

    def _is_component(self, entry: Entry, kinds: Collection[str]) -> bool:
        return self.components.find_among(kinds, entry.key) is not None

    def no_component(self, node: Node, slot: ComponentSlot) -> None:
        """Notes that no component stands where one belongs."""
        kind = with_article(slot.kinds[0])
        if isinstance(node, Mapping) and len(node) > 1:
            message = f"{kind} is one name with its arguments; found {listing(entry.key for entry in node)}"
            cure = "begin each item with `- `" if slot.kinds[0] in _LISTED else "write one here"
            self.findings.error("several-components", message, list(node)[1].key_span, cure)
            return
        wanted = taken_by(slot.argument) if slot.argument else kind
        cure = f"write the name of {kind}, as `{self._example(slot)}`" if isinstance(node, Mapping) else ""
        self.findings.error("wrong-type", f"{wanted} belongs here, not {kind_name(node)}", node.span, cure)

    def _example(self, slot: ComponentSlot) -> str:
        return next(iter(self.components.names(slot.kinds[0])), "name")

    def find(self, name: str, kinds: Iterable[str], span: Span, more: Iterable[str] = ()) -> ComponentSpec | None:
        """The component of that name, of one of these kinds; notes why there is none.

        Args:
            more: Other names that could be meant, as those of blocks.
        """
        wanted = [kind for kind in kinds if kind != "block"]
        spec = self.components.find_among(wanted, name)
        if spec is None:
            self._unknown(name, wanted, span, more)
        elif spec.refused:
            self.findings.error("refused", f"`{name}` may not stand in a recipe", span, spec.refused)
            return None
        return spec

    def _unknown(self, name: str, kinds: list[str], span: Span, more: Iterable[str]) -> None:
        kind = kinds[0]
        known = [*more, *(word for other in kinds for word in self.components.names(other))]
        near = self._meant(name, kinds) or did_you_mean(name, known)
        elsewhere = self.components.kinds_of(name)
        if elsewhere:
            message = f"`{name}` is {with_article(elsewhere[0])}, not {with_article(kind)}"
            if kind == "network" and "layer" in elsewhere:
                near = "write `sequential: [...]` with the layer in it"
            self.findings.error("wrong-kind", message, span, near)
            return
        is_own = name == name.lower()
        if is_own and self.findings.incomplete:
            return  # a plugin or fragment that could not be read may have it
        if kind == "layer" and is_own:
            cure = near or "a block stands under `blocks`; a layer is written as in Keras, as `Dense`"
            self.findings.error("unknown-block", f"there is no layer or block `{name}`", span, cure)
            return
        shown = f"known are {listing(known, _FEW)}" if len(known) <= _FEW else f"`dlkit schema` lists every {kind}"
        word = "layer or block" if kind == "layer" else kind
        self.findings.error(f"unknown-{kind}", f"there is no {word} `{name}`", span, near or shown)

    def _meant(self, name: str, kinds: list[str]) -> str:
        """The cure for what is written by the habits of others."""
        if name == "None":
            return "write `null` for nothing"
        called = re.match(r"(\w+)\(", name)
        spec = self.components.find_among(kinds, called[1]) if called else None
        if spec:
            return f"arguments are written `{_pattern(spec)}`"
        return _KNOWN_AS.get((kinds[0], name), "")

    def arguments(
        self, body: Node | None, spec: ComponentSpec, span: Span, besides: Collection[str] = ()
    ) -> dict[str, Any]:
        """The arguments of a component, checked.

        Args:
            span: Where to tell that one is missing.
            besides: Keys that someone else reads.
        """
        if is_unknown(body):
            return {}
        if body is not None and not isinstance(body, Mapping) and not is_null(body):
            self._no_arguments(body, spec)
            return {}
        entries = [e for e in body if e.key not in besides] if isinstance(body, Mapping) else []
        unknown = [entry for entry in entries if entry.key not in spec.arguments]
        for entry in unknown:
            self._unknown_argument(entry, spec, [e.key for e in entries])
        if not unknown:  # one of them may be meant for what is missing
            self._missing(spec, {entry.key for entry in entries}, span)
        return {
            e.key: self.argument(e.node, spec.arguments[e.key], spec.name) for e in entries if e.key in spec.arguments
        }

    def _no_arguments(self, body: Node, spec: ComponentSpec) -> None:
        message = f"the arguments of `{spec.name}` are a mapping, not {kind_name(body)}"
        cure = f"write `{_pattern(spec)}`" if spec.arguments else f"it takes none: write `{spec.name}`"
        self.findings.error("wrong-type", message, body.span, cure)

    def _unknown_argument(self, entry: Entry, spec: ComponentSpec, written: list[str]) -> None:
        known = [name for name in spec.arguments if name not in written]
        has = f"it has {listing(spec.arguments)}" if spec.arguments else "it takes none"
        elsewhere = _ARGUMENTS_KNOWN_AS.get(entry.key)
        near = did_you_mean(entry.key, known) or did_you_mean(entry.key, spec.arguments, has)
        cure = f"write `{elsewhere}`" if elsewhere in known else near
        message = f"{spec.name} has no argument `{entry.key}`"
        self.findings.error("unknown-argument", message, entry.key_span, cure)

    def _missing(self, spec: ComponentSpec, written: Collection[str], span: Span) -> None:
        missing = [argument for name, argument in spec.arguments.items() if argument.required and name not in written]
        if missing:
            names = " and ".join(f"`{argument.name}`" for argument in missing)
            is_told = len(missing) == 1 and missing[0].type != "any"
            what = f"{names}, {taken_by(missing[0])}" if is_told else names
            cure = f"write `{_pattern(spec)}`"
            self.findings.error("missing-argument", f"{spec.name} needs {what}", span, cure)

    def argument(self, node: Node, argument: Argument, owner: str) -> Any:
        """The value of an argument, checked."""
        slot = argument_slot(argument)
        is_plain = isinstance(slot, Leaf) or (isinstance(slot, ListOf) and not isinstance(node, Sequence))
        if is_plain or is_null(node):
            return self.values.check(node, argument, owner)
        return self.read(node, slot)


def _pattern(spec: ComponentSpec) -> str:
    """How a component is written: with its required arguments, or else with its first one."""
    required = [name for name, argument in spec.arguments.items() if argument.required]
    shown = required or list(spec.arguments)[:1]
    return f"{spec.name}: {{{', '.join(f'{name}: ...' for name in shown)}}}" if shown else spec.name
