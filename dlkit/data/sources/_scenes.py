"""Scenes of colored shapes: what may stand in them, how they are drawn, and the sentence that is true of each.

A picture is a grid of three by three places. One thing stands in line with every other, left or right of it in its row,
above or below in its column, so that each relation is beyond doubt. The sentence is about that thing:

    a small red circle is left of a large blue ring and above a small black cross
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from PIL.ImageDraw import ImageDraw

SIZES = ("small", "large")
COLORS = {
    "red": (220, 30, 40),
    "green": (30, 160, 60),
    "blue": (40, 70, 220),
    "orange": (250, 150, 20),
    "purple": (150, 40, 170),
    "black": (20, 20, 20),
}
SHAPES = ("circle", "square", "triangle", "cross", "ring")
RELATIONS = ("left", "right", "above", "below")  # the subject's side of the other thing
# What only the test pictures show: a sixth of the colors on shapes, a tenth of the relations between shapes. Every color,
# shape and relation is among those that are left to train on.
KEPT_LOOKS = {("red", "circle"), ("green", "square"), ("blue", "triangle"), ("orange", "cross"), ("purple", "ring")}
KEPT_PAIRS = {
    ("circle", "left", "circle"),
    ("square", "above", "triangle"),
    ("triangle", "left", "ring"),
    ("cross", "above", "square"),
    ("ring", "left", "cross"),
}
GRID = 3
MOST = 2 * GRID - 1  # things in a row and a column that cross
_FINE = 4  # a picture is drawn so many times larger, for smooth edges
_RADIUS = {"small": 0.26, "large": 0.44}  # of a place's side
_SHIFT = 0.06  # the farthest that a thing stands off the middle of its place, of the place's side


@dataclass(frozen=True, slots=True)
class Thing:
    """One shape of a scene.

    Args:
        size: One of `SIZES`.
        color: One of `COLORS`.
        shape: One of `SHAPES`.
        row: Of the grid, from the top.
        column: Of the grid, from the left.
    """

    size: str
    color: str
    shape: str
    row: int
    column: int

    @property
    def words(self) -> list[str]:
        return ["a", self.size, self.color, self.shape]


def relation(thing: Thing, other: Thing) -> str | None:
    """Where a thing is, seen from another in its row or column; None where they are in neither."""
    if thing.row == other.row and thing.column != other.column:
        return "left" if thing.column < other.column else "right"
    if thing.column == other.column and thing.row != other.row:
        return "above" if thing.row < other.row else "below"
    return None


def related(scene: list[Thing]) -> tuple[Thing, list[tuple[str, Thing]]]:
    """The thing that is in line with every other, the first in reading order, and its relations to them.

    They are told by kind, in the order of `RELATIONS`, and the nearer thing before the farther.
    """
    ordered = sorted(scene, key=lambda thing: (thing.row, thing.column))
    subject = next(t for t in ordered if all(relation(t, other) for other in scene if other is not t))
    told = [(relation(subject, other) or "", other) for other in scene if other is not subject]

    def place(entry: tuple[str, Thing]) -> tuple[int, int]:
        distance = abs(entry[1].row - subject.row) + abs(entry[1].column - subject.column)
        return RELATIONS.index(entry[0]), distance

    return subject, sorted(told, key=place)


def sentence(scene: list[Thing]) -> list[str]:
    """The words that describe a scene."""
    subject, told = related(scene)
    words = subject.words
    for number, (side, other) in enumerate(told):
        words += ["and" if number else "is", side, *(["of"] if side in ("left", "right") else []), *other.words]
    return words


def longest_sentence(things: int) -> int:
    """The most words that a scene of so many things takes."""
    return 4 + 7 * (things - 1)


def is_kept(thing: Thing) -> bool:
    """Whether a thing has a color on a shape that is kept for the test."""
    return (thing.color, thing.shape) in KEPT_LOOKS


def are_kept(thing: Thing, other: Thing) -> bool:
    """Whether two things stand to each other as shapes do in the test only, from whichever of them it is told."""
    pairs = ((thing.shape, relation(thing, other), other.shape), (other.shape, relation(other, thing), thing.shape))
    return any(pair in KEPT_PAIRS for pair in pairs)


def draw_scene(generator: np.random.Generator, things: int) -> list[Thing]:
    """A scene of so many things, no two of the same color and shape."""
    cross = divmod(int(generator.integers(GRID * GRID)), GRID)
    in_line = [(r, c) for r in range(GRID) for c in range(GRID) if (r == cross[0]) != (c == cross[1])]
    places = [cross, *(in_line[int(i)] for i in generator.permutation(len(in_line))[: things - 1])]
    looks = generator.permutation(len(COLORS) * len(SHAPES))[:things]
    sizes = generator.integers(len(SIZES), size=things)
    made = []
    for (row, column), look, size in zip(places, looks.tolist(), sizes.tolist(), strict=True):
        color, shape = tuple(COLORS)[look // len(SHAPES)], SHAPES[look % len(SHAPES)]
        made.append(Thing(SIZES[size], color, shape, row, column))
    return made


def paint(scene: list[Thing], generator: np.random.Generator, size: int) -> np.ndarray:
    """The picture of a scene, uint8 of shape (size, size, 3): on a light ground, things a little off their places."""
    import numpy as np
    from PIL import Image, ImageDraw

    ground = tuple(generator.integers(225, 256, size=3).tolist())
    canvas = Image.new("RGB", (size * _FINE, size * _FINE), ground)
    brush = ImageDraw.Draw(canvas)
    side = size * _FINE / GRID
    for thing in scene:
        shift_x, shift_y = ((2 * generator.random(2) - 1) * _SHIFT * side).tolist()
        x, y = (thing.column + 0.5) * side + shift_x, (thing.row + 0.5) * side + shift_y
        _paint(brush, thing, x, y, _RADIUS[thing.size] * side, ground)
    return np.asarray(canvas.resize((size, size), Image.Resampling.BOX))


def _paint(brush: ImageDraw, thing: Thing, x: float, y: float, r: float, ground: tuple[int, ...]) -> None:
    color = COLORS[thing.color]
    match thing.shape:
        case "circle":
            brush.ellipse((x - r, y - r, x + r, y + r), fill=color)
        case "ring":
            brush.ellipse((x - r, y - r, x + r, y + r), fill=color)
            brush.ellipse((x - r / 2, y - r / 2, x + r / 2, y + r / 2), fill=ground)
        case "square":
            brush.rectangle((x - 0.85 * r, y - 0.85 * r, x + 0.85 * r, y + 0.85 * r), fill=color)
        case "triangle":
            brush.polygon(((x, y - r), (x - r, y + 0.8 * r), (x + r, y + 0.8 * r)), fill=color)
        case "cross":
            brush.rectangle((x - r, y - r / 3, x + r, y + r / 3), fill=color)
            brush.rectangle((x - r / 3, y - r, x + r / 3, y + r), fill=color)
