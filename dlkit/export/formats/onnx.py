"""ONNX, which onnxruntime runs and TensorRT takes: https://onnx.ai."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from dlkit.errors import DlkitError
from dlkit.export.format import Format, Values
from dlkit.export.refusal import refusal
from dlkit.export.servable import Servable
from dlkit.recipe.registry import register

_OPSET = 18
# Products and what passes their results on. Subtracting, dividing and softmax stay in float32: raw columns of a table span
# other ranges than 8 bits have steps for, and they cost little.
_IN_INTEGERS = [
    *("Conv", "ConvTranspose", "Gemm", "MatMul", "Gather", "Add", "Relu", "LeakyRelu", "Clip"),
    *("MaxPool", "AveragePool", "GlobalAveragePool", "Resize", "Pad", "Concat", "Split", "Slice"),
    *("Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze"),
]
_SOME = 32  # examples that TensorRT is told to be fastest for


@register(
    kind="export_format",
    name="onnx",
    file="model.onnx",
    quantizations=["float16", "int8"],
    needs=["onnx", "onnxruntime", "tf2onnx"],
)
class Onnx(Format):
    """A graph of ONNX operators, for batches of any size."""

    runtime: ClassVar[str] = "onnxruntime"

    def write(self, servable: Servable, path: Path, quantize: str | None, examples: Values) -> None:
        import onnx

        with _quietly():
            try:
                model = _converted(servable)
            except Exception as error:  # tf2onnx raises whatever it meets
                raise refusal(servable, "ONNX", error, _converted) from error
            try:
                if quantize == "int8":
                    _quantize(model, path, examples)
                else:
                    onnx.save(_in_float16(model) if quantize else model, str(path))
            except Exception as error:  # and so does onnxruntime
                told = f"onnxruntime cannot quantize this model to {quantize}: {error}"
                raise DlkitError(told, "Export it without --quantize.", "cannot-quantize") from error

    def open(self, path: Path) -> _Runtime:
        return _Runtime(path)

    def deployment(self, path: Path, servable: Servable) -> str:
        shapes = [
            ",".join(f"{spec.name}:{'x'.join(map(str, [batch, *spec.shape[1:]]))}" for spec in servable.specs(None))
            for batch in (1, _SOME, _SOME)
        ]
        ranges = [f"--{kind}Shapes={shape}" for kind, shape in zip(("min", "opt", "max"), shapes, strict=True)]
        engine = path.with_suffix(".engine").name
        return f"TensorRT takes it: trtexec --onnx={path.resolve()} --saveEngine={engine} {' '.join(ranges)}"


class _Runtime:
    def __init__(self, path: Path) -> None:
        import onnxruntime

        self.version = version("onnxruntime")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # errors
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._inputs = [each.name for each in self._session.get_inputs()]
        self._outputs = [each.name for each in self._session.get_outputs()]

    def __call__(self, features: Values) -> dict[str, np.ndarray]:
        made = self._session.run(self._outputs, {name: features[name] for name in self._inputs})
        return dict(zip(self._outputs, made, strict=True))


def _converted(servable: Servable) -> Any:
    import tf2onnx.tfonnx  # which numbers a name as it is imported
    from keras.src.export.tf2onnx_lib import patch_tf2onnx  # what Keras's own `export` does for NumPy 2

    patch_tf2onnx()
    tf2onnx.utils.INTERNAL_NAME = 1  # it numbers nodes through the process; the same model is to give the same file
    frozen = servable.frozen(None)
    inputs, outputs = ([tensor.name for tensor in tensors] for tensors in (frozen.inputs, frozen.outputs))
    model, _ = tf2onnx.convert.from_graph_def(
        frozen.graph.as_graph_def(),
        name=servable.name,
        input_names=inputs,
        output_names=outputs,
        opset=_OPSET,
        custom_op_handlers={"Erfc": (_erfc, [])},
        tensors_to_rename=dict(zip([*inputs, *outputs], [*servable.inputs, *sorted(servable.outputs)], strict=True)),
    )
    model.graph.doc_string = ""
    _check_known(model)
    _name_constants(model.graph)
    return model


def _erfc(context: Any, node: Any, name: str, arguments: Any) -> None:
    """What GELU is made of, and ONNX has not: 1 - erf(x)."""
    (output,), (shape,), (dtype,) = node.output, node.output_shapes, node.output_dtypes
    context.remove_node(name)
    erf = context.make_node("Erf", node.input, dtypes=[dtype])
    one = context.make_const(f"{name}_one", np.ones((), "float32"))
    context.make_node(
        "Sub", [one.output[0], erf.output[0]], name=name, outputs=[output], shapes=[shape], dtypes=[dtype]
    )


def _nodes(graph: Any) -> Iterator[Any]:
    """The nodes of a graph, each before those of the graphs in it."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _nodes(attribute.g)


