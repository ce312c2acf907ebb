"""The layers of a model as the rows of a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, slots=True)
class LayerRow:
    """A line of the table of layers.

    Args:
        name: Of the layer.
        layer: Its class.
        shape: Of its output for one example, as `8 × 8 × 32`; empty where it is not one tensor.
        parameters: Those that are not trained included.
    """

    name: str
    layer: str
    shape: str
    parameters: int


def layer_rows(model: keras.Model) -> list[LayerRow]:
    """The layers of a built model, in order."""
    return [LayerRow(each.name, type(each).__name__, _shape(each), each.count_params()) for each in model.layers]


def _shape(layer: Any) -> str:
    shape = getattr(getattr(layer, "output", None), "shape", None)
    if shape is None:
        return ""
    return " × ".join("any" if size is None else str(size) for size in shape[1:]) or "one value"
