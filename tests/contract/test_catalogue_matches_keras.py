"""The catalogue against the installed Keras: every component is built from what the catalogue tells of it."""

from __future__ import annotations

import importlib.util
import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from dlkit.recipe.catalogue import Argument, ComponentSpec, catalogue

keras = pytest.importorskip("keras")
MODULES = {
    "layer": keras.layers,
    "optimizer": keras.optimizers,
    "loss": keras.losses,
    "metric": keras.metrics,
    "callback": keras.callbacks,
    "schedule": keras.optimizers.schedules,
    "initializer": keras.initializers,
    "regularizer": keras.regularizers,
    "constraint": keras.constraints,
}
MEMBERS = [(kind, name) for kind in MODULES for name in catalogue().names(kind)]

# A value of each type that has no range and no choices.
FIXED: dict[str, Any] = {
    "bool": True,
    "null": None,
    "dtype": "float32",
    "shape": [2, 2, 2],
    "initializer": "zeros",
    "regularizer": "l2",
    "constraint": "max_norm",
    "activation": "relu",
    "map[float]": {"dmax": 1.0},
    "map[str]": {"layer": "file"},
}
# What no type tells, as `Component.argument`: the values to try,
VALUES: dict[str, list[Any]] = {
    "Bidirectional.backward_layer": [{"LSTM": {"units": 1, "go_backwards": True}}],
    "Discretization.bin_boundaries": [[0.0, 1.0]],
    "Discretization.num_bins": [4],
    "EinsumDense.equation": ["ab,bc->ac"],
    "Hashing.dtype": ["int32"],
    "IntegerLookup.idf_weights": [[0.5, 0.5]],
    "IntegerLookup.vocabulary": [[1, 2]],
    "ModelCheckpoint.filepath": ["best.keras"],
    "Normalization.mean": [1.0],
    "Normalization.variance": [1.0],
    "Permute.dims": [[2, 1]],
    "PiecewiseConstantDecay.boundaries": [[1, 2]],
    "PiecewiseConstantDecay.values": [[0.3, 0.2, 0.1]],
    "RNN.cell": [{"LSTMCell": {"units": 1}}],
    "Reshape.target_shape": [[2, -1]],
    "STFT.window": ["hann", None],
    "STFTSpectrogram.fft_length": [None, 512],
    "STFTSpectrogram.window": ["hann", None],
    "StackedRNNCells.cells": [[{"LSTMCell": {"units": 1}}]],
    "StringLookup.idf_weights": [[0.5, 0.5]],
    "StringLookup.vocabulary": [["a", "b"]],
    "TextVectorization.idf_weights": [[0.5, 0.5]],
    "TextVectorization.vocabulary": [["a", "b"]],
}
# the arguments that must be given beside it,
TOGETHER: dict[str, dict[str, Any]] = {
    "AUC.num_labels": {"multi_label": True},
    "Discretization.bin_boundaries": {"num_bins": None},
    "Discretization.sparse": {"output_mode": "one_hot"},
    "HashedCrossing.sparse": {"output_mode": "one_hot"},
    "Hashing.sparse": {"output_mode": "one_hot"},
    "IntegerLookup.idf_weights": {"output_mode": "tf_idf", "vocabulary": [1, 2]},
    "IntegerLookup.pad_to_max_tokens": {"max_tokens": 9},
    "IntegerLookup.salt": {"oov_method": "farmhash"},
    "IntegerLookup.sparse": {"output_mode": "one_hot"},
    "ModelCheckpoint.save_weights_only": {"filepath": "best.weights.h5"},
    "Normalization.mean": {"variance": 1.0},
    "Normalization.variance": {"mean": 1.0},
    "StringLookup.idf_weights": {"output_mode": "tf_idf", "vocabulary": ["a", "b"]},
    "StringLookup.pad_to_max_tokens": {"max_tokens": 9},
    "StringLookup.sparse": {"output_mode": "one_hot"},
    "TextVectorization.idf_weights": {"output_mode": "tf_idf", "vocabulary": ["a", "b"]},
    "TextVectorization.pad_to_max_tokens": {"max_tokens": 9},
    "TextVectorization.sparse": {"output_mode": "multi_hot"},
}
# and, as `Component`, the arguments of which it needs one, though none is required.
NEEDED: dict[str, dict[str, Any]] = {"Discretization": {"num_bins": 4}}


@pytest.fixture(scope="module")
def script(repository: Path) -> ModuleType:
    location = importlib.util.spec_from_file_location(
        "update_catalogue", repository / "scripts" / "update_catalogue.py"
    )
    assert location and location.loader
    module = importlib.util.module_from_spec(location)
    location.loader.exec_module(module)
    return module


def spec_of(kind: str, name: str) -> ComponentSpec:
    spec = catalogue().find(kind, name)
    assert spec
    return spec


def target_of(kind: str, name: str) -> type:
    """Keras's class for a component; a few names are known to Keras's getters alone."""
    spec = spec_of(kind, name)
    return getattr(MODULES[kind], name, None) or getattr(MODULES[kind], spec.alias_of or name)


def build(kind: str, name: str, arguments: dict[str, Any]) -> Any:
    """The Keras object, with the components inside of its arguments built too."""
    known = spec_of(kind, name).arguments
    return target_of(kind, name)(**{key: built(known[key].type, value) for key, value in arguments.items()})


def built(kind: str, value: Any) -> Any:
    for part in kind.split("|"):
        if part in ("layer", "schedule") and isinstance(value, dict):
            ((name, arguments),) = value.items()
            return build(part, name, arguments)
        if part in ("initializer", "regularizer", "constraint") and isinstance(value, dict):
            ((name, arguments),) = value.items()
            return build(part, name, arguments)
        if part == "list[layer]":
            return [built("layer", item) for item in value]
    return value


