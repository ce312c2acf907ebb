"""Dotted paths: one way to name any value of a recipe, written or not.

`training.optimizer.learning_rate`, `model.sequential.dropout.rate`, `training.callbacks.EarlyStopping.patience`: a
component's own name may be left out, a list item is named by its index, its `name`, or its component's name if that occurs
once. The same paths serve `set`, `--set`, `tune.space`, `quick.set`, references and messages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from dlkit.recipe.blocks import find_block
from dlkit.recipe.bounds import LONGEST_PATH
from dlkit.recipe.components import Components
from dlkit.recipe.diagnostics import NOWHERE, did_you_mean, listing
from dlkit.recipe.keys import ROOT, Functional
from dlkit.recipe.nodes import Mapping, Node, Scalar, Sequence, from_plain, inside, text_of
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
    """One step along a path.

    Args:
        words: The step in full: a component's name that the path leaves out is in it, an item of a list has its index.
        node: What stands there; None: nothing.
        slot: What may stand there.
        write: Makes of another value for this place what then stands in the place before; None takes the value away.
        written: Whether `node` was written, and is not only a default.
        removable: Whether null takes the value away, where it would otherwise be the value.
    """

    words: tuple[str, ...]
    node: Node | None
    slot: Slot
    write: Callable[[Node | None], Node]
    written: bool = True
    removable: bool = False


@dataclass(frozen=True, slots=True)
class Paths:
    """Walks recipes by path, with the components that are known to them."""

    components: Components

    def find(self, root: Mapping, path: str) -> Step:
        """What a path leads to; its `words` are the path in full, alike for all ways to write it.

        Raises:
            PathError: It leads nowhere, or to several places.
        """
        walk = _Walk(self.components, root, path)
        step = Step((), root, ROOT, lambda node: Mapping() if node is None else node)
        for word in _words(path):
            inner = walk.step(step.node, step.slot, word)
            step = replace(inner, words=step.words + inner.words)
        return step

    def leads(self, root: Mapping, path: str) -> bool:
        """Whether a path leads somewhere."""
        try:
            self.find(root, path)
        except PathError:
            return False
        return True

    def put(self, root: Mapping, path: str, change: Callable[[Step], Node | None]) -> Mapping:
        """The recipe with another value at a path; what is needed on the way is made.

        Args:
            change: Gives the new value for what the path leads to; None takes it away.

        Raises:
            PathError: The path leads nowhere, or to several places.
        """
        walk = _Walk(self.components, root, path)

        def written(node: Node | None, slot: Slot, words: list[str]) -> Node:
            step = walk.step(node, slot, words[0])
            return step.write(written(step.node, step.slot, words[1:]) if words[1:] else change(step))

        made = written(root, ROOT, _words(path))
        assert isinstance(made, Mapping)
        return made

    def body_slot(self, root: Mapping | None, slot: ComponentSlot, name: str) -> Slot:
        """What stands under the name of a component of a slot."""
        if name == "sequential" and ("network" in slot.kinds or slot == LAYER):
            return LAYERS
        if name == "functional" and "network" in slot.kinds:
            return Section(Functional)
        block = find_block(root, name) if root is not None and "block" in slot.kinds else None
        spec = block or self.components.find_among(slot.kinds, name)
        return Arguments(spec, in_network=slot == LAYER) if spec else ANY


@dataclass(frozen=True, slots=True)
class _Walk:
    """Goes along one path."""

    components: Components
    root: Mapping
    path: str

    def step(self, node: Node | None, slot: Slot, word: str) -> Step:
        """What one word leads to."""
        match slot:
            case Section(model=model):
                known = fields(model)
                if word not in known:
                    raise self._nowhere(word, known)
                default = known[word].default
                return _into_mapping(
                    node, word, known[word].slot, None if default is None else from_plain(default), removable=True
                )
            case MapOf(value=value):
                return _into_mapping(node, word, value, removable=null_removes(slot))
            case ListOf(item=item):
                return self._into_list(node, item, word)
            case Arguments():
                return self._into_arguments(node, slot, word)
            case ComponentSlot():
                return self._into_component(node, slot, word)
        if isinstance(node, Mapping) or (isinstance(slot, Leaf) and slot.argument and "map[" in slot.argument.type):
            return _into_mapping(node, word, ANY)
        if isinstance(node, Sequence):
            return self._into_list(node, ANY, word)
        raise PathError(f"`{self.path}` leads nowhere: there is nothing inside the value before `{word}`")

    def _into_arguments(self, node: Node | None, slot: Arguments, word: str) -> Step:
        known = {**slot.spec.arguments, **(LAYER_WORDS if slot.in_network else {})}
        if word not in known:
            raise self._nowhere(word, [*known, slot.spec.name], f"`{slot.spec.name}` has no argument `{word}`")
        argument = known[word]
        default = None if argument.required or argument.default is None else from_plain(argument.default)
        return _into_mapping(node, word, argument_slot(argument), default)

    def _into_component(self, node: Node | None, slot: ComponentSlot, word: str) -> Step:
        """Over the name of a component, or into its arguments where the path leaves the name out."""
        name, body = written_component(node)
        if name is None:
            if self._is_name(slot, word):
                return self._over_name(slot, word, None)
            message = f"`{self.path}` leads nowhere: no component is written before `{word}`"
            raise PathError(message, "write the component first, or put its name into the path")
        if word == name:
            return self._over_name(slot, word, body)
        inner = self._body_slot(slot, name)
        if not _has(inner, body, word) and self._is_name(slot, word):
            return replace(self._over_name(slot, word, None), written=False)
        step = self.step(body, inner, word)
        return replace(step, words=(name, *step.words), write=lambda value: _component(name, node, step.write(value)))

    def _over_name(self, slot: ComponentSlot, name: str, body: Node | None) -> Step:
        return Step((name,), body, self._body_slot(slot, name), lambda value: _component(name, None, value))

    def _body_slot(self, slot: ComponentSlot, name: str) -> Slot:
        return Paths(self.components).body_slot(self.root, slot, name)

    def _is_name(self, slot: ComponentSlot, word: str) -> bool:
        """Whether a component of that name may stand in a slot."""
        is_block = "block" in slot.kinds and find_block(self.root, word) is not None
        return is_block or self.components.find_among(slot.kinds, word) is not None

    def _into_list(self, node: Node | None, item: Slot, word: str) -> Step:
        items = node.items if isinstance(node, Sequence) else []
        index = self._index(items, word)

        def write(value: Node | None) -> Node:
            changed = [*items[:index], Scalar(None) if value is None else value, *items[index + 1 :]]
            return Sequence(changed, NOWHERE if node is None else node.span)

        return Step((str(index),), items[index], item, write)

    def _index(self, items: list[Node], word: str) -> int:
        if word.isdecimal() and len(word) < 9:
            if int(word) < len(items):
                return int(word)
            raise PathError(f"`{self.path}` leads nowhere: the list has {len(items)} items, counted from 0")
        found = _places(items, word)
        if len(found) == 1:
            return found[0]
        if found:
            where = ", ".join(map(str, found))
            message = f"`{self.path}` leads to {len(found)} places: `{word}` occurs in the list at {where}"
            raise PathError(message, "name the item by its index, or give it a `name`")
        known = [name for item in items for name in (item_name(item), written_component(item)[0]) if name]
        raise self._nowhere(word, known, f"the list has no item `{word}`")

    def _nowhere(self, word: str, known: Iterable[str], why: str = "") -> PathError:
        names = list(dict.fromkeys(known))
        cure = did_you_mean(word, names, f"known here: {listing(names)}" if names else "")
        return PathError(f"`{self.path}` leads nowhere: {why or f'there is no `{word}`'}", cure)


def null_removes(slot: Slot) -> bool:
    """Whether null under a key of this slot takes an inherited value away, and is no value itself."""
    return isinstance(slot, Section) or (isinstance(slot, MapOf) and not isinstance(slot.value, Leaf))


def item_name(node: Node | None) -> str | None:
    """The `name` that is written in a list item."""
    _, body = written_component(node)
    return text_of(inside(body, "name")) or text_of(inside(node, "name"))


def written_component(node: Node | None) -> tuple[str | None, Node | None]:
    """The name of a component and what stands under it; (None, None) where no component is written."""
    if isinstance(node, Mapping):
        entry = node.only()
        return (entry.key, entry.node) if entry else (None, None)
    return text_of(node), None


def _places(items: list[Node], word: str) -> list[int]:
    """The items of a list that a word names: by their `name`, or else by their component."""
    named = [n for n, item in enumerate(items) if item_name(item) == word]
    return named or [n for n, item in enumerate(items) if written_component(item)[0] == word]


def _has(slot: Slot, body: Node | None, word: str) -> bool:
    """Whether a word leads somewhere inside a component."""
    match slot:
        case Arguments(spec=spec):
            return word in spec.arguments
        case Section(model=model):
            return word in fields(model)
    return isinstance(body, Sequence) and (word.isdecimal() or bool(_places(body.items, word)))


def _component(name: str, before: Node | None, body: Node | None) -> Node:
    """A component with its body, its name told where it was written before."""
    if body is None or (isinstance(body, Mapping) and not len(body)):
        place = before if before is not None else body
        return Scalar(name, NOWHERE if place is None else place.span)
    made = Mapping(span=body.span)
    made.put(name, body, before.entries[name].key_span if isinstance(before, Mapping) else None)
    return made


def _into_mapping(
    node: Node | None, key: str, slot: Slot, default: Node | None = None, removable: bool = False
) -> Step:
    is_mapping = isinstance(node, Mapping)
    entries = node if isinstance(node, Mapping) else Mapping()

    def write(value: Node | None) -> Node:
        if value is None:
            return entries.without(key)
        changed = Mapping(dict(entries.entries), entries.span if is_mapping else value.span)
        changed.put(key, value, entries.entries[key].key_span if key in entries else None)
        return changed

    return Step((key,), entries.get(key) if key in entries else default, slot, write, key in entries, removable)


def _words(path: str) -> list[str]:
    words = path.split(".")
    if not all(words):
        raise PathError(f"`{path}` is no path", "a path is words with dots between them, as `training.epochs`")
    if len(words) > LONGEST_PATH:
        raise PathError(f"`{path}` is no path: it has {len(words)} words", f"the longest has {LONGEST_PATH}")
    return words
