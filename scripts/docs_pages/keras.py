"""The page on Keras's components: their names by kind, as the catalogue has them."""

from __future__ import annotations

from dlkit.recipe.catalogue import ComponentSpec, catalogue
from dlkit.recipe.components import Components
from scripts.docs_pages.kinds import KINDS, OF_KERAS
from scripts.docs_pages.markdown import heading, prose, table

_INTRODUCTION = """# Keras's components

What a recipe may name of Keras {version}, with Keras's own arguments; [keras.io](https://keras.io/api/) tells of them all. Where
dlkit has some of its own, they are linked.
"""


def page() -> str:
    """The whole page."""
    parts = [_INTRODUCTION.format(version=catalogue().keras_version)]
    for kind, title in OF_KERAS.items():
        parts.append(heading(2, title, kind))
        if kind in KINDS:
            parts.append(f"dlkit's own are on [a page of theirs]({KINDS[kind].page}.md).\n")
        parts.append(table(["name", "what it is"], [_row(spec) for spec in specs(kind)]))
    return "\n".join(parts)


def specs(kind: str) -> list[ComponentSpec]:
    """Keras's components of a kind that a recipe may name."""
    components = Components()
    return [spec for name in catalogue().names(kind) if (spec := components.find(kind, name))]


def _row(spec: ComponentSpec) -> tuple[str, str]:
    told = f"The same as `{spec.alias_of}`" if spec.alias_of else prose(spec.summary)
    return f"`{spec.name}`", told
