"""How well the units of a map stand for the examples, and its grid for their order."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, ClassVar

import keras
import numpy as np

from dlkit.data.arrays import Arrays, take
from dlkit.data.feed import Feed
from dlkit.evaluation.tasks.task import Context, Result, Shown, Task, averages
from dlkit.models.map_grid import neighbors
from dlkit.models.map_units import units_of

_AT_ONCE = 1024  # examples
_PLANES = 16  # values of an example that have a plane each
_SHADES = 255


class SelfOrganization(Task):
    """Quantization error, topographic error, and how often the label of the nearest unit is right.

    The quantization error is the mean distance to the nearest unit; the topographic error the share of examples whose two
    nearest units are no neighbors on the grid (Kiviluoto, 1996, "Topology preservation in self-organizing maps"). Where
    the data have classes, a unit is labeled by the class of most training examples that it is nearest to; one that is
    nearest to none has no label, and is wrong.
    """

    name: ClassVar[str] = "self_organization"

    def reduce(self, truth: np.ndarray, output: np.ndarray) -> tuple[np.ndarray, ...]:
        nearest = output.argmin(axis=-1)
        rows = np.arange(len(output))
        distance = output[rows, nearest].astype(np.float64)
        others = output.copy()
        others[rows, nearest] = np.inf
        return nearest, others.argmin(axis=-1), distance

    def measure(
        self, nearest: np.ndarray, second: np.ndarray, distance: np.ndarray, classes: np.ndarray | None = None
    ) -> Result:
        context = self._context()
        rows, columns, grid = (context.arguments[name] for name in ("rows", "columns", "grid"))
        adjacent = neighbors(rows, columns, grid)
        torn = ~adjacent[nearest, second] & (nearest != second)
        values = {"quantization_error": distance, "topographic_error": torn.astype(np.float64)}
        known = self._labels()
        if known is not None and classes is not None:
            values["accuracy"] = (known[nearest] == classes).astype(np.float64)
        labels = None if known is None else [None if number < 0 else self.label(number) for number in known]
        units = keras.ops.convert_to_numpy(units_of(context.model))
        details = {
            "map": {
                "rows": rows,
                "columns": columns,
                "grid": grid,
                "hits": np.bincount(nearest, minlength=len(units)).tolist(),
                "u_matrix": _to_neighbors(units, adjacent).tolist(),
                "labels": labels,
                **self._of_units(units),
            }
        }

        def shown(row: int) -> Shown:
            unit = nearest[row]
            place = f"row {unit // columns + 1}, column {unit % columns + 1}, distance {distance[row]:.4g}"
            true = "" if classes is None else self.label(classes[row])
            return Shown(row, true, (labels[unit] or "no label") if labels else place, place if labels else "")

        recount = averages(values)
        return Result(recount(np.ones(len(distance))), recount, details, np.argsort(-distance, kind="stable"), shown)

    def _context(self) -> Context:
        if self.context is None:
            raise ValueError(f"A map is measured in its context. Received: context={self.context!r}")
        return self.context

    def _labels(self) -> np.ndarray | None:
        """The class of each unit, -1 where it has none; None where there are no training examples with classes."""
        context = self._context()
        held_against = context.train.targets.get(self.target.held_against or "") if context.train else None
        if context.train is None or held_against is None:
            return None
        classes = np.asarray(take(held_against, np.arange(len(held_against)))).reshape(-1).astype(int)
        units = context.arguments["rows"] * context.arguments["columns"]
        won = np.zeros((units, self.target.classes or classes.max() + 1), np.int64)
        np.add.at(won, (_nearest(context.model, context.train.features), classes), 1)
        return np.where(won.any(axis=1), won.argmax(axis=1), -1)

    def _of_units(self, units: np.ndarray) -> dict[str, Any]:
        """The units as what they stand for: pictures, or the planes of their components."""
        (feature,) = self._context().features.values()
        shape = self.target.shape or ()
        if len(shape) == 3 and shape[-1] in (1, 3):
            low, high = float(units.min()), float(units.max())
            shades = np.round((units - low) / ((high - low) or 1.0) * _SHADES).astype(np.uint8)
            return {"pictures": {"shape": list(shape), "shades": base64.b64encode(shades.tobytes()).decode()}}
        if units.shape[1] > _PLANES:
            return {}
        names = feature.columns or [f"value {number + 1}" for number in range(units.shape[1])]
        return {"planes": {name: plane.tolist() for name, plane in zip(names, units.T, strict=True)}}


def _to_neighbors(units: np.ndarray, adjacent: np.ndarray) -> np.ndarray:
    """The mean distance of each unit to its neighbors on the grid: its place of the U-matrix."""
    return np.array(
        [
            np.linalg.norm(units[near] - unit, axis=-1).mean() if near.any() else 0.0
            for unit, near in zip(units, adjacent, strict=True)
        ]
    )


def _nearest(model: keras.Model, features: Mapping[str, Any]) -> np.ndarray:
    """The unit that each example is nearest to."""
    feed = Feed(Arrays(dict(features), {}), batch_size=_AT_ONCE, shuffle=False)
    return np.concatenate([np.argmin(model.predict_on_batch(x), axis=-1) for (x,) in feed])
