"""Why a format cannot hold a model, layer by layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import keras

from dlkit.errors import DlkitError
from dlkit.export.servable import Servable, functional

_MOST = 6  # layers that are told
_WIDTH = 160  # characters of a reason


def refusal(servable: Servable, what: str, error: Exception, convert: Callable[[Servable], Any]) -> DlkitError:
    """The error that tells which layers a format cannot hold: each layer is tried alone.

    Args:
        servable: The model that it cannot hold.
        what: The format in words, as `ONNX`.
        error: What the whole model failed with.
        convert: What failed.
    """
    told = []
    for name, layer in _alone(servable.model):
        try:
            convert(layer)
        except Exception as reason:  # noqa: BLE001 -- converters raise whatever they meet; the reason is what is asked for
            told.append(f"  {name}: {_short(reason)}")
    more = [f"  and {len(told) - _MOST} more"] if len(told) > _MOST else []
    listed = told[:_MOST] + more or [f"  all its layers together: {_short(error)}"]
    return DlkitError(
        f"{what} cannot hold this model:\n" + "\n".join(listed),
        "Export it in another format: savedmodel holds every model.",
        "cannot-export",
    )


def _alone(model: keras.Model) -> Iterator[tuple[str, Servable]]:
    """Each layer as a model of its own, as it is called first."""
    for nodes in reversed(functional(model)._nodes_by_depth.values()):
        for node in nodes:
            layer = node.operation
            if node.is_input or not isinstance(layer, keras.layers.Layer) or not node.output_tensors:
                continue
            taken = list({id(tensor): tensor for tensor in node.input_tensors}.values())  # attention takes one twice
            made = keras.Model(taken, list(node.output_tensors), name=layer.name)
            inputs = tuple(f"input_{number}" for number in range(len(taken)))
            outputs = tuple(f"output_{number}" for number in range(len(node.output_tensors)))
            yield f"{layer.name} ({type(layer).__name__})", Servable(made, inputs, outputs)


def _short(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    first = lines[0] if lines else type(error).__name__
    return first if len(first) <= _WIDTH else first[:_WIDTH] + "..."
