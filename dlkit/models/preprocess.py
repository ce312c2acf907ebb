"""`data.preprocess`: layers in front of the network, fitted to the training split and run once, ahead of training.

    data:
      preprocess:
        text: [TextVectorization: {max_tokens: 20000, output_sequence_length: 60}]
        numbers: [impute, Normalization]

They do what they would do as the first layers of the network, but not in every step: texts and tables are prepared once
for all epochs; pictures and sounds, which are larger prepared than raw, batch by batch beside the training. A saved
model holds these layers in front of the others, so that it takes raw features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import keras
import numpy as np

from dlkit.data.arrays import Arrays, Splits, Values
from dlkit.models.builder import cannot_build, run_over
from dlkit.models.layer import make_layer, vocabulary_size
from dlkit.recipe.diagnostics import Diagnostic, RecipeError
from dlkit.recipe.facts import Feature
from dlkit.recipe.graph import Component

PREPROCESS = "preprocess_"  # before the name of a feature: the layer that prepares it in a saved model


def fit_preprocessing(
    name: str, components: Sequence[Component], feature: Feature, examples: Values
) -> tuple[keras.Model, Feature]:
    """The layers of one feature as a model, and what is known of the feature behind them.

    Args:
        name: The feature.
        components: Its layers, in order.
        feature: What is known of it before.
        examples: Its values in the training split.

    Raises:
        RecipeError: Keras refuses a layer, or a layer does not belong here: it has weights that training should
            change, or draws at random.
    """
    x = tensor = keras.Input(shape=feature.shape, dtype=feature.dtype, name=name)
    size = None
    for number, component in enumerate(components):
        label = f"{name}_{number}_{component.name.lower()}"

        def arriving(tensor: keras.KerasTensor = tensor) -> np.ndarray:
            return np.asarray(examples) if tensor is x else run_over(keras.Model(x, tensor), {name: examples})

        try:
            layer = make_layer(component, label, tensor, arriving)
            tensor = layer(tensor)
        except (ValueError, TypeError) as error:
            raise cannot_build(label, component, error) from error
        _check(layer, component, name)
        size = vocabulary_size(layer)
    model = keras.Model(x, tensor, name=f"{PREPROCESS}{name}")
    dtype = keras.backend.standardize_dtype(tensor.dtype)
    known = replace(
        feature,
        kind="sequence" if feature.kind == "text" and dtype.startswith("int") else feature.kind,
        shape=tuple(tensor.shape[1:]),
        dtype=dtype,
        vocabulary_size=size,
        columns=feature.columns if tensor.shape[1:] == x.shape[1:] else None,
        maximum=None,
    )
    return model, known


def preprocessed(splits: Splits, models: Mapping[str, keras.Model]) -> Splits:
    """The splits with features as these models make them."""

    def made(part: Arrays) -> Arrays:
        changed = {name: run_over(model, {name: part.features[name]}) for name, model in models.items()}
        return Arrays({**part.features, **changed}, part.targets)

    return splits.replace({name: made(part) for name, part in splits.named().items()})


def _check(layer: keras.Layer, component: Component, name: str) -> None:
    """Refuses a layer that cannot do its work before training."""
    if layer.trainable_weights:
        wrong, cure = "has weights that are learned in training", "make it a layer of the network"
    elif any("seed_generator" in variable.path for variable in layer.variables):
        wrong, cure = "draws at random", "put it under `data.augment`"
    else:
        return
    message = f"`data.preprocess.{name}`: {component.name} {wrong}, and preprocessing is done before training"
    raise RecipeError([Diagnostic("no-preprocessing", message, component.span, cure)])
