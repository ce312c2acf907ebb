"""vocabulary.json: how raw features become the integers that a file takes, for programs without Keras.

    {"inputs": {"text": {"from": ["text"], "layers": [{"layer": "TextVectorization", "split": "whitespace", ...,
     "tokens": ["", "[UNK]", "the", ...]}]}}}

A token's integer is its place among the tokens, from 0, plus the `first` of its layer. The layers of several columns stand
in the order of the columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from dlkit.export.servable import LOOKUPS, Front, in_order
from dlkit.recipe.facts import Feature

# What is to be known of a layer to do its work, as its configuration has it.
_TOLD = {
    "TextVectorization": ("standardize", "split", "ngrams", "output_mode", "output_sequence_length"),
    "StringLookup": ("num_oov_indices", "mask_token", "oov_token", "output_mode"),
    "IntegerLookup": ("num_oov_indices", "mask_token", "oov_token", "output_mode"),
    "Hashing": ("num_bins", "salt", "mask_value", "output_mode"),
    "HashedCrossing": ("num_bins", "output_mode"),
    "Discretization": ("bin_boundaries", "output_mode"),
}


def vocabulary(front: Front, features: Mapping[str, Feature]) -> dict[str, Any]:
    """What vocabulary.json holds.

    Args:
        front: What stays outside of the file.
        features: What is known of the raw features.
    """
    told = {}
    for name, tensor in zip(front.names, front.model.outputs, strict=True):
        way = _way_to(front.model, tensor)
        used = [node.operation.name for node in way if node.is_input]
        found = {id(layer): layer for node in way for layer in _lookups(node.operation)}
        layers = [_layer(layer) for layer in found.values()]
        entry: dict[str, Any] = {"from": used, "shape": list(tensor.shape[1:]), "dtype": tensor.dtype}
        columns = [column for feature in used for column in features[feature].columns or ()]
        if columns:
            entry["columns"] = columns
        told[name] = {**entry, "layers": _side_by_side(layers) if len(layers) > 1 else layers}
    return {"inputs": told}


def _way_to(model: keras.Model, tensor: Any) -> list[Any]:
    """The calls that a tensor is made by, those that come first before the others."""
    needed, found = {id(tensor)}, []
    for node in reversed(in_order(model)):
        if any(id(each) in needed for each in node.output_tensors):
            needed.update(map(id, node.input_tensors))
            found.append(node)
    return found[::-1]


def _lookups(operation: Any) -> list[keras.layers.Layer]:
    if isinstance(operation, LOOKUPS):
        return [operation]
    if isinstance(operation, keras.Model):
        return [found for layer in operation.layers for found in _lookups(layer)]
    return []


def _layer(layer: keras.layers.Layer) -> dict[str, Any]:
    kind = type(layer).__name__
    config = layer.get_config()
    told = {"layer": kind, **{name: config[name] for name in _TOLD[kind] if config.get(name) is not None}}
    if hasattr(layer, "get_vocabulary"):
        told["tokens"] = [str(token) for token in layer.get_vocabulary()]
    return told


def _side_by_side(layers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The layers of columns whose integers lie behind each other, with the first one of each."""
    first, told = 0, []
    for layer in layers:
        told.append({**layer, "first": first})
        first += _size(layer)
    return told


def _size(layer: Mapping[str, Any]) -> int:
    """How many integers a column has; of numbers a missing one has an integer of its own."""
    if "tokens" in layer:
        return len(layer["tokens"])
    return len(layer["bin_boundaries"]) + 2 if "bin_boundaries" in layer else int(layer["num_bins"])
