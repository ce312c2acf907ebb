"""The function of the script that builds the model."""

from __future__ import annotations

import keyword
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dlkit.eject.code import Call, Code, Items, Pairs, identifier, literal, literal_text, text
from dlkit.eject.components import argument_of, call_of, own_function
from dlkit.eject.refusal import refusal
from dlkit.eject.subject import Subject
from dlkit.recipe.catalogue import catalogue
from dlkit.recipe.facts import Feature
from dlkit.recipe.graph import Call as LayerCall
from dlkit.recipe.graph import Component, Graph, Tensor

# Layers that draw the seeds of their weights when they are made, not when they are first called: only of these a list
# may be made before the first of them is called.
DRAW_WHEN_MADE = frozenset(
    {
        *("Activation", "ActivityRegularization", "Add", "Concatenate", "Dense", "Dropout", "ELU", "Embedding"),
        *("Flatten", "GaussianDropout", "GaussianNoise", "LeakyReLU", "Masking", "Permute", "ReLU", "RepeatVector"),
        *("Rescaling", "Reshape", "Softmax", "SpatialDropout1D", "SpatialDropout2D", "Identity", "AlphaDropout"),
        *("BatchNormalization", "GroupNormalization", "LayerNormalization", "UnitNormalization"),
        *("Conv1D", "Conv1DTranspose", "Conv2D", "Conv2DTranspose", "DepthwiseConv2D", "SeparableConv2D"),
        *(f"{kind}Pooling{axes}D" for kind in ("Average", "Max", "GlobalAverage", "GlobalMax") for axes in (1, 2)),
        *("Cropping1D", "Cropping2D", "UpSampling1D", "UpSampling2D", "ZeroPadding1D", "ZeroPadding2D"),
        *("GRU", "LSTM", "SimpleRNN", "Bidirectional"),
        *("RandomBrightness", "RandomContrast", "RandomCrop", "RandomFlip", "RandomRotation", "RandomTranslation"),
        *("RandomZoom", "Resizing", "CenterCrop"),
    }
)
# Layers that are fitted to the training examples, but where the recipe itself says what they learn from them.
ADAPTED = ("Normalization", "Discretization", "TextVectorization", "StringLookup", "IntegerLookup")
GIVEN = ("mean", "vocabulary", "bin_boundaries")
_NAMES_OF_SCRIPT = {"keras", "layers", "ops", "np", "tf", "x", "examples", "x_train", "mean", "deviation"}


def model_lines(subject: Subject) -> tuple[list[str], list[str]]:
    """`build_model`, as lines of code, and the names of its parameters.

    Raises:
        DlkitError: A layer cannot stand in a script.
    """
    recipe = subject.recipe
    writer = _Writer(
        subject,
        recipe.model,
        recipe.facts.features,
        subject.outputs,
        re.sub(r"\W+", "_", recipe.name),
        is_small=recipe.config.training.precision != "float32",
    )
    is_listed = recipe.model.is_chain and not subject.scaled and not writer.ends_in_float32()
    layers = recipe.model.layers.values()
    is_list = is_listed and all(layer.kind == "layer" and layer.name in DRAW_WHEN_MADE for layer in layers)
    body = writer.sequential() if is_list else writer.functional()
    head = f"def build_model({', '.join(writer.parameters.values())}) -> keras.Model:"
    return [head, '    """The network, not yet compiled."""', *body], list(writer.parameters)


def saved_file(layer: str) -> str:
    """The variable that holds the file of a saved model which is a layer."""
    return f"{identifier(layer)}_file"


def preprocessing_lines(subject: Subject, name: str) -> list[str]:
    """The function that makes the layers which prepare a feature: `prepare_text`.

    Raises:
        DlkitError: A layer cannot stand in a script.
    """
    graph, last = Graph((name,)), name
    for number, component in enumerate((subject.recipe.config.data.preprocess or {})[name]):
        label = f"{name}_{number}_{component.name.lower()}"
        graph.layers[label] = component
        graph.calls.append(LayerCall(label, label, Tensor(last)))
        last = label
    writer = _Writer(subject, graph, subject.raw_features, {name: Tensor(last)}, f"prepare_{name}")
    body = writer.functional()
    parameters = writer.parameters or {"x_train": "x_train: np.ndarray"}
    head = f"def prepare_{identifier(name)}({', '.join(parameters.values())}) -> keras.Model:"
    return [head, f'    """The layers that prepare the feature {name}, fitted to the training examples."""', *body]


