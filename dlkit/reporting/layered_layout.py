"""Places boxes in rows so that every edge runs downward and none runs through a box.

Rows, and the order in each: Sugiyama, Tagawa and Toda (1981), doi:10.1109/TSMC.1981.4308636. Places in a row: the least
sum of horizontal distances, as in Gansner, Koutsofios, North and Vo (1993), doi:10.1109/32.221135, section 4.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array

_SWEEPS = 4  # down, up, down, up
_STRAIGHT_LANE, _BYPASS = 8.0, 0.2  # weights of distances; that of one box from another is 1
_TOO_WIDE, _LEFTWARD = 1000.0, 1e-4

Row = list[int]


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Boxes, and lanes for the edges that pass a row.

    Args:
        boxes: How many there are; the nodes from this number on are lanes.
        rows: The nodes of each row from left to right, topmost row first.
        paths: For each edge the nodes that it passes, its two boxes included.
    """

    boxes: int
    rows: list[Row]
    paths: list[tuple[int, ...]]

    @property
    def links(self) -> list[tuple[int, int]]:
        """What is joined from one row to the next."""
        return list(dict.fromkeys(pair for path in self.paths for pair in itertools.pairwise(path)))


def arrange(boxes: int, edges: Sequence[tuple[int, int]]) -> Arrangement:
    """Puts every box one row below the lowest of those that it takes, and orders the rows to have few crossings.

    Long edges of one box share their lanes.

    Args:
        boxes: How many there are.
        edges: From box to box, by number.

    Raises:
        ValueError: An edge does not lead to a box of a higher number.
    """
    if not all(0 <= source < target < boxes for source, target in edges):
        raise ValueError(f"Edges lead from a box to one of a higher number, below {boxes}. Received: edges={edges}")
    depth = [0] * boxes
    for source, target in sorted(edges, key=lambda edge: edge[1]):
        depth[target] = max(depth[target], depth[source] + 1)
    lanes: dict[tuple[int, int], int] = {}
    paths = []
    for source, target in edges:
        passed = range(depth[source] + 1, depth[target])
        paths.append((source, *(lanes.setdefault((source, row), boxes + len(lanes)) for row in passed), target))
    rows: list[Row] = [[] for _ in range(max(depth, default=-1) + 1)]
    for node, row in [*enumerate(depth), *((lane, row) for (_, row), lane in lanes.items())]:
        rows[row].append(node)
    return _with_few_crossings(Arrangement(boxes, rows, paths))


def _with_few_crossings(given: Arrangement) -> Arrangement:
    """Orders each row by the mean places of what it is joined to, in sweeps; the best order met is kept."""
    above, below = _neighbors(given)
    best, fewest = given.rows, _crossings(given.rows, below)
    rows = given.rows
    for sweep in range(_SWEEPS):
        rows = list(reversed(rows)) if sweep % 2 else list(rows)
        for number in range(1, len(rows)):
            rows[number] = _sorted_by_means(rows[number], rows[number - 1], below if sweep % 2 else above)
        rows = list(reversed(rows)) if sweep % 2 else rows
        crossings = _crossings(rows, below)
        if crossings < fewest:
            best, fewest = rows, crossings
    return Arrangement(given.boxes, best, given.paths)


def _sorted_by_means(row: Row, beside: Row, joined: list[Row]) -> Row:
    place = {node: number for number, node in enumerate(beside)}
    means = {
        node: float(np.mean([place[other] for other in joined[node]])) if joined[node] else float(number)
        for number, node in enumerate(row)
    }
    return sorted(row, key=means.__getitem__)


def _crossings(rows: list[Row], below: list[Row]) -> int:
    total = 0
    for upper, lower in itertools.pairwise(rows):
        place = {node: number for number, node in enumerate(lower)}
        ends = [sorted(place[other] for other in below[node]) for node in upper]
        for number, right in enumerate(ends):
            total += sum(a > b for left in ends[:number] for a in left for b in right)
    return total


def _neighbors(arrangement: Arrangement) -> tuple[list[Row], list[Row]]:
    """What each node is joined to in the row above, and in the row below."""
    count = sum(map(len, arrangement.rows))
    above: list[Row] = [[] for _ in range(count)]
    below: list[Row] = [[] for _ in range(count)]
    for upper, lower in arrangement.links:
        above[lower].append(upper)
        below[upper].append(lower)
    return above, below


def horizontal_centers(arrangement: Arrangement, widths: Sequence[float], gap: float, limit: float) -> list[float]:
    """Where the nodes stand: no two of a row closer than `gap`, edges as straight as that allows.

    Args:
        widths: Of all nodes, lanes included.
        gap: Between neighbors in a row.
        limit: The width that is kept if the rows allow it, at the cost of straightness.
    """
    terms = list(_distances(arrangement))
    nodes, wide = len(widths), len(widths)
    bounds: list[tuple[dict[int, float], float]] = []  # sums of coefficients times variables, at most a number
    for number, (coefficients, _) in enumerate(terms):
        distance = nodes + 1 + number
        bounds += [({**coefficients, distance: -1.0}, 0.0)]
        bounds += [({**{node: -value for node, value in coefficients.items()}, distance: -1.0}, 0.0)]
    for row in arrangement.rows:
        for left, right in itertools.pairwise(row):
            bounds.append(({left: 1.0, right: -1.0}, -(widths[left] + widths[right]) / 2 - gap))
    bounds += [({node: 1.0, wide: -1.0}, -width / 2) for node, width in enumerate(widths)]
    cost = [_LEFTWARD] * nodes + [_TOO_WIDE] + [weight for _, weight in terms]
    lowest = [width / 2 for width in widths] + [limit] + [0.0] * len(terms)
    entries = [(row, column, value) for row, (sides, _) in enumerate(bounds) for column, value in sides.items()]
    rows, columns, values = zip(*entries, strict=True)
    matrix = csr_array((values, (rows, columns)), shape=(len(bounds), len(cost)))
    found = linprog(cost, matrix, [most for _, most in bounds], bounds=[(low, None) for low in lowest], method="highs")
    return [float(value) for value in found.x[:nodes]]


def _distances(arrangement: Arrangement) -> Iterator[tuple[dict[int, float], float]]:
    """What is to be small: a node's distance from the middle of those above it, and below; with its weight.

    A lane that passes by boxes of the same source draws those less, so that the boxes stand in line.
    """
    above, below = _neighbors(arrangement)
    boxes = arrangement.boxes
    bypasses = {
        node for path in arrangement.paths if any(other < boxes for other in below[path[0]]) for node in path[1:-1]
    }
    for node in range(len(above)):
        for others in (above[node], below[node]):
            strong, weak = _by_strength(node, others, boxes, bypasses)
            if strong:
                is_lane = node >= boxes and min(strong) >= boxes
                middle = {other: -1.0 / len(strong) for other in strong}
                yield {node: 1.0, **middle}, _STRAIGHT_LANE if is_lane else 1.0
            for other in weak:
                yield {node: 1.0, other: -1.0}, _BYPASS


def _by_strength(node: int, others: Iterable[int], boxes: int, bypasses: set[int]) -> tuple[Row, Row]:
    lanes = [other for other in others if other >= boxes]
    if node >= boxes and lanes:
        return lanes, []
    weak = [other for other in others if node in bypasses or other in bypasses]
    return [other for other in others if other not in weak], weak
