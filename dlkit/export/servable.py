"""A model as a format takes it: plain inputs and outputs by name, and what has to stay before it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dlkit.errors import DlkitError
from dlkit.recipe.diagnostics import listing

# Layers that turn values into integers by tables or by hashing, which neither ONNX nor LiteRT can express.
LOOKUPS = (
    keras.layers.TextVectorization,
    keras.layers.StringLookup,
    keras.layers.IntegerLookup,
    keras.layers.Hashing,
    keras.layers.HashedCrossing,
    keras.layers.Discretization,
)


@dataclass(frozen=True, slots=True)
class Front:
    """What stays outside of a file: it makes integers out of raw features.

    Args:
        model: Takes raw features by name, and gives the inputs of the file in a list.
        names: Of these inputs, in that order.
    """

    model: keras.Model
    names: tuple[str, ...]

    def __call__(self, features: Mapping[str, Any]) -> dict[str, Any]:
        """All inputs of the file: the integers, and the features as they are."""
        made = self.model({tensor.name: features[tensor.name] for tensor in self.model.inputs}, training=False)
        return {**features, **dict(zip(self.names, made if isinstance(made, list) else [made], strict=True))}


@dataclass(frozen=True, slots=True)
class Servable:
    """What a file holds.

    Args:
        model: The model, Sequential or Functional.
        inputs: Names of its inputs, in their order.
        outputs: Names of its outputs, in their order.
        front: What stays outside.
    """

    model: keras.Model
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    front: Front | None = None

    @property
    def name(self) -> str:
        """The model's name."""
        return str(self.model.name)

    def specs(self, batch: int | None) -> list[tf.TensorSpec]:
        """The inputs for a batch of this size; None: of any size."""
        return [
            tf.TensorSpec((batch, *tensor.shape[1:]), tensor.dtype, name=name)
            for name, tensor in zip(self.inputs, self.model.inputs, strict=True)
        ]

    def function(self, batch: int | None) -> tf.types.experimental.GenericFunction:
        """The model as a function of its inputs, in their order; gives a mapping of outputs by name."""

        def serve(*tensors: tf.Tensor) -> dict[str, tf.Tensor]:
            structure = functional(self.model).input
            with with_attribute(self.model, "use_cudnn", False):  # which only some processors have
                made = self.model(keras.tree.pack_sequence_as(structure, list(tensors)), training=False)
            return dict(zip(self.outputs, map(tf.identity, keras.tree.flatten(made)), strict=True))

        return tf.function(serve, input_signature=self.specs(batch))

    def frozen(self, batch: int | None) -> Any:
        """The same with weights, and all else that it takes from outside, as constants: a function of its inputs alone.

        Its outputs are a list, by the alphabet of their names.
        """
        from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

        return convert_variables_to_constants_v2(self.function(batch).get_concrete_function(), lower_control_flow=False)


def functional(model: keras.Model) -> Any:
    """A model as a graph of layers; a Sequential is one inside."""
    return model._functional if isinstance(model, keras.Sequential) else model


@contextmanager
def with_attribute(model: keras.Model, name: str, value: Any) -> Iterator[None]:
    """The layers of a model that have an attribute with another value of it, for as long as the block takes."""
    before = [(layer, getattr(layer, name)) for layer in model._flatten_layers() if hasattr(layer, name)]
    try:
        for layer, _ in before:
            setattr(layer, name, value)
        yield
    finally:
        for layer, old in before:
            setattr(layer, name, old)


def whole(model: keras.Model, only: str) -> Servable:
    """A model as it is.

    Args:
        model: It takes raw features.
        only: The name of its output, where it has a single one without a name. An output with the name of an input, as that
            of an autoencoder, is called `<name>_output`: a file knows each name once.
    """
    output = functional(model).output
    targets = tuple(sorted(output)) if isinstance(output, dict) else (only,)
    if len(targets) != len(model.outputs):
        raise ValueError(f"Several outputs have names. Received: {output}")
    inputs = tuple(tensor.name for tensor in model.inputs)
    return Servable(model, inputs, tuple(f"{name}_output" if name in inputs else name for name in targets))