@dataclass(slots=True)
class _Writer:
    """Writes a network.

    Args:
        subject: The recipe and its script.
        graph: The network.
        features: What is known of its inputs.
        outputs: Its outputs by target.
        label: The name of the model.
        is_small: Whether layers compute in fewer than 32 bits.

    Attributes:
        parameters: What the function is given, as it is declared, by name.
        variables: The variables that hold tensors, by the names of inputs and calls.
    """

    subject: Subject
    graph: Graph
    features: Mapping[str, Feature]
    outputs: Mapping[str, Tensor]
    label: str
    is_small: bool = False
    parameters: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)

    def sequential(self) -> list[str]:
        """A network whose layers follow each other, as a list."""
        graph = self.graph
        made: list[Code] = [self._input(name) for name in graph.inputs]
        made += [self._layer(call) for call in graph.calls]
        network = Call("keras.Sequential", [Items(made, long=True)], {"name": literal(self.label)})
        return [text(network, "return ", 4)]

    def functional(self) -> list[str]:
        """A network as calls on tensors."""
        graph = self.graph
        lines = []
        for name in graph.inputs:
            self.variables[name] = self._free(name)
            lines.append(text(self._input(name), f"{self.variables[name]} = ", 4))
        calls = Counter(call.layer for call in graph.calls)
        made: dict[str, str] = {}
        for number, call in enumerate(graph.calls):
            lines += self._call(call, number, made, several=calls[call.layer] > 1)
        inputs = {name: self.variables[name] for name in graph.inputs}
        outputs = {}
        for target, tensor in self.outputs.items():
            before, outputs[target] = self._end(target, tensor)
            lines += before
        network = Call("keras.Model", [_one_or_all(inputs), _one_or_all(outputs)], {"name": literal(self.label)})
        return [*lines, text(network, "return ", 4)]

    def ends_in_float32(self) -> bool:
        """Whether an output has to be cast to 32 bits, since its layer does not give them."""
        return self.is_small and any(self._is_small_end(tensor) for tensor in self.outputs.values())

    def _is_small_end(self, tensor: Tensor) -> bool:
        call = self.graph.call(tensor.call)
        layer = self.graph.layers[call.layer] if call else None
        return layer is None or not _takes_dtype(layer) or "dtype" in layer.arguments

    def _end(self, target: str, tensor: Tensor) -> tuple[list[str], str]:
        """The output for a target: scaled back, and in 32 bits."""
        given = self._tensor(tensor)
        if target in self.subject.scaled:
            self.parameters |= {name: f"{name}: np.ndarray" for name in ("mean", "deviation")}
            scale = {
                "axis": "-1 if mean.ndim else None",
                "mean": "mean.tolist()",
                "variance": "np.square(deviation).tolist()",
                "invert": "True",
                "dtype": literal("float32"),
                "name": literal(f"{target}_in_its_units"),
            }
            return [text(Call(Call("layers.Normalization", (), scale), [given]), "outputs = ", 4)], "outputs"
        if self.is_small and self._is_small_end(tensor):
            cast = {"dtype": literal("float32"), "name": literal(f"{target}_in_float32")}
            variable = self._free(f"{target}_in_float32")
            return [text(Call(Call("layers.Identity", (), cast), [given]), f"{variable} = ", 4)], variable
        return [], given

    def _call(self, call: LayerCall, number: int, made: dict[str, str], several: bool) -> list[str]:
        """The lines that make a layer, where it is new, and call it."""
        component = self.graph.layers[call.layer]
        variable = self._variable(call, number)
        given = [] if call.first is None else [self._argument_of(call.first)]
        named = {name: self._argument_of(value) for name, value in call.named.items()}
        lines: list[str] = []
        if call.layer in made:
            lines.append(text(Call(made[call.layer], given, named), f"{variable} = ", 4))
        elif self._is_function(component):
            lines += self._of_function(call, component, variable, several)
        elif _is_adapted(component) or several:
            made[call.layer] = layer = self._free(f"{call.layer}_layer")
            lines.append(text(self._layer(call), f"{layer} = ", 4))
            if _is_adapted(component):
                lines.append(text(Call(f"{layer}.adapt", [self._examples(call)]), "", 4))
            lines.append(text(Call(layer, given, named), f"{variable} = ", 4))
        else:
            lines.append(text(Call(self._layer(call), given, named), f"{variable} = ", 4))
        self.variables[call.name] = variable
        return lines

    def _of_function(self, call: LayerCall, component: Component, variable: str, several: bool) -> list[str]:
        """A layer of dlkit's that is made of Keras's: a model inside the model."""
        if several:
            raise refusal(f"`{component.name}`", "is called several times, which a script cannot hold yet")
        assert isinstance(call.first, Tensor)
        recipe, copies = self.subject.recipe, self.subject.copies
        function: Code = own_function(component, recipe.components, copies)
        arguments = {name: argument_of(value, recipe.components, copies) for name, value in component.arguments.items()}
        given: list[Code] = [self._tensor(call.first)]
        if _learns(component, self.subject):
            given.append(self._examples(call))
        piece = "as_fitted_layer" if len(given) > 1 else "as_layer"
        kept = {"name": literal(call.layer), **arguments}
        layer = Call(self.subject.piece("models", piece), [function, *given], kept)
        return [text(layer, f"{variable} = ", 4)]

    def _is_function(self, component: Component) -> bool:
        """Whether it is a function of dlkit's, that puts layers together."""
        if component.kind != "layer" or catalogue().find("layer", component.name) is not None:
            return False
        return not own_function(component, self.subject.recipe.components, self.subject.copies)[0].isupper()

    def _examples(self, call: LayerCall) -> Code:
        """The training examples as they arrive at a layer."""
        if not isinstance(call.first, Tensor) or len(self.graph.inputs) > 1:
            raise refusal(f"the layer `{call.layer}`", "learns from several features, which a script cannot hold yet")
        self.parameters["x_train"] = "x_train: np.ndarray"
        if call.first.call in self.graph.inputs:
            return "x_train"
        (name,) = self.graph.inputs
        model = Call("keras.Model", [self.variables[name], self._tensor(call.first)])
        return Call(self.subject.piece("models", "outputs_over"), [model, "x_train"])

    def _layer(self, call: LayerCall) -> Call:
        """The call that makes a layer."""
        component = self.graph.layers[call.layer]
        if component.kind == "run":
            return self._saved(call, component)
        if component.kind != "layer":
            raise refusal(f"`{component.name}`", "is a model of its own, which a script cannot hold yet")
        more: dict[str, Code] = {}
        if self._wants_float32(call, component):
            more["dtype"] = literal("float32")
        return call_of(component, self.subject.recipe.components, self.subject.copies, **more, name=literal(call.layer))

    def _saved(self, call: LayerCall, component: Component) -> Call:
        """The call that makes a layer of a saved model."""
        if call.first is None:
            raise refusal(f"`{component.name}`", "is called on several inputs, which a script cannot do yet")
        file = saved_file(call.layer)
        self.parameters[file] = f"{file}: Path"
        self.subject.copies.use("from pathlib import Path")
        given = {name: literal(value) for name, value in component.arguments.items()}
        return Call(self.subject.piece("models", "saved_layer"), [file], {**given, "name": literal(call.layer)})

    def _wants_float32(self, call: LayerCall, component: Component) -> bool:
        """Whether a layer computes in 32 bits though the others have fewer: see `dlkit.models.layer`."""
        if not self.is_small or not _takes_dtype(component) or "dtype" in component.arguments:
            return False
        is_output = call.name in {tensor.call for tensor in self.outputs.values()}
        return is_output or component.name == "Rescaling" or component.name in ADAPTED

    def _input(self, name: str) -> Call:
        feature = self.features[name]
        assert feature.shape is not None
        dtype: dict[str, Code] = {} if feature.dtype == "float32" else {"dtype": literal(feature.dtype)}
        return Call("keras.Input", [_shape(feature)], {**dtype, "name": literal(name)})

    def _variable(self, call: LayerCall, number: int) -> str:
        """`x` where only the next call uses the output, else a variable of its own."""
        calls = self.graph.calls
        users = [place for place, each in enumerate(calls) if _uses(each, call.name)]
        is_output = any(tensor.call == call.name for tensor in self.outputs.values())
        is_last = is_output and len(self.outputs) == 1 and not users
        return "x" if is_last or (users == [number + 1] and not is_output) else self._free(call.name)

    def _free(self, name: str) -> str:
        """A variable of that name, or nearly so, that nothing has yet."""
        taken = {*self.variables.values(), *_NAMES_OF_SCRIPT, *self.subject.copies.sources}
        variable = identifier(name)
        while variable in taken or keyword.iskeyword(variable) or not variable.isidentifier():
            variable = f"{variable}_" if variable.isidentifier() else f"_{variable}"
        return variable

    def _argument_of(self, value: Any) -> Code:
        if isinstance(value, Tensor):
            return self._tensor(value)
        return Items([self._tensor(item) for item in value]) if isinstance(value, tuple) else literal(value)

    def _tensor(self, tensor: Tensor) -> str:
        variable = self.variables[tensor.call]
        return variable if tensor.index is None else f"{variable}[{tensor.index}]"


