"""Figures of classes: which are mistaken for which, and how well scores tell them apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dlkit.recipe.registry import register
from dlkit.reporting.figures.style import COLORS, finish, new_figure

_NUMBERED = 20  # classes up to which each cell of a matrix has its number
_NAMED = 60  # classes up to which each row has its name
_LONGEST = 18  # characters of a name


@register(kind="figure", needs=["decision_map"])
def decision_map(details: Mapping[str, Any], /) -> Any:
    """What the model says over the plane of its two inputs, and the examples."""
    import numpy as np

    told, labels = details["decision_map"], details["labels"]
    across, up = told["sides"]
    figure = new_figure(4.6, 3.9)
    axes = figure.subplots()
    said, truth, points = np.array(told["classes"]), np.array(told["truth"]), np.array(told["points"])
    colors = [COLORS[number % len(COLORS)] for number in range(len(labels))]
    heights, edges = (np.array(told["lead"]), np.array([-2, 0, 2])) if "lead" in told else (said, _between(labels))
    axes.contourf(across, up, heights, levels=edges, colors=colors, alpha=0.25)
    if said.min() < said.max():
        axes.contour(across, up, heights, levels=edges[1:-1], colors=[COLORS[-1]], linewidths=1)
    for number, label in enumerate(labels):
        of_class = points[truth == number]
        axes.scatter(*of_class.T, s=28, color=colors[number], edgecolors="white", linewidths=0.6, label=_short(label))
    finish(axes, *told["axes"])
    return figure


@register(kind="figure", needs=["confusion_matrix"], tensorboard=True)
def confusion_matrix(details: Mapping[str, Any], /) -> Any:
    """Confusion matrix: examples of each true class, shaded by their share of it."""
    import numpy as np

    matrix = np.array(details["confusion_matrix"])
    labels, classes = details["labels"], len(matrix)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    side = min(9.0, 2.4 + 0.42 * classes)
    figure = new_figure(side, side * 0.9)
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="equal")
    if classes <= _NUMBERED:
        for (row, column), count in np.ndenumerate(matrix):
            if count:
                color = "white" if shares[row, column] > 0.5 else "#333333"
                axes.text(column, row, f"{count:,}", ha="center", va="center", fontsize=7, color=color)
    if classes <= _NAMED:
        names = [_short(label) for label in labels]
        axes.set_xticks(range(classes), names, rotation=90 if max(map(len, names)) > 2 else 0, fontsize=8)
        axes.set_yticks(range(classes), names, fontsize=8)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    return figure


@register(kind="figure", needs=["curves"])
def roc(details: Mapping[str, Any], /) -> Any:
    """ROC curve: each class against the rest."""
    return _draw(details["curves"], "roc", "auc", "false positive rate", "true positive rate", diagonal=True)


@register(kind="figure", needs=["curves"])
def precision_recall(details: Mapping[str, Any], /) -> Any:
    """Precision and recall: each class against the rest."""
    return _draw(details["curves"], "precision_recall", "average_precision", "recall", "precision")


@register(kind="figure", needs=["calibration"])
def calibration(details: Mapping[str, Any], /) -> Any:
    """Calibration: how often the model is right when it is so sure."""
    bins = details["calibration"]
    figure = new_figure(4.6, 4.4)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    confidence = [each["confidence"] for each in bins]
    above.plot([0, 1], [0, 1], color=COLORS[-1], linestyle=":", label="as sure as right")
    above.plot(
        confidence, [each["accuracy"] for each in bins], color=COLORS[0], marker="o", markersize=4, label="model"
    )
    above.set_ylim(0, 1.02)
    below.bar(confidence, [each["examples"] for each in bins], width=0.03, color=COLORS[4])
    below.set_xlim(min(0.5, *confidence) - 0.02, 1.02)
    finish(above, "", "accuracy")
    finish(below, "confidence", "examples")
    return figure


def _draw(curves: Mapping[str, Any], kind: str, area: str, x: str, y: str, *, diagonal: bool = False) -> Any:
    figure = new_figure(4.6, 4.4 if len(curves) < 4 else 5.4)
    axes = figure.subplots()
    if diagonal:
        axes.plot([0, 1], [0, 1], color=COLORS[-1], linestyle=":")
    for number, (label, curve) in enumerate(curves.items()):
        style = "-" if number < len(COLORS) else "--"
        told = f"{_short(label)} {curve[area]:.3f}"
        axes.plot(*curve[kind], color=COLORS[number % len(COLORS)], linestyle=style, linewidth=1.4, label=told)
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.01, 1.02)
    finish(axes, x, y, legend=False)
    axes.legend(
        frameon=False, fontsize=8, title="area", title_fontsize=8, loc="lower right" if diagonal else "lower left"
    )
    return figure


def _short(label: str) -> str:
    return label if len(label) <= _LONGEST else label[: _LONGEST - 1] + "…"


def _between(labels: Sequence[str]) -> Any:
    import numpy as np

    return np.arange(len(labels) + 1) - 0.5
