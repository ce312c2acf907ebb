"""Draws a model as SVG: a box for every input, layer and output, each below what it takes."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from PIL import ImageFont

from dlkit.recipe.graph import Graph
from dlkit.reporting.layered_layout import Arrangement, arrange, horizontal_centers
from dlkit.reporting.model_boxes import Box, boxes_and_edges, counted

# Lengths in pixels. A drawing of the full width has letters of 11 on a telephone that is 390 wide and leaves it 358.
_LETTERS = 12
_FULL_WIDTH = 380
_WIDEST_BOX = 300
_NARROWEST_BOX = 100
_LANE = 4
_BETWEEN = 10  # boxes or lanes beside each other
_LINE = 16
_PADDING = 8
_MARGIN = 3
_ROW_GAP = 20
_ARROW = 7
_MOST_NAME_LINES = 3

_BREAKS = re.compile(r"(?<=[._:/\- ])|(?<=[a-z0-9])(?=[A-Z])")
_ACCENT = "var(--accent, #0072B2)"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a box stands, or a lane passes a row."""

    center: float
    top: float
    width: float
    height: float

    @property
    def bottom(self) -> float:
        return self.top + self.height


@dataclass(frozen=True, slots=True)
class _Text:
    """The lines of a box: its name, and what else is told of it."""

    name: list[str]
    details: list[str]

    @property
    def height(self) -> float:
        return 2 * _PADDING + _LINE * (len(self.name) + len(self.details))


def model_diagram(graph: Graph, shapes: Mapping[str, str], parameters: Mapping[str, int]) -> str:
    """Draws a model.

    Of a model of more than 30 layers, blocks are drawn as one box each, opened as deep as 30 boxes allow, and repeats that
    follow each other as one box for all.

    Args:
        graph: A complete network.
        shapes: Output shapes as texts by layer; also by input, and by call where a layer is called again.
        parameters: Numbers of parameters by layer.

    Returns:
        One `<svg>` element that takes its colors and its font from the page around it.

    Raises:
        ValueError: A call or an output takes a tensor that nothing before it gives.
    """
    boxes, edges = boxes_and_edges(graph, shapes, parameters)
    arrangement = arrange(len(boxes), edges)
    widths = _widths(boxes, arrangement)
    texts = [_text(box, width - 2 * _PADDING) for box, width in zip(boxes, widths, strict=False)]
    places = _places(arrangement, widths, texts)
    layers = counted(len(graph.layers), "layer")
    weights = counted(sum(parameters.get(layer, 0) for layer in graph.layers), "parameter")
    drawn = [
        '<g fill="none" stroke="currentColor" stroke-width="1.5" opacity="0.6">',
        *(_edge([places[node] for node in path]) for path in arrangement.paths),
        "</g>",
        '<g fill="currentColor" opacity="0.6">',
        *(_arrow(places[target]) for target in sorted({target for _, target in edges})),
        "</g>",
        '<g font-size="12" text-anchor="middle" fill="currentColor" style="font-family: inherit">',
        *(_box(box, text, place) for box, text, place in zip(boxes, texts, places, strict=False)),
        "</g>",
    ]
    return _svg(drawn, places, f"Diagram of the model: {layers}, {weights}")


def _widths(boxes: Sequence[Box], arrangement: Arrangement) -> list[float]:
    """The width of every box and lane: equal for boxes of rows with equally many, and narrow where there are many."""
    of_row = [[node for node in row if node < len(boxes)] for row in arrangement.rows]
    widths: dict[int, float] = {}
    for row, nodes in zip(arrangement.rows, of_row, strict=True):
        lanes = len(row) - len(nodes)
        free = _FULL_WIDTH - 2 * _MARGIN - lanes * _LANE - (len(row) - 1) * _BETWEEN
        most = max(_NARROWEST_BOX, min(_WIDEST_BOX, free / len(nodes)))
        widths[len(nodes)] = min(widths.get(len(nodes), most), most)
    for count, most in widths.items():
        texts = [_natural_width(boxes[node]) for nodes in of_row if len(nodes) == count for node in nodes]
        widths[count] = min(most, max(texts) + 2 * _PADDING)
    by_box = {node: widths[len(nodes)] for nodes in of_row for node in nodes}
    return [by_box.get(node, _LANE) for node in range(sum(map(len, arrangement.rows)))]


def _natural_width(box: Box) -> float:
    return max(_length(box.name), _length(" · ".join(box.details)))


@functools.cache
def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(_LETTERS)


@functools.cache
def _length(text: str) -> float:
    """What a text takes in most fonts that a page may have: more than in a narrow one, and letters of East Asia a square."""
    squares = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return 1.2 * _font().getlength(text) + squares * _LETTERS


