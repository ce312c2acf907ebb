"""What the picture of a model shows: boxes for inputs, layers and outputs, those of a long model closed to blocks."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dlkit.recipe.graph import Call, Graph, Tensor

_MOST_BOXES = 30  # that layers are drawn in before blocks are closed
_NUMBER = re.compile(r"_\d+$")


@dataclass(frozen=True, slots=True)
class Box:
    """A box with its texts: what it is called, and what is told of it."""

    name: str
    details: tuple[str, ...]
    is_layer: bool = True


@dataclass(frozen=True, slots=True)
class _Part:
    """Calls that are drawn in one box: one, or those of a block."""

    name: str
    calls: tuple[Call, ...]


def boxes_and_edges(
    graph: Graph, shapes: Mapping[str, str], parameters: Mapping[str, int]
) -> tuple[list[Box], list[tuple[int, int]]]:
    """The boxes, each after those that it takes, and what leads from one to another, by number.

    Args:
        graph: A complete network.
        shapes: Output shapes as texts by layer; also by input, and by call where a layer is called again.
        parameters: Numbers of parameters by layer.

    Raises:
        ValueError: A call or an output takes a tensor that nothing before it gives.
    """
    return _Reader(graph, shapes, parameters).boxes_and_edges()


def counted(count: int, word: str) -> str:
    """A number with its noun."""
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


@dataclass(frozen=True, slots=True)
class _Reader:
    """Makes boxes of a graph."""

    graph: Graph
    shapes: Mapping[str, str]
    parameters: Mapping[str, int]

    def boxes_and_edges(self) -> tuple[list[Box], list[tuple[int, int]]]:
        runs = self._runs()
        inputs = [Box(_printable(name), ("input", *self._shape(name)), is_layer=False) for name in self.graph.inputs]
        outputs = [
            Box(_printable(target) or "output", ("output",) if target else (), is_layer=False)
            for target in self.graph.outputs
        ]
        boxes = [*inputs, *self._layer_boxes(runs), *outputs]
        where = {name: number for number, name in enumerate(self.graph.inputs)}
        taken: list[tuple[str, int]] = []
        for number, run in enumerate(runs, len(inputs)):
            for call in itertools.chain.from_iterable(part.calls for part in run):
                taken += [(tensor.call, number) for tensor in _tensors(call)]
                where[call.name] = number
        taken += [
            (tensor.call, number)
            for number, tensor in enumerate(self.graph.outputs.values(), len(boxes) - len(outputs))
        ]
        for name, _ in taken:
            if name not in where:
                raise ValueError(f"A tensor comes from an input or a call of the graph. Received: {name!r}")
        edges = dict.fromkeys((where[name], number) for name, number in taken if where[name] != number)
        return boxes, list(edges)

    def _runs(self) -> list[list[_Part]]:
        """What is drawn in one box: a call, a block, or several that are alike and follow each other."""
        calls = self.graph.calls
        if len(calls) <= _MOST_BOXES:
            return [[_Part(call.name, (call,))] for call in calls]
        runs: list[list[_Part]] = []
        for depth in range(max(call.name.count(".") for call in calls), -1, -1):
            runs = self._joined(_parts(calls, depth))
            if len(runs) <= _MOST_BOXES:
                break
        return runs

    def _joined(self, parts: list[_Part]) -> list[list[_Part]]:
        """Puts parts together that are alike and take nothing but the one before."""
        where = {call.name: number for number, part in enumerate(parts) for call in part.calls}
        before: list[set[int | str]] = [set() for _ in parts]
        after: list[set[int | str]] = [set() for _ in parts]
        for number, part in enumerate(parts):
            for tensor in itertools.chain.from_iterable(map(_tensors, part.calls)):
                source = where.get(tensor.call, tensor.call)
                if source != number:
                    before[number].add(source)
                    if isinstance(source, int):
                        after[source].add(number)
        for target, tensor in self.graph.outputs.items():
            if tensor.call in where:
                after[where[tensor.call]].add(target)
        owners = self._owners(parts)
        runs: list[list[_Part]] = []
        for number, part in enumerate(parts):
            follows = number > 0 and before[number] == {number - 1} and after[number - 1] == {number}
            if follows and self._kind(part, owners) == self._kind(parts[number - 1], owners):
                runs[-1].append(part)
            else:
                runs.append([part])
        return runs

    def _kind(self, part: _Part, owners: Mapping[str, str]) -> tuple[object, ...]:
        """What repeats have in common."""
        inside = tuple((call.name.removeprefix(part.name), self.graph.layers[call.layer].name) for call in part.calls)
        return _NUMBER.sub("", part.name), inside, self._details(part, owners)

    def _owners(self, parts: Sequence[_Part]) -> dict[str, str]:
        """The part that a layer is called in first, by layer."""
        owners: dict[str, str] = {}
        for part in parts:
            for call in part.calls:
                owners.setdefault(call.layer, part.name)
        return owners

    def _layer_boxes(self, runs: list[list[_Part]]) -> Iterator[Box]:
        owners = self._owners([part for run in runs for part in run])
        for run in runs:
            if len(run) == 1:
                yield Box(run[0].name, self._details(run[0], owners))
            else:
                name = f"{run[0].name} … {run[-1].name} ×\N{NO-BREAK SPACE}{len(run)}"
                yield Box(name, self._details(run[0], owners, " each"))

    def _details(self, part: _Part, owners: Mapping[str, str], each: str = "") -> tuple[str, ...]:
        """What is told of a part: class or number of layers, output shape, parameters."""
        layers = list(dict.fromkeys(call.layer for call in part.calls))
        is_call = part.calls[0].name == part.name
        what = self.graph.layers[layers[0]].name if is_call else counted(len(layers), "layer")
        count = sum(self.parameters.get(layer, 0) for layer in layers if owners[layer] == part.name)
        told = [what, *self._shape(part.calls[-1].name, part.calls[-1].layer)]
        if count:
            told.append(counted(count, "parameter") + each)
        told += self._shared(part, owners)
        return tuple(told)

    def _shared(self, part: _Part, owners: Mapping[str, str]) -> list[str]:
        """Whose weights a part uses again."""
        again = [call.layer for call in part.calls if call.layer != call.name and self.parameters.get(call.layer) != 0]
        if not again:
            return []
        owner = owners[again[0]]
        return ["shared weights" if owner == part.name else f"shared weights with {owner}"]

    def _shape(self, *names: str) -> list[str]:
        return [self.shapes[name] for name in names if name in self.shapes][:1]


def _printable(name: str) -> str:
    """A name of the data in one line; XML has no place for control characters."""
    return "".join(letter if letter.isprintable() else " " for letter in name)


def _tensors(call: Call) -> Iterator[Tensor]:
    for argument in (call.first, *call.named.values()):
        if isinstance(argument, Tensor):
            yield argument
        elif isinstance(argument, tuple):
            yield from argument


def _parts(calls: Sequence[Call], depth: int) -> list[_Part]:
    """Calls by the block that they stand in; blocks within more than `depth` others are closed."""

    def block(call: Call) -> tuple[str, bool]:
        path = call.name.split(".")
        return ".".join(path[: depth + 1]), len(path) > depth + 1

    return [_Part(name, tuple(group)) for (name, _), group in itertools.groupby(calls, block)]
