"""Builds a Keras model from a graph: Sequential where it is a chain, else Functional.

Layers that learn from data before training (`Normalization`, `Discretization`, lookups: those with `adapt`) are adapted
where they stand, on the training examples as the layers before them make them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import keras

from dlkit.models.instantiate import instantiate
from dlkit.recipe.diagnostics import Diagnostic, RecipeError
from dlkit.recipe.facts import Feature
from dlkit.recipe.graph import Call, Component, Graph, Tensor

# What an adapted layer is given instead, where the recipe says it itself.
_GIVEN = ("mean", "vocabulary", "bin_boundaries")
_ADAPT_BATCH = 1024


@dataclass(frozen=True, slots=True)
class Built:
    """A model, twice: `model` is trained; `served` has the same layers and is saved, without optimizer and loss."""

    model: keras.Model
    served: keras.Model


def build(
    graph: Graph,
    features: Mapping[str, Feature],
    outputs: Mapping[str, Tensor],
    name: str,
    examples: Mapping[str, Any] | None = None,
) -> Built:
    """Builds the model of a graph.

    Args:
        graph: A complete network.
        features: What is known of its inputs, shapes included.
        outputs: Its outputs by target; the model gives a mapping where there are several.
        name: The model's name.
        examples: Raw training examples by feature, for layers that adapt to them; without, such layers are left as
            they are.

    Raises:
        RecipeError: Keras refuses a layer, or what it is called on; told at the layer's place.
    """
    inputs = {
        feature: keras.Input(shape=features[feature].shape, dtype=features[feature].dtype, name=feature)
        for feature in graph.inputs
    }
    builder = _Builder(graph, dict(inputs), inputs, examples)
    for call in graph.calls:
        builder.call(call)
    ends = {target: builder.tensor(tensor) for target, tensor in outputs.items()}
    label = re.sub(r"\W+", "_", name)
    if graph.is_chain:
        layers = [builder.layers[call.layer] for call in graph.calls]
        return Built(*(keras.Sequential([*inputs.values(), *layers], name=label) for _ in range(2)))
    taken = inputs if len(inputs) > 1 else next(iter(inputs.values()))
    given = ends if len(ends) > 1 else next(iter(ends.values()))
    return Built(*(keras.Model(taken, given, name=label) for _ in range(2)))


@dataclass(slots=True)
class _Builder:
    graph: Graph
    tensors: dict[str, Any]
    inputs: Mapping[str, Any]
    examples: Mapping[str, Any] | None
    layers: dict[str, Any] = field(default_factory=dict)

    def call(self, call: Call) -> None:
        component = self.graph.layers[call.layer]
        first = self._argument(call.first)
        try:
            if call.layer not in self.layers:
                self.layers[call.layer] = self._layer(component, call.layer, first)
                self._adapt(self.layers[call.layer], component, first)
            named = {key: self._argument(value) for key, value in call.named.items()}
            layer = self.layers[call.layer]
            self.tensors[call.name] = layer(**named) if first is None else layer(first, **named)
        except (ValueError, TypeError) as error:
            raise _cannot_build(call.layer, component, error) from error

    def tensor(self, tensor: Tensor) -> Any:
        """The Keras tensor of an output."""
        found = self.tensors[tensor.call]
        return found if tensor.index is None else found[tensor.index]

    def _argument(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            return self.tensor(value)
        return [self.tensor(item) for item in value] if isinstance(value, tuple) else value

    def _layer(self, component: Component, name: str, first: Any) -> Any:
        if component.kind == "application":
            shape = {} if "input_shape" in component.arguments else {"input_shape": tuple(first.shape[1:])}
            return instantiate(component, name=name, **shape)
        return instantiate(component, name=name)

    def _adapt(self, layer: Any, component: Component, first: Any) -> None:
        if self.examples is None or not hasattr(layer, "adapt") or any(key in component.arguments for key in _GIVEN):
            return
        if any(first is tensor for tensor in self.inputs.values()):
            values = next(self.examples[name] for name, tensor in self.inputs.items() if first is tensor)
        else:
            before = keras.Model(dict(self.inputs), first)
            values = before.predict(
                {name: self.examples[name] for name in self.inputs}, batch_size=_ADAPT_BATCH, verbose=0
            )
        layer.adapt(values)


def _cannot_build(name: str, component: Component, error: Exception) -> RecipeError:
    told = [line.strip() for line in str(error).split("\n") if line.strip()]
    reason = told[0] if told else type(error).__name__
    message = f"Keras cannot build the layer `{name}`: {reason}"
    return RecipeError(
        [Diagnostic("cannot-build", message, component.span, "`dlkit check` shows the shapes up to here")]
    )
