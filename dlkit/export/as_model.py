"""An exported file as a Keras model, so that all that is done with a model can be done with the file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dlkit.export.format import Runtime
from dlkit.export.servable import Front, Servable, as_arrays, functional
from dlkit.recipe.facts import Feature


def as_model(
    runtime: Runtime,
    features: Mapping[str, Feature],
    outputs: Mapping[str, Mapping[str, Any]],
    *,
    front: Front | None = None,
    name: str = "exported",
) -> keras.Model:
    """A Keras model that takes raw features and hands them to a runtime; it cannot be trained or saved.

    Args:
        runtime: What makes the outputs.
        features: What is known of the raw features that it takes.
        outputs: By name: `shape`, with the batch first, `dtype`, and the `target`; the model gives a mapping by target where
            there are several.
        front: What stays outside of the file.
    """
    given = {feature: keras.Input(known.shape, dtype=known.dtype, name=feature) for feature, known in features.items()}
    made = _Runs(runtime, outputs, front)(given)
    single = len(outputs) == 1
    made = {told["target"]: made[name] for name, told in outputs.items()}
    return keras.Model(
        given if len(given) > 1 else next(iter(given.values())),
        next(iter(made.values())) if single else made,
        name=name,
    )


class KerasRuntime:
    """A Keras model run as a file is, to hold that against."""

    def __init__(self, servable: Servable) -> None:
        self.version = keras.__version__
        self._servable = servable

    def __call__(self, features: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        servable = self._servable
        tensors = [tf.convert_to_tensor(features[name]) for name in servable.inputs]
        structure = functional(servable.model).input
        made = servable.model.predict_on_batch(keras.tree.pack_sequence_as(structure, tensors))
        return as_arrays(dict(zip(servable.outputs, keras.tree.flatten(made), strict=True)))


class _Runs(keras.layers.Layer):
    def __init__(self, runtime: Runtime, outputs: Mapping[str, Mapping[str, Any]], front: Front | None) -> None:
        super().__init__(name="runtime", autocast=False, dtype="float32")
        self.supports_jit = False
        self._runtime, self._told, self._front = runtime, {name: dict(told) for name, told in outputs.items()}, front

    def call(self, inputs: dict[str, Any]) -> dict[str, Any]:
        given = self._front(inputs) if self._front else inputs
        names, told = sorted(given), self._told

        def run(*arrays: np.ndarray) -> list[np.ndarray]:
            made = self._runtime(dict(zip(names, arrays, strict=True)))
            return [np.asarray(made[name], told[name]["dtype"]) for name in told]

        made = tf.numpy_function(
            run, [given[name] for name in names], [tf.dtypes.as_dtype(t["dtype"]) for t in told.values()]
        )
        return {name: tf.ensure_shape(tensor, told[name]["shape"]) for name, tensor in zip(told, made, strict=True)}

    def compute_output_spec(self, inputs: dict[str, Any]) -> dict[str, keras.KerasTensor]:
        return {name: keras.KerasTensor(told["shape"], dtype=told["dtype"]) for name, told in self._told.items()}
