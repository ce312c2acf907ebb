"""LiteRT, formerly TensorFlow Lite, for phones and small computers: https://ai.google.dev/edge/litert."""

from __future__ import annotations

import re
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import nullcontext
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf

from dlkit.errors import DlkitError
from dlkit.export.format import Format, Values
from dlkit.export.refusal import refusal
from dlkit.export.servable import Servable, with_attribute
from dlkit.recipe.registry import register
from dlkit.training.noise import without_noise

_LOOPS = ("While", "StatelessWhile")


@register(
    kind="export_format",
    name="litert",
    file="model.tflite",
    quantizations=["float16", "int8"],
    needs=["ai_edge_litert"],
)
class LiteRT(Format):
    """A flat buffer of LiteRT's built-in operators, for one example at a time.

    The size of the batch is fixed since recurrent layers are loops over lists of tensors, which LiteRT has for shapes that
    are known alone; so none of TensorFlow's own operators are needed, which its small runtime does not have.
    """

    runtime: ClassVar[str] = "ai-edge-litert"

    def write(self, servable: Servable, path: Path, quantize: str | None, examples: Values) -> None:
        def convert(part: Servable) -> bytes:
            return _converted(part, quantize if part is servable else None, examples)

        try:
            content = convert(servable)
        except DlkitError:
            raise
        except Exception as error:  # the converter raises whatever it meets
            raise refusal(servable, "LiteRT", error, convert) from error
        path.write_bytes(content)

    def open(self, path: Path) -> _Runtime:
        return _Runtime(path)

    def deployment(self, path: Path, servable: Servable) -> str:
        return f"LiteRT runs it on phones and small computers, one example at a time: {path.resolve()}"


class _Runtime:
    def __init__(self, path: Path) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self.version = version("ai-edge-litert")
        with without_noise():
            self._interpreter = Interpreter(model_path=str(path))
            self._interpreter.allocate_tensors()  # otherwise in the first run
        self._run = self._interpreter.get_signature_runner()
        self._inputs = list(self._run.get_input_details())

    def __call__(self, features: Values) -> dict[str, np.ndarray]:
        count = len(features[self._inputs[0]])
        made = [self._run(**{name: features[name][n : n + 1] for name in self._inputs}) for n in range(count)]
        return {name: np.concatenate([each[name] for each in made]) for name in made[0]}


def _converted(servable: Servable, quantize: str | None, examples: Values) -> bytes:
    # Step by step instead of in a loop, in which no ranges of values are found.
    unrolled = with_attribute(servable.model, "unroll", True) if quantize == "int8" else nullcontext()
    with tempfile.TemporaryDirectory() as folder, unrolled, without_noise():
        _save_frozen(servable, folder, loops=quantize != "int8")
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of TensorFlow's own interpreter, which is to go
            try:
                if quantize == "int8":
                    return _in_integers(converter, servable, examples)
                if quantize == "float16":
                    converter.optimizations = [tf.lite.Optimize.DEFAULT]
                    converter.target_spec.supported_types = [tf.float16]
                return converter.convert()
            except Exception as error:
                raise _lacking(error) from error


def _in_integers(converter: Any, servable: Servable, examples: Values) -> bytes:
    """Integers wherever LiteRT has them; what it has not, stays in float32.

    So do layers that scale raw numbers column by column: these span other ranges than 8 bits have steps for.
    """
    scopes = [layer.name for layer in servable.model._flatten_layers() if _scales_columns(layer)]
    normalizing = _nodes_of(converter.convert(), scopes) if scopes else []
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8, tf.lite.OpsSet.TFLITE_BUILTINS]
    converter.representative_dataset = lambda: _one_by_one(examples, servable.inputs)
    if not normalizing:
        return converter.convert()
    lite = tf.lite.experimental
    options = lite.QuantizationDebugOptions(denylisted_nodes=normalizing)
    tried = lite.QuantizationDebugger(
        converter=converter, debug_dataset=converter.representative_dataset, debug_options=options
    )
    return tried.get_nondebug_quantized_model()


def _scales_columns(layer: Any) -> bool:
    if isinstance(layer, keras.layers.Rescaling):
        return bool(np.ndim(layer.scale) or np.ndim(layer.offset))
    return isinstance(layer, keras.layers.Normalization)


def _nodes_of(content: bytes, scopes: list[str]) -> list[str]:
    """The nodes of a file that are made by these layers; TensorFlow numbers the scope of a layer."""
    from ai_edge_litert.interpreter import Interpreter

    of_layers = re.compile("|".join(rf"(?:^|[/;]){re.escape(scope)}(?:_\d+)?/" for scope in scopes))
    names = [tensor["name"] for tensor in Interpreter(model_content=content).get_tensor_details()]
    return [name for name in names if of_layers.search(name)]


def _save_frozen(servable: Servable, folder: str, loops: bool) -> None:
    """Saves the model for one example, its weights as constants."""
    frozen = servable.frozen(1)
    if not loops and (found := [node.name for node in frozen.graph.as_graph_def().node if node.op in _LOOPS]):
        raise DlkitError(
            f"LiteRT cannot find the ranges of values inside of loops, and the model has some: {', '.join(found)}.",
            "Quantize to float16, or not at all.",
            "cannot-quantize",
        )

    def serve(*tensors: Any) -> dict[str, Any]:
        return dict(zip(sorted(servable.outputs), frozen(*tensors), strict=True))

    module = tf.Module()
    module.serve = tf.function(serve, input_signature=servable.specs(1))
    tf.saved_model.save(module, folder, signatures={"serving_default": module.serve})


def _lacking(error: Exception) -> Exception:
    """What LiteRT lacks, out of pages of what it looked at."""
    found = re.search(r"(?:TF Select|Custom) ops: ([^\n]*)", str(error))
    return ValueError(f"LiteRT has no operator for {found[1]}") if found else error


def _one_by_one(examples: Values, names: tuple[str, ...]) -> Iterator[dict[str, np.ndarray]]:
    for number in range(len(examples[names[0]])):
        yield {name: examples[name][number : number + 1] for name in names}
