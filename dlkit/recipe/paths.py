"""Dotted paths: one way to name any value of a recipe, written or not.

`training.optimizer.learning_rate`, `model.sequential.dropout.rate`, `training.callbacks.EarlyStopping.patience`: a
component's own name may be left out, a list item is named by its index, its `name`, or its component's name if that occurs
once. The same paths serve `set`, `--set`, `tune.space`, `quick.set`, references and messages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from dlkit.recipe.components import Components
from dlkit.recipe.diagnostics import did_you_mean, listing
from dlkit.recipe.nodes import Mapping, Node, Scalar, Sequence, from_plain
from dlkit.recipe.slots import (
    ANY,
    LAYER,
    LAYER_WORDS,
    LAYERS,
    Arguments,
    ComponentSlot,
    Leaf,
    ListOf,
    MapOf,
    Section,
    Slot,
    argument_slot,
    fields,
)


class PathError(Exception):
    """A path that leads nowhere, or to several places."""

    def __init__(self, message: str, cure: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure


@dataclass(frozen=True, slots=True)
class Step:
    """One step along a path: what stands there (None: nothing), what may, and how to put something else there.

    `written` is False where `node` is only a default; `owned` tells one of dlkit's own keys, which null takes away.
    """

    node: Node | None
    slot: Slot
    write: Callable[[Node | None], Node]
    written: bool = True
    owned: bool = False


@dataclass(frozen=True, slots=True)
class Paths:
    """Walks recipes by path, with the components that are known to them."""

    components: Components

    def find(self, root: Node, slot: Slot, path: str) -> Step:
        """What a path leads to.

        Raises:
            PathError: It leads nowhere, or to several places.
        """
        step = Step(root, slot, lambda node: node or Mapping())
        for segment in _segments(path):
            step = self._step(step.node, step.slot, segment, path)
        return step

    def put(self, root: Node, slot: Slot, path: str, change: Callable[[Step], Node | None]) -> Node:
        """The recipe with another value at a path; what is needed on the way is made.

        Args:
            change: Gives the new value for what the path leads to; None takes it away.

        Raises:
            PathError: The path leads nowhere, or to several places.
        """
        return self._put(root, slot, _segments(path), path, change)

    def _put(
        self, node: Node | None, slot: Slot, segments: list[str], path: str, change: Callable[[Step], Node | None]
    ) -> Node:
        step = self._step(node, slot, segments[0], path)
        if len(segments) == 1:
            return step.write(change(step))
        return step.write(self._put(step.node, step.slot, segments[1:], path, change))

    def _step(self, node: Node | None, slot: Slot, segment: str, path: str) -> Step:
        match slot:
            case Section(model=model):
                known = fields(model)
                if segment not in known:
                    raise _nowhere(path, segment, known)
                field = known[segment]
                default = None if field.default is None else from_plain(field.default)
                return _in_mapping(node, segment, field.slot, default, owned=True)
            case MapOf(value=value):
                return _in_mapping(node, segment, value, None, owned=True)
            case ListOf(item=item):
                return self._in_list(node, item, segment, path)
            case Arguments(spec=spec, in_network=in_network):
                words = {**spec.arguments, **(LAYER_WORDS if in_network else {})}
                if segment not in words:
                    raise _nowhere(path, segment, words, f"`{spec.name}` has no argument `{segment}`")
                argument = words[segment]
                default = None if argument.required or argument.default is None else from_plain(argument.default)
                return _in_mapping(node, segment, argument_slot(argument), default)
            case ComponentSlot():
                return self._in_component(node, slot, segment, path)
        if isinstance(node, Mapping) or (isinstance(slot, Leaf) and slot.argument and "map[" in slot.argument.type):
            return _in_mapping(node, segment, ANY, None)
        if isinstance(node, Sequence):
            return self._in_list(node, ANY, segment, path)
        raise PathError(f"`{path}` leads nowhere: there is nothing inside the value before `{segment}`")

    def _in_component(self, node: Node | None, slot: ComponentSlot, segment: str, path: str) -> Step:
        """Into the arguments of a component, over its name where that is written in the path."""
        name, body = written_component(node)
        if name is None:
            if segment in self.known_names(slot):
                return Step(None, self.body_slot(slot, segment), lambda inner: _component(segment, inner))
            raise PathError(
                f"`{path}` leads nowhere: no component is written before `{segment}`",
                "write the component first, or put its name into the path",
            )
        if segment == name:
            return Step(body, self.body_slot(slot, name), lambda inner: _component(name, inner))
        inside = self.body_slot(slot, name)
        if segment in self.known_names(slot) and not self._takes(inside, segment):
            return Step(None, self.body_slot(slot, segment), lambda inner: _component(segment, inner), written=False)
        step = self._step(body, inside, segment, path)
        return Step(step.node, step.slot, lambda inner: _component(name, step.write(inner)), step.written, step.owned)

    def _takes(self, slot: Slot, segment: str) -> bool:
        return isinstance(slot, Arguments) and segment in slot.spec.arguments

    def _in_list(self, node: Node | None, item: Slot, segment: str, path: str) -> Step:
        items = node.items if isinstance(node, Sequence) else []
        index = self._index(items, segment, path)
        span = node.span if node else None

        def write(inner: Node | None) -> Node:
            changed = [*items[:index], *([] if inner is None else [inner]), *items[index + 1 :]]
            return Sequence(changed, span) if span else Sequence(changed)

        return Step(items[index], item, write)

    def _index(self, items: list[Node], segment: str, path: str) -> int:
        if segment.isdecimal() and len(segment) < 9:
            if int(segment) < len(items):
                return int(segment)
            raise PathError(f"`{path}` leads nowhere: the list has {len(items)} items, counted from 0")
        named = [n for n, item in enumerate(items) if item_name(item) == segment]
        found = named or [n for n, item in enumerate(items) if written_component(item)[0] == segment]
        if len(found) == 1:
            return found[0]
        if found:
            raise PathError(
                f"`{path}` leads to {len(found)} places: `{segment}` occurs in the list at {', '.join(map(str, found))}",
                "name the item by its index, or give it a `name`",
            )
        known = [word for item in items for word in (item_name(item), written_component(item)[0]) if word]
        raise _nowhere(path, segment, known, f"the list has no item `{segment}`")

    def known_names(self, slot: ComponentSlot) -> tuple[str, ...]:
        """The components that may stand in a slot."""
        return tuple(name for kind in slot.kinds if kind != "block" for name in self.components.names(kind))

    def body_slot(self, slot: ComponentSlot, name: str) -> Slot:
        """What stands under a component's name."""
        if name == "sequential" and "network" in slot.kinds:
            return LAYERS
        if name == "functional" and "network" in slot.kinds:
            from dlkit.recipe.keys import Functional

            return Section(Functional)
        for kind in slot.kinds:
            spec = self.components.find(kind, name) if kind != "block" else None
            if spec:
                return Arguments(spec, in_network=slot == LAYER)
        return ANY


