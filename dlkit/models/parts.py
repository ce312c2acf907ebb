"""A model in two parts: what does not depend on one of its inputs, and the rest."""

from __future__ import annotations

from typing import Any

import keras


def split_at(model: keras.Model, name: str, target: str | None = None) -> tuple[keras.Model | None, keras.Model]:
    """Cuts a model, so that what does not depend on an input is computed once while that input changes.

    The parts share their weights with the model. Where a tensor at the cut carries a mask, which would be lost there, the
    model is cut at its inputs.

    Args:
        model: Sequential or Functional.
        name: The input that changes.
        target: The output that is asked for, where there are several.

    Returns:
        The first part takes the model's other inputs, as a mapping by name, and gives a list of tensors; None where there
        is no other input. The second part takes a list, these tensors and the changing input behind them, and gives the
        output.

    Raises:
        ValueError: The model has no such input, or the output does not depend on it.
    """
    functional = model._functional if isinstance(model, keras.Sequential) else model
    changing = next((tensor for tensor in functional.inputs if tensor.name == name), None)
    output = functional.output[target] if isinstance(functional.output, dict) else functional.outputs[0]
    nodes = _nodes_before(functional, output)
    depends = {id(changing)}
    for node in nodes:
        if any(id(tensor) in depends for tensor in node.input_tensors):
            depends.update(map(id, node.output_tensors))
    if changing is None or id(output) not in depends:
        raise ValueError(f"The output must depend on the input that changes. Received: name={name}")
    others = [tensor for tensor in functional.inputs if tensor is not changing]
    touching = [node for node in nodes if any(id(tensor) in depends for tensor in node.input_tensors)]
    taken = (tensor for node in touching for tensor in node.input_tensors if id(tensor) not in depends)
    cut = list({id(tensor): tensor for tensor in taken}.values())
    if any(getattr(tensor, "_keras_mask", None) is not None for tensor in cut):
        cut = others
    first = keras.Model({tensor.name: tensor for tensor in others}, cut) if cut else None
    return first, keras.Model([*cut, changing], output)


def _nodes_before(functional: Any, output: Any) -> list[Any]:
    """The calls that an output is made by, those that come first before the others."""
    needed, found = {id(output)}, []
    for depth in sorted(functional._nodes_by_depth):
        for node in functional._nodes_by_depth[depth]:
            if any(id(tensor) in needed for tensor in node.output_tensors):
                needed.update(map(id, node.input_tensors))
                found.append(node)
    return found[::-1]
