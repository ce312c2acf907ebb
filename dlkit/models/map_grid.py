"""The grid on which the units of a self-organizing map lie: where they are, and which are neighbors.

Units are numbered row by row. On a hexagonal grid every second row is moved by half a unit, so that each unit has six
neighbors, all of them at the distance 1; on a rectangular one it has eight, those across the corner included, as MiniSom
counts them.
"""

from __future__ import annotations

import math

import numpy as np

_FARTHEST = {"rectangular": math.sqrt(2), "hexagonal": 1.0}  # neighbor
_SLACK = 1e-3


def positions(rows: int, columns: int, grid: str) -> np.ndarray:
    """Where the units lie, float64 of shape (units, 2): down and across, in distances between units of a row."""
    if grid not in _FARTHEST:
        raise ValueError(f"`grid` is one of {', '.join(_FARTHEST)}. Received: grid={grid!r}")
    down, across = (each.ravel().astype(np.float64) for each in np.mgrid[:rows, :columns])
    if grid == "hexagonal":
        return np.stack([down * math.sqrt(3) / 2, across + (down % 2) / 2], axis=1)
    return np.stack([down, across], axis=1)


def squared_distances(places: np.ndarray) -> np.ndarray:
    """Between every two of some places, of shape (places, places)."""
    return np.square(places[:, None] - places[None]).sum(axis=-1)


def neighbors(rows: int, columns: int, grid: str) -> np.ndarray:
    """Which units are neighbors, bool of shape (units, units); none is its own."""
    apart = np.sqrt(squared_distances(positions(rows, columns, grid)))
    return (apart > _SLACK) & (apart < _FARTHEST[grid] + _SLACK)
