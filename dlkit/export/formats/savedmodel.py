"""TensorFlow's own format, which TensorFlow Serving takes: https://www.tensorflow.org/guide/saved_model."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import ClassVar

import keras
import numpy as np
import tensorflow as tf

from dlkit.errors import DlkitError
from dlkit.export.format import Format, Values
from dlkit.export.servable import Servable, as_arrays
from dlkit.recipe.registry import register

_QUANTIZED = (keras.layers.Dense, keras.layers.EinsumDense, keras.layers.Embedding)


@register(
    kind="export_format",
    name="savedmodel",
    file="1",  # a version: TensorFlow Serving looks for the highest number in the folder above
    quantizations=["int8"],
    strings=True,
    mixed=True,
    refuses={
        "float16": "a SavedModel computes in the types that it was traced in, and most processors compute float16 "
        "slower than float32"
    },
)
class SavedModel(Format):
    """A SavedModel, which holds all of a model: what it looks up, too."""

    runtime: ClassVar[str] = "tensorflow"

    def write(self, servable: Servable, path: Path, quantize: str | None, examples: Values) -> None:
        if quantize:
            servable = replace(servable, model=_quantized(servable.model, quantize))
        archive = keras.export.ExportArchive()
        for layer in servable.model._flatten_layers():
            if (table := getattr(layer, "lookup_table", None)) is not None:
                archive.track(table)  # variables are found by themselves; tracked as well, they would be written twice
        archive.add_endpoint("serve", servable.function(None).python_function, input_signature=servable.specs(None))
        archive.write_out(str(path), verbose=False)

    def open(self, path: Path) -> _Runtime:
        return _Runtime(path)

    def deployment(self, path: Path, servable: Servable) -> str:
        return (
            "TensorFlow Serving takes it: tensorflow_model_server --rest_api_port=8501 "
            f"--model_name={servable.name} --model_base_path={path.parent.resolve()}"
        )


class _Runtime:
    def __init__(self, path: Path) -> None:
        self.version = version("tensorflow")
        self._loaded = tf.saved_model.load(str(path))
        self._serve = self._loaded.signatures["serving_default"]
        self._inputs = self._serve.structured_input_signature[1]

    def __call__(self, features: Values) -> dict[str, np.ndarray]:
        given = {name: tf.constant(features[name], spec.dtype) for name, spec in self._inputs.items()}
        return as_arrays(self._serve(**given))


def _quantized(model: keras.Model, mode: str) -> keras.Model:
    """A copy in Keras's own quantization, which knows layers that multiply by a matrix or look up rows of one."""
    if not any(isinstance(layer, _QUANTIZED) for layer in model._flatten_layers()):
        raise DlkitError(
            f"Keras quantizes Dense, EinsumDense and Embedding, and the model has none of them: {model.name}.",
            "Quantize it with --format litert or --format onnx, which know convolutions too.",
            "cannot-quantize",
        )
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder, "copy.keras"))
        copy = keras.models.load_model(Path(folder, "copy.keras"))
    for layer in copy._flatten_layers():
        if isinstance(layer, _QUANTIZED):  # `Model.quantize` stops at lookup tables, which are never built
            layer.quantize(mode)
    return copy
