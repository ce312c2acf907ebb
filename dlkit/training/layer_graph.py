"""A model's layers as a graph that TensorBoard draws.

TensorBoard's own "conceptual graph" of Keras models does not show by itself, loses what a layer is called with by name,
and has no shapes; a graph of layers written in the place of TensorFlow's operations has none of that.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import keras
import tensorflow as tf


def layer_graph(model: keras.Model) -> tf.compat.v1.GraphDef | None:
    """A node for each call of a layer, those of a block in a scope, with class, shapes and number of parameters.

    Args:
        model: A built model.

    Returns:
        None for a model that is not made of calls of layers: one whose class has a `call` of its own.
    """
    # A Sequential model is a Functional one inside.
    functional = model._functional if isinstance(model, keras.Sequential) else model
    if not hasattr(functional, "_nodes_by_depth"):
        return None
    graph = tf.compat.v1.GraphDef()
    nodes = [
        node for depth in sorted(functional._nodes_by_depth, reverse=True) for node in functional._nodes_by_depth[depth]
    ]
    names = _names(nodes)
    for node in nodes:
        layer = node.operation
        made = graph.node.add(name=names[id(node)], op=type(layer).__name__)
        before = [parent for parent in node.parent_nodes if id(parent) in names]
        made.input.extend(dict.fromkeys(names[id(parent)] for parent in before))
        for tensor in node.output_tensors:
            shape = made.attr["_output_shapes"].list.shape.add()
            for size in tensor.shape:
                shape.dim.add(size=-1 if size is None else size)
        if isinstance(layer, keras.layers.Layer) and layer.built:
            made.attr["parameters"].i = layer.count_params()
    return graph


def _names(nodes: list[Any]) -> dict[int, str]:
    """What calls are called, by the identity of each: as the layer, whose blocks are scopes to TensorBoard."""
    names: dict[int, str] = {}
    calls: Counter[str] = Counter()
    for node in sorted(nodes, key=lambda node: node.operation._inbound_nodes.index(node)):
        name = node.operation.name.replace(".", "/")
        names[id(node)] = f"{name}_again_{calls[name]}" if calls[name] else name
        calls[name] += 1
    return names