def _name_constants(graph: Any) -> None:
    """Names constants by the node that takes them first, and orders them so.

    Of equal constants tf2onnx keeps any one, and so does not give the same names each time.
    """
    constants = {tensor.name: tensor for tensor in graph.initializer}
    names: dict[str, str] = {}
    for node in _nodes(graph):
        for place, taken in enumerate(node.input):
            if taken in constants:
                node.input[place] = names.setdefault(taken, f"{node.name}.{place}")
    for old, tensor in constants.items():
        tensor.name = names.get(old, old)
    ordered = [
        type(tensor).FromString(tensor.SerializeToString())
        for tensor in (constants[old] for old in dict.fromkeys([*names, *constants]))
    ]
    del graph.initializer[:]
    graph.initializer.extend(ordered)


def _check_known(model: Any) -> None:
    """An operator that tf2onnx does not know, it leaves as it is."""
    from onnx.defs import SchemaError, get_schema

    kinds = {(node.op_type, node.domain) for node in _nodes(model.graph)}
    unknown = []
    for kind, domain in sorted(kinds):
        try:
            get_schema(kind, _OPSET, domain)
        except SchemaError:
            unknown.append(kind)
    if unknown:
        raise ValueError(f"ONNX has no operator for {', '.join(unknown)}")


def _in_float16(model: Any) -> Any:
    """Weights and what is computed in float16; inputs and outputs stay float32."""
    from onnxruntime.transformers.float16 import convert_float_to_float16

    return convert_float_to_float16(model, keep_io_types=True)


def _quantize(model: Any, path: Path, examples: Values) -> None:
    """Static quantization to 8 bits: weights by channel, ranges of what is computed from examples.

    https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html
    """
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            count = len(next(iter(examples.values())))
            self._batches = iter({name: all_[n : n + 1] for name, all_ in examples.items()} for n in range(count))

        def get_next(self) -> dict[str, np.ndarray] | None:
            return next(self._batches, None)

    with tempfile.TemporaryDirectory() as folder:
        written, prepared = (str(Path(folder).resolve() / name) for name in ("written.onnx", "prepared.onnx"))
        onnx.save(model, written)
        quant_pre_process(written, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            str(path),
            Reader(),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=_IN_INTEGERS,
            nodes_to_exclude=_kept_in_float(onnx.load(prepared).graph),
            per_channel=True,
        )


def _kept_in_float(graph: Any) -> list[str]:
    """The nodes that stay in float32.

    They multiply by a stack of matrices, which onnxruntime's kernel in integers refuses; they add a single number, as what
    keeps a divisor from 0, of which little is left in 8 bits; or they make what softmax is taken of, which would else be
    taken in integers too, coarsely or wrongly.
    """
    stacks = {tensor.name for tensor in graph.initializer if len(tensor.dims) > 2}
    numbers = {tensor.name for tensor in graph.initializer if np.prod(tensor.dims) == 1}
    taken = {"MatMul": stacks, "Add": numbers}
    logits = {name for node in graph.node if node.op_type == "Softmax" for name in node.input}
    return [
        node.name
        for node in graph.node
        if logits.intersection(node.output) or taken.get(node.op_type, set()).intersection(node.input)
    ]


@contextmanager
def _quietly() -> Iterator[None]:
    """Without what the converters log of operators that they pass over."""
    loggers = [logging.getLogger(name) for name in ("tf2onnx", "root", "onnxruntime")]
    before = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of what makes tf2onnx fit NumPy 2
            yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
