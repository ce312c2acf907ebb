"""The figures of a report: as files beside it, and as elements of its page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dlkit.reporting.figures import Figure
from dlkit.reporting.figures.style import on_page, on_white, to_png, to_svg
from dlkit.runs.atomic import write_bytes, write_text
from dlkit.runs.folder import RunFolder


def figure_file(target: str, kind: str, *, several: bool) -> str:
    """The name of a figure's PNG.

    Args:
        target: The target that it is of.
        kind: What it shows.
        several: Whether there are several targets.
    """
    return f"{target}-{kind}.png" if several else f"{kind}.png"


@dataclass
class Figures:
    """Draws figures, keeps them as files, and gives them back for the page.

    Args:
        run: Its files.
        wanted: The figures that are drawn where there is something to show.
    """

    run: RunFolder
    wanted: Sequence[Figure]
    _count: int = 0

    def draw(self, details: Mapping[str, Any], target: str = "") -> list[dict[str, Any]]:
        """The figures that are drawn from these details, for the page; each has two files.

        Args:
            details: Those of a target, or of the training.
            target: The target, where there are several.
        """
        drawn = ((each, each.draw(details)) for each in self.wanted)
        return [self._kept(each, figure, target) for each, figure in drawn if figure is not None]

    def _kept(self, known: Figure, figure: Any, target: str) -> dict[str, Any]:
        self.run.figures.mkdir(exist_ok=True)
        path = self.run.figures / figure_file(target, known.name, several=bool(target))
        write_bytes(path, to_png(figure))
        svg = self._svg(figure)
        write_text(path.with_suffix(".svg"), on_white(svg))
        return {"caption": known.caption, "svg": on_page(svg, known.caption), "wide": known.wide}

    def inline(self, caption: str, figure: Any) -> dict[str, Any]:
        """A figure for the page only."""
        return {"caption": caption, "svg": on_page(self._svg(figure), caption), "wide": False}

    def _svg(self, figure: Any) -> str:
        self._count += 1
        return to_svg(figure, f"figure-{self._count}")