def _one_or_all(variables: dict[str, str]) -> Code:
    if len(variables) == 1:
        return next(iter(variables.values()))
    return Pairs({literal_text(name): variable for name, variable in variables.items()})


def _shape(feature: Feature) -> str:
    lengths = [str(length) for length in feature.shape or ()]
    return f"({lengths[0]},)" if len(lengths) == 1 else f"({', '.join(lengths)})"


def _uses(call: LayerCall, name: str) -> bool:
    values = [call.first, *call.named.values()]
    tensors = [each for value in values for each in (value if isinstance(value, tuple) else [value])]
    return any(isinstance(each, Tensor) and each.call == name for each in tensors)


def _takes_dtype(component: Component) -> bool:
    spec = catalogue().find("layer", component.name) if component.kind == "layer" else None
    return spec is not None and "dtype" in spec.arguments


def _is_adapted(component: Component) -> bool:
    return component.name in ADAPTED and not any(key in component.arguments for key in GIVEN)


def _learns(component: Component, subject: Subject) -> bool:
    """Whether a function looks at the training examples."""
    declaration = subject.recipe.components.declaration("layer", component.name)
    assert declaration is not None and declaration.path is not None
    head = declaration.path.read_text(encoding="utf-8").partition(f"def {component.name}(")[2].partition("->")[0]
    return "examples" in head
