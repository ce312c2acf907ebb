"""The figures of a report: as files beside it, and as elements of its page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dlkit.reporting.figures.style import on_page, on_white, to_png, to_svg
from dlkit.runs.atomic import write_bytes, write_text
from dlkit.runs.folder import RunFolder

_CAPTIONS = {
    "curves": "Loss, metrics and learning rate, epoch by epoch",
    "confusion_matrix": "Confusion matrix: examples of each true class, shaded by their share of it",
    "roc": "ROC curve: each class against the rest",
    "precision_recall": "Precision and recall: each class against the rest",
    "calibration": "Calibration: how often the model is right when it is so sure",
    "decision_map": "What the model says over the plane of its two inputs, and the examples",
    "predictions": "Predictions beside the truth, and the spread of the errors",
    "forecasts": "Forecasts from the first to the last example",
    "errors_by_step": "Errors by how far ahead the forecast looks",
    "free_running": "Running free: the model goes on from its own forecasts",
    "surprise_by_position": "How unexpected tokens are, by their place in the window",
    "edit_distances": "How far answers are from the truth",
    "reconstructions": "Examples, and what the model gives back of them",
    "prior_samples": "What codes drawn from the standard normal distribution stand for",
    "latent_walk": "From the code of one example to that of another, in even steps",
    "latent_plane": "Where examples lie by their codes",
    "u_matrix": "U-matrix: how far each unit is from its neighbors",
    "hits": "How many examples each unit is nearest to",
    "unit_labels": "The class of most training examples that each unit is nearest to",
    "component_planes": "Component planes: each value, unit by unit",
    "unit_pictures": "What the units stand for",
    "filters": "What the units of the first layer look for: weights above 0 are light, those below dark",
}
_WIDE = (
    "predictions",
    "forecasts",
    "free_running",
    "component_planes",
    "unit_pictures",
    "filters",
    "reconstructions",
    "latent_walk",
)


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
    """Draws figures, keeps them as files, and gives them back for the page."""

    run: RunFolder
    wanted: Sequence[str] | None
    _count: int = 0

    def add(self, kind: str, target: str, figure: Any) -> dict[str, Any] | None:
        """A figure for the page, and its two files; None where there is none."""
        if figure is None:
            return None
        self.run.figures.mkdir(exist_ok=True)
        path = self.run.figures / figure_file(target, kind, several=bool(target))
        write_bytes(path, to_png(figure))
        svg = self._svg(figure)
        write_text(path.with_suffix(".svg"), on_white(svg))
        return {"caption": _CAPTIONS[kind], "svg": on_page(svg, _CAPTIONS[kind]), "wide": kind in _WIDE}

    def inline(self, caption: str, figure: Any) -> dict[str, Any]:
        """A figure for the page only."""
        return {"caption": caption, "svg": on_page(self._svg(figure), caption), "wide": False}

    def _svg(self, figure: Any) -> str:
        self._count += 1
        return to_svg(figure, f"figure-{self._count}")

    def wants(self, kind: str) -> bool:
        return self.wanted is None or kind in self.wanted