def _text(box: Box, width: float) -> _Text:
    name = _broken(_BREAKS.split(box.name), "", width)
    if len(name) > _MOST_NAME_LINES:
        name = [*name[: _MOST_NAME_LINES - 1], "…" + name[-1]]
    return _Text(name, _broken(box.details, " · ", width))


def _broken(pieces: Sequence[str], joint: str, width: float) -> list[str]:
    """Pieces joined to lines of a width; a piece that is wider is broken itself."""
    lines: list[str] = []
    for piece in pieces:
        if lines and _length(lines[-1] + joint + piece) <= width:
            lines[-1] += joint + piece
        elif _length(piece) <= width or len(piece) < 2:
            lines.append(piece)
        else:
            smaller = _BREAKS.split(piece)
            lines += _broken(smaller if len(smaller) > 1 else list(piece), "", width)
    return lines


def _places(arrangement: Arrangement, widths: Sequence[float], texts: Sequence[_Text]) -> list[_Place]:
    """Where all boxes and lanes stand; edges that run far aside have more height to do so."""
    centers = horizontal_centers(arrangement, widths, _BETWEEN, _FULL_WIDTH - 2 * _MARGIN)
    row_of = {node: number for number, row in enumerate(arrangement.rows) for node in row}
    aside = [0.0] * len(arrangement.rows)
    for upper, lower in arrangement.links:
        aside[row_of[lower]] = max(aside[row_of[lower]], abs(centers[upper] - centers[lower]))
    places: dict[int, _Place] = {}
    bottom = float(_MARGIN - _ROW_GAP)
    for row, far in zip(arrangement.rows, aside, strict=True):
        top = bottom + _ROW_GAP + min(_ROW_GAP, far / 6)
        height = max(texts[node].height for node in row if node < arrangement.boxes)
        places |= {node: _Place(centers[node] + _MARGIN, top, widths[node], height) for node in row}
        bottom = top + height
    return [places[node] for node in range(len(widths))]


def _edge(places: Sequence[_Place]) -> str:
    """A line through the places: curved between rows, straight down in them."""
    x, y = places[0].center, places[0].bottom
    drawn = [f"M{x:.1f} {y:.1f}"]
    for place in places[1:]:
        end = place.top - (_ARROW - 1 if place is places[-1] else 0)
        if abs(place.center - x) < 0.1:
            drawn.append(f"V{end:.1f}")
        else:
            middle = (y + end) / 2
            drawn.append(f"C{x:.1f} {middle:.1f} {place.center:.1f} {middle:.1f} {place.center:.1f} {end:.1f}")
        x, y = place.center, place.bottom
        if place is not places[-1]:
            drawn.append(f"V{y:.1f}")
    return f'<path d="{" ".join(drawn)}"/>'


def _arrow(place: _Place) -> str:
    x, y = place.center, place.top
    return f'<path d="M{x - 4:.1f} {y - _ARROW:.1f}H{x + 4:.1f}L{x:.1f} {y:.1f}Z"/>'


def _box(box: Box, text: _Text, place: _Place) -> str:
    frame = 'fill-opacity="0.05" stroke="currentColor" stroke-opacity="0.45"'
    if not box.is_layer:
        frame = f'fill-opacity="0.15" style="fill: {_ACCENT}; stroke: {_ACCENT}"'
    corner = 6 if box.is_layer else min(18.0, place.height / 2)
    drawn = [
        f"<g><title>{escape(' · '.join([box.name, *box.details]))}</title>",
        f'<rect x="{place.center - place.width / 2:.1f}" y="{place.top:.1f}" width="{place.width:.1f}" '
        f'height="{place.height:.1f}" rx="{corner:g}" {frame}/>',
    ]
    y = place.top + (place.height - text.height) / 2 + _PADDING + _LETTERS
    for number, line in enumerate([*text.name, *text.details]):
        look = 'font-weight="600"' if number < len(text.name) else 'opacity="0.8"'
        drawn.append(f'<text x="{place.center:.1f}" y="{y + number * _LINE:.1f}" {look}>{escape(line.strip())}</text>')
    return "".join([*drawn, "</g>"])


def _svg(drawn: Sequence[str], places: Sequence[_Place], label: str) -> str:
    width = max((place.center + place.width / 2 for place in places), default=0) + _MARGIN
    height = max((place.bottom for place in places), default=0) + _MARGIN
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.1f} {height:.1f}" width="100%" role="img" '
            f'aria-label="{escape(label)}" style="max-width: {width:.0f}px">',
            *drawn,
            "</svg>",
        ]
    )