def behind_lookups(servable: Servable) -> Servable:
    """A model cut behind the layers that take texts or look values up, which stay outside; as it is, where it has none.

    Both parts share their weights with the model.

    Raises:
        DlkitError: A layer that would stay outside has weights that were learned (`cannot-export`).
    """
    nodes = in_order(functional(servable.model))
    outside = _outside(nodes)
    if not outside:
        return servable
    learned = [node.operation.name for node in outside if getattr(node.operation, "trainable_weights", None)]
    if learned:
        message = f"{listing(learned)} takes texts, or looks values up, and has weights that were learned."
        raise DlkitError(message, "Export to savedmodel, which holds all of it.", "cannot-export")
    cut = _cut(nodes, outside, servable.model)
    made_of = _made_of(nodes)
    plain = {id(tensor): tensor.name for tensor in servable.model.inputs}
    made = [tensor for tensor in cut if id(tensor) not in plain]
    kept = {plain[id(tensor)] for tensor in cut if id(tensor) in plain}
    names = _names([made_of[id(tensor)] for tensor in made], kept)
    taken = frozenset().union(*(made_of[id(tensor)] for tensor in made))
    raw = {tensor.name: tensor for tensor in servable.model.inputs if tensor.name in taken}
    front = Front(keras.Model(raw, made, name="front"), names)
    body = keras.Model(cut, functional(servable.model).output, name=servable.name)
    named = {**plain, **dict(zip(map(id, made), names, strict=True))}
    return Servable(body, tuple(named[id(tensor)] for tensor in cut), servable.outputs, front)


def in_order(graph: Any) -> list[Any]:
    """The calls of a graph, those that come first before the others."""
    by_depth = graph._nodes_by_depth
    return [node for depth in sorted(by_depth, reverse=True) for node in by_depth[depth]]


def _outside(nodes: list[Any]) -> list[Any]:
    """The calls of what takes texts or looks values up, and those that these take something from."""
    found: list[Any] = []
    wanted: set[int] = set()
    for node in reversed(nodes):
        if node.is_input:
            continue
        is_lookup = any(isinstance(layer, LOOKUPS) for layer in _layers(node.operation))
        takes_texts = any(tensor.dtype == "string" for tensor in node.input_tensors)
        if is_lookup or takes_texts or any(id(tensor) in wanted for tensor in node.output_tensors):
            wanted.update(map(id, node.input_tensors))
            found.append(node)
    return found[::-1]


def _layers(operation: Any) -> list[Any]:
    return list(operation._flatten_layers()) if isinstance(operation, keras.layers.Layer) else []


def _cut(nodes: list[Any], outside: list[Any], model: keras.Model) -> list[Any]:
    """What the rest of the graph takes from the inputs and from the calls that stay outside."""
    before = {id(tensor) for node in outside for tensor in node.output_tensors} | {id(each) for each in model.inputs}
    rest = [node for node in nodes if not node.is_input and node not in outside]
    taken = [tensor for node in rest for tensor in node.input_tensors] + list(functional(model).outputs)
    return list({id(tensor): tensor for tensor in taken if id(tensor) in before}.values())


def _made_of(nodes: list[Any]) -> dict[int, frozenset[str]]:
    """The inputs that each tensor is made of, by name."""
    found: dict[int, frozenset[str]] = {}
    for node in nodes:
        if node.is_input:
            found |= {id(tensor): frozenset([tensor.name]) for tensor in node.output_tensors}
            continue
        made = frozenset().union(*(found[id(tensor)] for tensor in node.input_tensors))
        found |= {id(tensor): made for tensor in node.output_tensors}
    return found


def _names(features: list[frozenset[str]], kept: set[str]) -> tuple[str, ...]:
    """A name for each cut: that of what it is made of, unless the file takes that too; numbered where there are several."""
    stems = ["_and_".join(sorted(names)) for names in features]
    stems = [f"{stem}_ids" if stem in kept else stem for stem in stems]
    return tuple(
        f"{stem}_{stems[:number].count(stem) + 1}" if stems.count(stem) > 1 else stem
        for number, stem in enumerate(stems)
    )


def as_arrays(values: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Tensors as arrays, texts as objects."""
    return {name: np.asarray(keras.ops.convert_to_numpy(value)) for name, value in values.items()}
