"""The figures of a report, registered in the files beside this one, which each hold those of one subject.

    @register(kind="figure", needs=["errors"], wide=True)
    def histogram(details: Mapping[str, Any], /) -> Any:
        \"\"\"How large the errors are.\"\"\"

The first line of what it says of itself is its caption. It is given what evaluation.json tells of a target, and gives a
figure of matplotlib, or None where there is nothing to show. In a report they stand in the order of the files, and in those
of the functions. The decorator's words:
    needs: The details that it is drawn from; without one of them it is not. `training` is that of the whole run.
    wide: Whether it is as wide as the page.
    tensorboard: Whether TensorBoard shows it too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dlkit.recipe.components import Components, load_component


@dataclass(frozen=True, slots=True)
class Figure:
    """A registered figure.

    Args:
        name: As `evaluation.figures` has it, and its files.
        caption: What it shows.
        needs: The details that it is drawn from.
        wide: Whether it is as wide as the page.
        function: Draws it from the details of a target.
    """

    name: str
    caption: str
    needs: tuple[str, ...]
    wide: bool
    function: Callable[[Mapping[str, Any]], Any]

    def draw(self, details: Mapping[str, Any]) -> Any:
        """A figure of matplotlib; None where the details have nothing for it."""
        return self.function(details) if all(details.get(name) for name in self.needs) else None


def figures_of(components: Components, names: Iterable[str] | None = None) -> list[Figure]:
    """The figures that a recipe may draw, in the order of a report.

    Args:
        components: Those that the recipe knows; its plugins were imported.
        names: Of those that are wanted; None: all but what installed packages offer.
    """
    known = components.declarations("figure")
    if names is not None:
        named = {name: components.declaration("figure", name) for name in names}
        known = [each for each in known if each.spec.name in named]
        known += [each for each in named.values() if each and each not in known]
    return [
        Figure(
            each.spec.name,
            each.spec.summary.removesuffix("."),
            tuple(each.declared["needs"]),
            each.declared.get("wide", False),
            load_component(each),
        )
        for each in known
    ]
