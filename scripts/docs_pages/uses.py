"""Which recipes that ship name which components."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import cache

from dlkit.recipe.components import Components
from dlkit.recipe.keys import ROOT
from dlkit.recipe.library import shipped_recipes
from dlkit.recipe.load import Recipe, load
from dlkit.recipe.nodes import Mapping, Node, entries_of, items_of
from dlkit.recipe.paths import Paths, written_component
from dlkit.recipe.slots import Arguments, ComponentSlot, ListOf, MapOf, Section, Slot, argument_slot, fields

Named = tuple[str, str]  # a kind, and a name of it


@cache
def recipes() -> dict[str, Recipe]:
    """Every recipe that ships, by name."""
    return {name: load(path) for name, path in shipped_recipes()}


@cache
def uses() -> dict[Named, list[str]]:
    """The recipes that name a component, by its kind and name."""
    found: dict[Named, list[str]] = defaultdict(list)
    for name, recipe in recipes().items():
        for named in dict.fromkeys(_Walk(recipe.root).components(recipe.root, ROOT)):
            found[named].append(name)
    return found


class _Walk:
    """Goes over one recipe with its slots."""

    def __init__(self, root: Mapping) -> None:
        self.root = root
        self.paths = Paths(Components())

    def components(self, node: Node | None, slot: Slot) -> Iterator[Named]:
        """Kind and name of each component in a node."""
        match slot:
            case Section(model=model):
                for entry in entries_of(node):
                    yield from self.components(entry.node, fields(model)[entry.key].slot)
            case MapOf(value=inner):
                for entry in entries_of(node):
                    yield from self.components(entry.node, inner)
            case ListOf(item=inner):
                for item in items_of(node):
                    yield from self.components(item, inner)
            case Arguments(spec=spec):
                for entry in entries_of(node):
                    if entry.key in spec.arguments:
                        yield from self.components(entry.node, argument_slot(spec.arguments[entry.key]))
            case ComponentSlot():
                yield from self._component(node, slot)

    def _component(self, node: Node | None, slot: ComponentSlot) -> Iterator[Named]:
        name, body = written_component(node)
        if name is None:
            return
        spec = self.paths.components.find_among(slot.kinds, name)
        if spec is not None:
            yield spec.kind, spec.name
        yield from self.components(body, self.paths.body_slot(self.root, slot, name))