def examples(name: str, argument: Argument) -> Iterator[Any]:
    """A plausible value for each alternative of an argument's type, and every choice."""
    if f"{name}.{argument.name}" in VALUES:
        yield from VALUES[f"{name}.{argument.name}"]
        return
    for part in argument.type.split("|"):
        yield from examples_of(part, argument)


def examples_of(part: str, argument: Argument) -> Iterator[Any]:
    match part:
        case "int" | "duration":
            yield int(argument.min) if argument.min is not None else 1
        case "float":
            yield inside(argument)
        case "str":
            yield from argument.choices or ("text",)
        case "layer":
            yield {"LSTM": {"units": 1}}
        case "schedule":
            yield {"CosineDecay": {"initial_learning_rate": 0.1, "decay_steps": 10}}
        case "list[list[int]]":
            assert argument.length
            yield [[1, 2]] * argument.length[0]
        case _ if part.startswith("list["):
            item = next(examples_of(part[5:-1], argument))
            yield [item] * (argument.length[0] if argument.length else 2)
        case _:
            yield FIXED[part]


def inside(argument: Argument) -> float:
    """A number within the bounds."""
    low = argument.min if argument.min is not None else argument.above
    high = argument.max if argument.max is not None else argument.below
    if low is not None and high is not None:
        return (low + high) / 2
    return low + 1.0 if low is not None else high - 1.0 if high is not None else 0.5


def minimal(kind: str, name: str) -> dict[str, Any]:
    """The required arguments, and those that Keras asks for by other ways."""
    spec = spec_of(kind, name)
    known = spec.alias_of or name
    required = {key: next(examples(known, argument)) for key, argument in spec.arguments.items() if argument.required}
    return NEEDED.get(known, {}) | required


def test_the_file_is_what_the_script_writes(script: ModuleType) -> None:
    assert script.CATALOGUE.read_text(encoding="utf-8") == script.dump(script.build()), (
        "run scripts/update_catalogue.py"
    )


def test_every_argument_has_a_type(script: ModuleType) -> None:
    document = json.loads(script.CATALOGUE.read_text(encoding="utf-8"))
    assert "without a type:" not in script.report(document)


@pytest.mark.parametrize(("kind", "name"), MEMBERS)
def test_a_component_is_built_from_its_required_arguments(kind: str, name: str) -> None:
    build(kind, name, minimal(kind, name))


@pytest.mark.parametrize(("kind", "name"), MEMBERS)
def test_each_required_argument_is_needed(kind: str, name: str) -> None:
    given = minimal(kind, name)
    for key, argument in spec_of(kind, name).arguments.items():
        if argument.required:
            with pytest.raises((TypeError, ValueError)):
                build(kind, name, {other: value for other, value in given.items() if other != key})


@pytest.mark.parametrize(("kind", "name"), MEMBERS)
def test_a_component_takes_all_its_arguments_at_their_defaults(kind: str, name: str) -> None:
    defaults = {
        key: argument.default for key, argument in spec_of(kind, name).arguments.items() if not argument.required
    }
    build(kind, name, defaults | minimal(kind, name))


@pytest.mark.parametrize(("kind", "name"), MEMBERS)
def test_defaults_are_those_of_the_constructor(kind: str, name: str) -> None:
    spec = spec_of(kind, name)
    for parameter in list(inspect.signature(target_of(kind, name).__init__).parameters.values())[1:]:
        argument = spec.arguments.get(parameter.name)
        if argument is None or argument.required:
            assert argument is None or parameter.default in (parameter.empty, None)
        else:
            assert json.dumps(argument.default) == json.dumps(parameter.default), parameter.name


@pytest.mark.parametrize(("kind", "name"), MEMBERS)
def test_every_type_and_choice_is_taken(kind: str, name: str) -> None:
    spec = spec_of(kind, name)
    known = spec.alias_of or name
    for key, argument in spec.arguments.items():
        for value in examples(known, argument):
            given = minimal(kind, name) | TOGETHER.get(f"{known}.{key}", {}) | {key: value}
            try:
                build(kind, name, given)
            except (TypeError, ValueError, NotImplementedError, AttributeError) as error:
                pytest.fail(f"{name}({given}): {error!r}")


@pytest.mark.parametrize("name", catalogue().names("activation"))
def test_keras_takes_every_activation_by_name(name: str) -> None:
    assert callable(keras.activations.get(name))
    assert keras.layers.Dense(1, activation=name).activation is keras.activations.get(name)


@pytest.mark.parametrize("name", catalogue().names("application"))
def test_applications_have_these_arguments_and_defaults(name: str) -> None:
    parameters = dict(inspect.signature(getattr(keras.applications, name)).parameters)
    del parameters["input_tensor"]
    arguments = spec_of("application", name).arguments
    assert {key: parameter.default for key, parameter in parameters.items()} == {
        key: argument.default for key, argument in arguments.items()
    }


@pytest.mark.parametrize("name", [name for kind, name in MEMBERS if kind == "layer"])
def test_a_layer_is_called_with_these_tensors(name: str) -> None:
    spec = spec_of("layer", name)
    parameters = inspect.signature(target_of("layer", name).call).parameters
    assert [*parameters][1] == spec.call[0]
    assert {*spec.call, *spec.flags} <= {*parameters}
    assert all(isinstance(parameters[flag].default, bool) for flag in spec.flags)
