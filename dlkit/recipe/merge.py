"""Merging: what one file says over what another said."""

from __future__ import annotations

from dlkit.recipe.nodes import Entry, Mapping, Node, Sequence, is_null
from dlkit.recipe.paths import Paths, null_removes, written_component
from dlkit.recipe.slots import ANY, Arguments, ComponentSlot, ListOf, MapOf, Section, Slot, argument_slot, fields


def merge(base: Node | None, over: Node, slot: Slot, paths: Paths) -> Node:
    """What `over` makes of `base`: mappings merge, components of the same name merge their arguments, the rest replaces."""
    if isinstance(slot, ComponentSlot):
        return _merge_components(base, over, slot, paths)
    if not isinstance(over, Mapping):
        return over
    made = Mapping(dict(base.entries) if isinstance(base, Mapping) else {}, over.span)
    for entry in over:
        appends = _appends(entry.key, slot)
        key = entry.key[:-1] if appends else entry.key
        before = made.get(key)
        if appends:
            node = _appended(before, entry.node)
        elif null_removes(slot) and is_null(entry.node):
            made.entries.pop(key, None)
            continue
        else:
            node = merge(before, entry.node, _inside(slot, key), paths)
        made.entries[key] = Entry(key, entry.key_span, node)
    return made


def _appends(key: str, slot: Slot) -> bool:
    """Whether a key says `callbacks+`: append to the list `callbacks`."""
    field = fields(slot.model).get(key[:-1]) if isinstance(slot, Section) and key.endswith("+") else None
    return field is not None and isinstance(field.slot, ListOf)


def _appended(before: Node | None, more: Node) -> Node:
    if isinstance(more, Sequence) and isinstance(before, Sequence):
        return Sequence([*before.items, *more.items], more.span)
    return more


def _merge_components(base: Node | None, over: Node, slot: ComponentSlot, paths: Paths) -> Node:
    """One component over another: only the same one has arguments to give."""
    name, body = written_component(over)
    before, inherited = written_component(base)
    if name is None or is_null(body):
        return base if base is not None and name == before and not is_null(inherited) else over
    kept = inherited if name == before else None
    assert isinstance(over, Mapping) and body is not None
    merged = merge(kept, body, paths.body_slot(None, slot, name), paths)
    return Mapping({name: Entry(name, over.entries[name].key_span, merged)}, over.span)


def _inside(slot: Slot, key: str) -> Slot:
    match slot:
        case Section(model=model):
            field = fields(model).get(key)
            return field.slot if field else ANY
        case MapOf(value=value):
            return value
        case Arguments(spec=spec) if key in spec.arguments:
            return argument_slot(spec.arguments[key])
    return ANY
