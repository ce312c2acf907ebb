"""What a recipe's `blocks` say of themselves: their arguments, their inputs, their layers."""

from __future__ import annotations

from dlkit.recipe.catalogue import Argument, ComponentSpec
from dlkit.recipe.nodes import Mapping, Node, entries_of, inside, items_of, plain, text_of

REQUIRED = "$required"  # in the place of a default: there is none
ONLY_INPUT = "input"  # the name of what a block takes, where it takes one thing


def block_arguments(block: Node | None) -> dict[str, Node | None]:
    """The arguments of a block with their defaults; None for one that has none."""
    return {
        entry.key: None if text_of(entry.node) == REQUIRED else entry.node
        for entry in entries_of(inside(block, "arguments"))
    }


def block_inputs(block: Node | None) -> list[str]:
    """The names of what a block takes."""
    return [text_of(item) or "" for item in items_of(inside(block, "inputs"))] or [ONLY_INPUT]


def block_spec(name: str, block: Node | None) -> ComponentSpec:
    """A block as the components are described."""
    arguments = {
        key: Argument(key, "any", required=default is None, default=plain(default))
        for key, default in block_arguments(block).items()
    }
    return ComponentSpec("block", name, "", arguments)


def find_block(root: Mapping, name: str) -> ComponentSpec | None:
    """The block of that name in a recipe, or None."""
    block = inside(root, "blocks", name)
    return block_spec(name, block) if isinstance(block, Mapping) else None