def item_name(node: Node) -> str | None:
    """The `name` that is written in a list item."""
    _, body = written_component(node)
    for inside in (body, node):
        found = inside.get("name") if isinstance(inside, Mapping) else None
        if isinstance(found, Scalar) and isinstance(found.value, str):
            return found.value
    return None


def written_component(node: Node | None) -> tuple[str | None, Node | None]:
    """The name of a component and what stands under it; (None, None) where no component is written."""
    if isinstance(node, Scalar) and isinstance(node.value, str):
        return node.value, None
    entry = node.only() if isinstance(node, Mapping) else None
    return (entry.key, entry.node) if entry else (None, None)


def _component(name: str, body: Node | None) -> Node:
    if body is None or (isinstance(body, Mapping) and not len(body)):
        return Scalar(name, body.span) if body else Scalar(name)
    made = Mapping(span=body.span)
    made.put(name, body)
    return made


def _in_mapping(node: Node | None, key: str, slot: Slot, default: Node | None, owned: bool = False) -> Step:
    entries = node if isinstance(node, Mapping) else Mapping()
    written = entries.get(key)

    def write(inner: Node | None) -> Node:
        changed = Mapping(dict(entries.entries), entries.span)
        if inner is None:
            changed.entries.pop(key, None)
        else:
            changed.put(key, inner, entries.entries[key].key_span if key in entries else None)
        return changed

    return Step(written if key in entries else default, slot, write, key in entries, owned)


def _segments(path: str) -> list[str]:
    segments = path.split(".")
    if not all(segments):
        raise PathError(f"`{path}` is no path", "a path is words with dots between them, as `training.epochs`")
    return segments


def _nowhere(path: str, segment: str, known: Iterable[str], why: str = "") -> PathError:
    names = list(dict.fromkeys(known))
    cure = did_you_mean(segment, names, f"known here: {listing(names)}" if names else "")
    return PathError(f"`{path}` leads nowhere: {why or f'there is no `{segment}`'}", cure)
