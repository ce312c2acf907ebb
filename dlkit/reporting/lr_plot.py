"""The picture of a learning-rate range test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dlkit.runs.atomic import replacing
from dlkit.training.lr_range import RateRange

_BLUE, _ORANGE, _GRAY = "#0072B2", "#D55E00", "#999999"  # Okabe and Ito's, told apart by the color-blind too


def draw_rates(measured: RateRange, present: float | None, folder: Path) -> list[Path]:
    """Draws loss over learning rate as PNG and SVG.

    Args:
        measured: What the test measured.
        present: The rate that the recipe has now, where it is one number.
        folder: Where the files go.

    Returns:
        The files.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes: Any = figure.add_subplot()
    axes.set_xscale("log")
    axes.plot(measured.rates, measured.losses, color=_GRAY, linewidth=0.8, alpha=0.6, label="loss of each step")
    axes.plot(measured.rates, measured.smoothed, color=_BLUE, linewidth=2, label="smoothed")
    if measured.suggestion is not None:
        axes.axvline(measured.suggestion, color=_ORANGE, label=f"steepest descent: {measured.suggestion:.2g}")
    if present is not None:
        axes.axvline(present, color="black", linestyle=":", label=f"the recipe's: {present:.2g}")
    finite = measured.smoothed
    room = 0.1 * (finite.max() - finite.min()) or 1.0
    axes.set_ylim(finite.min() - 2 * room, finite.max() + room)
    axes.set_xlabel("learning rate")
    axes.set_ylabel("training loss")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower left")
    files = [folder / f"learning_rate.{suffix}" for suffix in ("png", "svg")]
    folder.mkdir(parents=True, exist_ok=True)
    for path in files:
        with replacing(path) as temporary:
            figure.savefig(temporary, dpi=150)
    return files
