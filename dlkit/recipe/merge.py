"""Merging: what one file says over what another said."""

from __future__ import annotations

from dlkit.recipe.nodes import Entry, Mapping, Node, Scalar, Sequence
from dlkit.recipe.paths import Paths, written_component
from dlkit.recipe.slots import ANY, Arguments, ComponentSlot, ListOf, MapOf, Section, Slot, argument_slot, fields


def merge(base: Node | None, over: Node, slot: Slot, paths: Paths) -> Node:
    """What `over` makes of `base`: mappings merge, components of the same name merge their arguments, the rest replaces."""
    if isinstance(slot, ComponentSlot):
        return _merge_components(base, over, slot, paths)
    if not isinstance(over, Mapping):
        return over
    made = Mapping(dict(base.entries), over.span) if isinstance(base, Mapping) else Mapping(span=over.span)
    for entry in over:
        key, appends = (entry.key[:-1], True) if _appends(entry.key, slot) else (entry.key, False)
        before = made.get(key)
        if appends:
            node = _appended(before, entry.node)
        elif isinstance(slot, Section) and isinstance(entry.node, Scalar) and entry.node.value is None:
            made.entries.pop(key, None)  # null on one of dlkit's own keys takes the inherited value away
            continue
        else:
            node = merge(before, entry.node, _inside(slot, key), paths)
        made.entries[key] = Entry(key, entry.key_span, node)
    return made


def _appends(key: str, slot: Slot) -> bool:
    """Whether a key says `callbacks+`: append to the list `callbacks`."""
    return (
        key.endswith("+")
        and isinstance(slot, Section)
        and isinstance(getattr(fields(slot.model).get(key[:-1]), "slot", None), ListOf)
    )


def _appended(before: Node | None, more: Node) -> Node:
    if isinstance(more, Sequence) and isinstance(before, Sequence):
        return Sequence([*before.items, *more.items], more.span)
    return more


def _merge_components(base: Node | None, over: Node, slot: ComponentSlot, paths: Paths) -> Node:
    name, body = written_component(over)
    before, inherited = written_component(base)
    if name is None or name != before or inherited is None:
        # Another component replaces; what is under a new name is still gone through, for its own `callbacks+` and nulls.
        if name is not None and body is not None and name != before:
            return _renamed(over, merge(None, body, paths.body_slot(slot, name), paths))
        return over
    if body is None:
        return _renamed(base, inherited)
    return _renamed(over, merge(inherited, body, paths.body_slot(slot, name), paths))


def _renamed(component: Node | None, body: Node) -> Node:
    assert isinstance(component, Mapping)
    entry = component.only()
    assert entry is not None
    return Mapping({entry.key: Entry(entry.key, entry.key_span, body)}, component.span)


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
