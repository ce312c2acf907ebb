"""The figures of a report, by the names that `evaluation.figures` knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dlkit.reporting.figures.classes import (
    draw_calibration,
    draw_confusion_matrix,
    draw_decision_map,
    draw_precision_recall,
    draw_roc,
)
from dlkit.reporting.figures.codes import (
    draw_latent_plane,
    draw_latent_walk,
    draw_prior_samples,
    draw_reconstructions,
)
from dlkit.reporting.figures.filters import draw_filters
from dlkit.reporting.figures.maps import (
    draw_component_planes,
    draw_hits,
    draw_u_matrix,
    draw_unit_labels,
    draw_unit_pictures,
)
from dlkit.reporting.figures.numbers import draw_errors_by_step, draw_forecasts, draw_free_running, draw_predictions
from dlkit.reporting.figures.texts import draw_edit_distances, draw_surprise_by_position

# What evaluation.json tells of a target -> a figure, or None where it has nothing to show.
OF_TARGET: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "decision_map": draw_decision_map,
    "confusion_matrix": draw_confusion_matrix,
    "roc": draw_roc,
    "precision_recall": draw_precision_recall,
    "calibration": draw_calibration,
    "predictions": draw_predictions,
    "forecasts": draw_forecasts,
    "errors_by_step": draw_errors_by_step,
    "free_running": draw_free_running,
    "surprise_by_position": draw_surprise_by_position,
    "edit_distances": draw_edit_distances,
    "reconstructions": draw_reconstructions,
    "prior_samples": draw_prior_samples,
    "latent_walk": draw_latent_walk,
    "latent_plane": draw_latent_plane,
    "u_matrix": draw_u_matrix,
    "hits": draw_hits,
    "unit_labels": draw_unit_labels,
    "component_planes": draw_component_planes,
    "unit_pictures": draw_unit_pictures,
    "filters": draw_filters,
}
