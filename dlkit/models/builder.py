"""Builds a Keras model from a graph: Sequential where it is a chain, else Functional."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from dlkit.data.arrays import Arrays, Values
from dlkit.data.feed import Feed
from dlkit.models.layer import make_layer
from dlkit.models.saved import SavedModels
from dlkit.models.scaling import Scale
from dlkit.recipe.diagnostics import Diagnostic, RecipeError
from dlkit.recipe.facts import Feature
from dlkit.recipe.graph import Call, Component, Graph, Tensor

_EAGER_BATCH = 1024
# Takes inputs and outputs as `keras.Model` does, `name`, and by their names the networks that it is made of.
Learner = Callable[..., keras.Model]


@dataclass(frozen=True, slots=True)
class Built:
    """A model, twice, with the same layers: `model` is trained, `served` is saved, without optimizer and loss.

    Where features are preprocessed, `model` takes what the preprocessing gives, and `served` the raw features.
    """

    model: keras.Model
    served: keras.Model


def build(
    graph: Graph,
    features: Mapping[str, Feature],
    outputs: Mapping[str, Tensor],
    name: str,
    examples: Mapping[str, Values] | None = None,
    preprocessing: Mapping[str, keras.Model] | None = None,
    scales: Mapping[str, Scale] | None = None,
    saved: SavedModels | None = None,
    learner: Learner | None = None,
) -> Built:
    """Builds the model of a graph.

    Args:
        graph: A complete network.
        features: What is known of its raw inputs, shapes included.
        outputs: Its outputs by target; the model gives a mapping where there are several.
        name: The model's name.
        examples: Raw training examples by feature, for layers that adapt to them; without, such layers are left as
            they are.
        preprocessing: The models that features go through first.
        scales: Of the targets that are scaled; their outputs are scaled back.
        saved: The saved models that layers are, or take their weights from.
        learner: Makes the model that is trained, where it learns in a way of its own.

    Raises:
        RecipeError: Keras refuses a layer, or what it is called on; told at the layer's place.
        DlkitError: As `make_layer`.
    """
    before = {name: model for name, model in (preprocessing or {}).items() if name in graph.inputs}
    raw = {feature: _input(features[feature], feature) for feature in graph.inputs}
    back = {target: scale.layer(target) for target, scale in (scales or {}).items() if target in outputs}
    builder = _Builder(graph, raw, examples, back, {tensor.call for tensor in outputs.values()}, saved)
    tensors = {feature: before[feature](tensor) if feature in before else tensor for feature, tensor in raw.items()}
    ends = builder.run(tensors, outputs)
    label = re.sub(r"\W+", "_", name)
    if graph.is_chain:
        layers = [*(builder.layers[call.layer] for call in graph.calls), *builder.ends.values()]
        served = keras.Sequential([*raw.values(), *before.values(), *layers], name=label)
        if learner is None:
            given = [_like(tensor, feature) for feature, tensor in tensors.items()]
            return Built(keras.Sequential([*given, *layers], name=label), served)
    else:
        served = keras.Model(_one_or_all(raw), _one_or_all(ends), name=label)
    if before:
        raw = {feature: _like(tensor, feature) for feature, tensor in tensors.items()}
        ends = builder.run(raw, outputs)
    if learner is None:
        return Built(keras.Model(_one_or_all(raw), _one_or_all(ends), name=label), served)
    parts = {
        name: keras.Model(builder.tensor(first), builder.tensor(last), name=name)
        for name, (first, last) in graph.parts.items()
    }
    return Built(learner(_one_or_all(raw), _one_or_all(ends), name=label, **parts), served)


def _like(tensor: Any, name: str) -> Any:
    return keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=name)


def _input(feature: Feature, name: str) -> Any:
    return keras.Input(shape=feature.shape, dtype=feature.dtype, name=name)


def _one_or_all(tensors: Mapping[str, Any]) -> Any:
    return dict(tensors) if len(tensors) > 1 else next(iter(tensors.values()))


@dataclass(slots=True)
class _Builder:
    graph: Graph
    inputs: Mapping[str, Any]
    examples: Mapping[str, Values] | None
    back: Mapping[str, keras.layers.Layer]
    last: set[str]
    saved: SavedModels | None = None
    ends: dict[str, keras.layers.Layer] = field(default_factory=dict)
    tensors: dict[str, Any] = field(default_factory=dict)
    layers: dict[str, Any] = field(default_factory=dict)

    def run(self, inputs: Mapping[str, Any], outputs: Mapping[str, Tensor]) -> dict[str, Any]:
        """The outputs by target, of all calls on these inputs; layers are made in the first run."""
        self.tensors = dict(inputs)
        for call in self.graph.calls:
            self.call(call)
        return {target: self._end(target, self.tensor(tensor)) for target, tensor in outputs.items()}

    def _end(self, target: str, tensor: Any) -> Any:
        """The output for a target: scaled back, and in 32 bits whatever the layers compute in."""
        if target in self.back:
            self.ends[target] = self.back[target]
        elif tensor.dtype in ("bfloat16", "float16"):
            self.ends.setdefault(target, keras.layers.Identity(dtype="float32", name=f"{target}_in_float32"))
        return self.ends[target](tensor) if target in self.ends else tensor

    def call(self, call: Call) -> None:
        component = self.graph.layers[call.layer]
        first = self._argument(call.first)
        named = {key: self._argument(value) for key, value in call.named.items()}
        if component.kind == "run" and first is None:
            first, named = named, {}  # a saved model takes its inputs in one mapping
        try:
            if call.layer not in self.layers:
                examples = None if self.examples is None else lambda: self._examples_at(first)
                self.layers[call.layer] = make_layer(
                    component, call.layer, first, examples, call.name in self.last, self.saved
                )
            layer = self.layers[call.layer]
            self.tensors[call.name] = layer(**named) if first is None else layer(first, **named)
        except (ValueError, TypeError) as error:
            raise cannot_build(call.layer, component, error) from error

    def tensor(self, tensor: Tensor) -> Any:
        """The Keras tensor of an output."""
        found = self.tensors[tensor.call]
        return found if tensor.index is None else found[tensor.index]

    def _argument(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            return self.tensor(value)
        return [self.tensor(item) for item in value] if isinstance(value, tuple) else value

    def _examples_at(self, tensor: Any) -> np.ndarray:
        """The training examples as they arrive at a layer."""
        assert self.examples is not None
        for name, given in self.inputs.items():
            if tensor is given:
                return np.asarray(self.examples[name])
        return run_over(keras.Model(_one_or_all(self.inputs), tensor), {n: self.examples[n] for n in self.inputs})


def run_over(model: keras.Model, features: Mapping[str, Values]) -> np.ndarray:
    """What a model makes of examples, in their order. Nothing is traced: the model runs once."""
    feed = Feed(Arrays(dict(features), {}), batch_size=_EAGER_BATCH, shuffle=False)
    return np.concatenate([keras.ops.convert_to_numpy(model(x, training=False)) for (x,) in feed])


def cannot_build(name: str, component: Component, error: Exception) -> RecipeError:
    """Keras's refusal of a layer, told at the place of the component."""
    told = [line.strip() for line in str(error).split("\n") if line.strip()]
    reason = told[0] if told else type(error).__name__
    message = f"Keras cannot build the layer `{name}`: {reason}"
    return RecipeError(
        [Diagnostic("cannot-build", message, component.span, "`dlkit check` shows the shapes up to here")]
    )
