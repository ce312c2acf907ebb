"""The picture of a model, read back: its boxes, what its lines join, and that no line runs through a box."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from dataclasses import dataclass
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dlkit
from dlkit.recipe.graph import Call, Component, Graph, Tensor
from dlkit.reporting.layered_layout import arrange
from dlkit.reporting.model_diagram import model_diagram

SVG = "{http://www.w3.org/2000/svg}"
ARROW = 6  # pixels that a line ends above its box


@dataclass
class Box:
    title: list[str]
    lines: list[str]
    left: float
    top: float
    right: float
    bottom: float

    @property
    def name(self):
        return self.title[0]

    @property
    def center(self):
        return (self.left + self.right) / 2


class Picture:
    """An SVG taken apart."""

    def __init__(self, svg: str):
        self.root = ElementTree.fromstring(svg)
        self.width, self.height = (float(part) for part in self.root.get("viewBox").split()[2:])
        self.boxes = [self.box(group) for group in self.root.iter(f"{SVG}g") if group.find(f"{SVG}rect") is not None]
        lines = [path for group in self.root.iter(f"{SVG}g") if group.get("fill") == "none" for path in group]
        self.lines = [points_of(path.get("d")) for path in lines]

    @staticmethod
    def box(group):
        rect = group.find(f"{SVG}rect")
        x, y, width, height = (float(rect.get(key)) for key in ("x", "y", "width", "height"))
        lines = [text.text for text in group.iter(f"{SVG}text")]
        return Box(group.find(f"{SVG}title").text.split(" · "), lines, x, y, x + width, y + height)

    def __getitem__(self, name):
        return next(box for box in self.boxes if box.name == name)

    @property
    def joined(self):
        """What the lines join, by name, as their ends tell."""
        return Counter(
            (self.at(line[0], "bottom", 0).name, self.at(line[-1], "top", ARROW).name) for line in self.lines
        )

    def at(self, point, side, offset):
        x, y = point
        found = [b for b in self.boxes if abs(b.center - x) < 0.2 and abs(getattr(b, side) - y - offset) < 0.2]
        assert len(found) == 1, (point, side)
        return found[0]

    def check(self):
        """What holds for every picture."""
        for box in self.boxes:
            assert 0 <= box.left < box.right <= self.width and 0 <= box.top < box.bottom <= self.height
        for one, other in itertools.combinations(self.boxes, 2):
            aside = one.right <= other.left or other.right <= one.left
            assert aside or one.bottom <= other.top or other.bottom <= one.top, (one.name, other.name)
        for line in self.lines:
            x, y = line.T
            assert (np.diff(y) > -1e-6).all() and x.min() >= 0 and x.max() <= self.width
            for box in self.boxes:
                inside = (x > box.left) & (x < box.right) & (y > box.top + 0.2) & (y < box.bottom - 0.2)
                assert not inside.any(), (box.name, line[0], line[-1])


def points_of(path):
    """Points along a line, close to each other."""
    tokens = iter(re.findall(r"[MCV]|-?[\d.]+", path))
    points = []
    for command in tokens:
        if command == "M":
            points.append(np.array([[float(next(tokens)), float(next(tokens))]]))
            continue
        start, t = points[-1][-1], np.linspace(0, 1, 60)[:, None]
        if command == "V":
            points.append(start + t * (np.array([start[0], float(next(tokens))]) - start))
        else:
            a, b, end = np.array([float(next(tokens)) for _ in range(6)]).reshape(3, 2)
            points.append((1 - t) ** 3 * start + 3 * (1 - t) ** 2 * t * a + 3 * (1 - t) * t**2 * b + t**3 * end)
    return np.concatenate(points)


def graph_of(inputs, layers, outputs):
    """A graph of `name: (class, what it takes)`; a class that begins with `=` calls another layer again."""
    graph = Graph(tuple(inputs))
    for name, (word, *taken) in layers.items():
        layer = word[1:] if word.startswith("=") else name
        graph.layers.setdefault(layer, Component("layer", word))
        tensors = tuple(Tensor(source) for source in taken)
        graph.calls.append(Call(name, layer, tensors[0] if len(tensors) == 1 else tensors))
    graph.outputs = {target: Tensor(name) for target, name in outputs.items()}
    return graph


def drawn(graph, shapes=None, parameters=None):
    picture = Picture(model_diagram(graph, shapes or {}, parameters or {}))
    picture.check()
    return picture


def shipped(name):
    return dlkit.load(name).graphs["model"]


def test_a_chain_stands_in_one_column():
    graph = shipped("digits/cnn")
    picture = drawn(graph, {"conv_block.conv2d": "(8, 8, 32)"}, {"conv_block.conv2d": 9248, "conv_block.re_lu": 0})
    names = ["image", *(call.name for call in graph.calls), "output"]
    assert [box.name for box in picture.boxes] == names
    assert picture.joined == Counter(itertools.pairwise(names))
    assert len({box.center for box in picture.boxes}) == 1
    assert picture["conv_block.conv2d"].lines == ["conv_block.conv2d", "Conv2D · (8, 8, 32) · 9,248 parameters"]
    assert picture["conv_block.re_lu"].lines == ["conv_block.re_lu", "ReLU"]
    assert picture["image"].lines == ["image", "input"]


def test_two_inputs_are_joined():
    picture = drawn(shipped("adult/mlp"))
    assert {("amounts", "concatenate"), ("kinds", "concatenate"), ("numbers", "embedding")} <= set(picture.joined)
    assert picture["numbers"].top == picture["categories"].top
    assert picture["concatenate"].center == pytest.approx(
        (picture["amounts"].center + picture["kinds"].center) / 2, abs=0.2
    )


def test_two_outputs():
    picture = drawn(shipped("fashion_mnist/two_heads"))
    assert [box.title for box in picture.boxes[-2:]] == [["garment", "output"], ["group", "output"]]
    ends = [(line[0], line[-1]) for line in picture.lines[-2:]]
    assert all(abs(start[0] - end[0]) < 0.2 for start, end in ends)


def test_a_skip_runs_beside_the_boxes_that_it_passes():
    layers = {"a": ("Conv2D", "x"), "b": ("Conv2D", "a"), "c": ("Conv2D", "b"), "sum": ("Add", "a", "c")}
    picture = drawn(graph_of(["x"], layers, {"": "sum"}))
    assert picture.joined == Counter(
        [("x", "a"), ("a", "b"), ("b", "c"), ("a", "sum"), ("c", "sum"), ("sum", "output")]
    )
    assert len({box.center for box in picture.boxes}) == 1
    skip = next(
        line for line in picture.lines if line[-1][1] - line[0][1] > picture["b"].bottom - picture["b"].top + 60
    )
    assert skip[:, 0].max() > picture["b"].right


def test_boxes_are_ordered_so_that_lines_do_not_cross():
    layers = {"one": ("Dense", "right"), "two": ("Dense", "left"), "both": ("Add", "one", "two")}
    picture = drawn(graph_of(["left", "right"], layers, {"": "both"}))
    assert (picture["left"].center < picture["right"].center) == (picture["two"].center < picture["one"].center)


def test_long_lines_of_one_box_share_their_lane():
    arrangement = arrange(4, [(0, 1), (1, 2), (2, 3), (0, 2), (0, 3)])
    assert arrangement.rows == [[0], [1, 4], [2, 5], [3]]
    assert arrangement.paths[-2:] == [(0, 4, 2), (0, 4, 5, 3)]


def test_a_layer_that_is_called_again_tells_whose_weights_it_shares():
    layers = {
        "tower": ("Dense", "left"),
        "tower_1": ("=tower", "right"),
        "flat": ("Flatten", "tower"),
        "flat_1": ("=flat", "tower_1"),
        "both": ("Concatenate", "flat", "flat_1"),
    }
    picture = drawn(graph_of(["left", "right"], layers, {"": "both"}), {"tower": "(8)"}, {"tower": 1234, "flat": 0})
    assert picture["tower"].title == ["tower", "Dense", "(8)", "1,234 parameters"]
    assert picture["tower_1"].title == ["tower_1", "Dense", "(8)", "shared weights with tower"]
    assert picture["flat_1"].title == ["flat_1", "Flatten"]
    assert picture.root.get("aria-label") == "Diagram of the model: 3 layers, 1,234 parameters"


def test_arguments_by_name_are_drawn_and_two_of_one_box_are_one_line():
    graph = graph_of(["question", "text"], {"attend": ("MultiHeadAttention", "question")}, {"": "attend"})
    graph.calls[0] = Call(
        "attend", "attend", Tensor("question"), {"value": Tensor("text", 1), "key": Tensor("text"), "training": True}
    )
    assert drawn(graph).joined == Counter([("question", "attend"), ("text", "attend"), ("attend", "output")])


def test_repeats_of_a_layer_in_a_long_model_are_one_box():
    names = ["dense", *(f"dense_{number}" for number in range(1, 60))]
    layers = {name: ("Dense", before) for before, name in itertools.pairwise(["x", *names])}
    parameters = dict.fromkeys(names, 4160)
    picture = drawn(graph_of(["x"], layers, {"": names[-1]}), dict.fromkeys(names, "(64)"), parameters)
    assert [box.name for box in picture.boxes] == ["x", "dense … dense_59 ×\N{NO-BREAK SPACE}60", "output"]
    assert picture.boxes[1].title[1:] == ["Dense", "(64)", "4,160 parameters each"]
    other = drawn(graph_of(["x"], layers, {"": names[-1]}), dict.fromkeys(names, "(64)"), parameters | {"dense_9": 1})
    assert [box.name.partition("×")[2].strip() for box in other.boxes[1:-1]] == ["9", "", "50"]


def test_repeats_of_a_block_in_a_long_model_are_one_box():
    layers, before = {}, "x"
    for number in range(1, 21):
        for word in ("conv", "norm", "act"):
            layers[f"block_{number}.{word}"] = (word.title(), before)
            before = f"block_{number}.{word}"
        if number == 10:
            layers["pool"] = ("MaxPooling2D", before)
            before = "pool"
    graph = graph_of(["x"], layers, {"": before, "early": "block_3.act"})
    picture = drawn(graph, {"block_1.act": "(8)"}, {name: 7 for name in layers if name.endswith(("conv", "norm"))})
    assert [box.name.replace("\N{NO-BREAK SPACE}", " ") for box in picture.boxes] == [
        "x",
        "block_1",
        "block_2 … block_3 × 2",
        "block_4 … block_10 × 7",
        "pool",
        "block_11 … block_20 × 10",
        "output",
        "early",
    ]
    assert picture["block_1"].title == ["block_1", "3 layers", "(8)", "14 parameters"]


def test_blocks_of_a_long_model_stay_open_as_far_as_they_fit():
    picture = drawn(shipped("digits/residual"))
    assert len(picture.boxes) <= 32
    assert picture["residual_1.normalized_conv"].title == ["residual_1.normalized_conv", "3 layers"]
    assert picture.joined[("residual_1.re_lu", "residual_2.add")] == 1


def test_texts_are_escaped_and_nothing_from_outside_is_needed():
    graph = graph_of(['<&>"'], {"a": ("My<\"&'>", '<&>"')}, {"</svg>": "a"})
    svg = model_diagram(graph, {"a": "<script>"}, {})
    picture = Picture(svg)
    assert [box.title for box in picture.boxes] == [
        ['<&>"', "input"],
        ["a", "My<\"&'>", "<script>"],
        ["</svg>", "output"],
    ]
    assert "<script" not in svg and "href" not in svg and "url(" not in svg and " id=" not in svg
    assert "currentColor" in svg and "var(--accent, #0072B2)" in svg


def test_names_of_the_data_may_hold_anything():
    graph = graph_of(["two\nlines\x00", "年齢" * 40], {"a": ("Add", "two\nlines\x00", "年齢" * 40)}, {"\t": "a"})
    picture = drawn(graph)
    assert [box.name for box in picture.boxes[:2]] == ["two lines ", "年齢" * 40]
    assert max(map(len, picture.boxes[1].lines)) * 12 < picture.boxes[1].right - picture.boxes[1].left


def test_long_names_are_broken_and_stay_whole_in_the_title():
    long = "residual_1.normalized_conv.an_unusually_long_name_of_a_layer_that_somebody_once_wrote_into_a_recipe_for_fun"
    heads = {name: ("GlobalAveragePooling2D", long) for name in "abc"}
    picture = drawn(graph_of(["x"], {long: ("Dense", "x"), **heads}, {name: name for name in heads}))
    assert picture[long].name == long and 1 < len(picture[long].lines) <= 4
    assert picture["a"].lines == ["a", "GlobalAverage", "Pooling2D"]
    assert picture.width <= 380  # letters of 12 pixels are 11 on a telephone


def test_the_same_graph_gives_the_same_picture():
    graph = shipped("adult/mlp")
    assert model_diagram(graph, {}, {}) == model_diagram(shipped("adult/mlp"), {}, {})


def test_a_tensor_from_nowhere_is_refused():
    with pytest.raises(ValueError, match="Received: 'nowhere'"):
        model_diagram(graph_of(["x"], {"a": ("Dense", "nowhere")}, {"": "a"}), {}, {})
    with pytest.raises(ValueError, match="Received"):
        arrange(2, [(1, 0)])


@settings(max_examples=40)
@given(st.integers(1, 3), st.lists(st.sets(st.integers(0, 99), min_size=1, max_size=3)))
def test_lines_never_run_through_boxes(inputs, layers):
    names = [f"in{number}" for number in range(inputs)]
    graph = Graph(tuple(names))
    for number, taken in enumerate(layers):
        sources = sorted({names[source % len(names)] for source in taken})
        graph.layers[f"a{number}"] = Component("layer", "Dense" * (1 + number % 4))
        graph.calls.append(Call(f"a{number}", f"a{number}", tuple(map(Tensor, sources))))
        names.append(f"a{number}")
    graph.outputs = {"": Tensor(names[-1]), "other": Tensor(names[len(names) // 2])}
    boxes = drawn(graph).boxes
    assert len(boxes) == inputs + len(layers) + 2 or len(layers) > 30
