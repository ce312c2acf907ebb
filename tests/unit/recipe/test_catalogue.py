"""The catalogue's loader, without Keras."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from dlkit.recipe.catalogue import KINDS, Argument, Catalogue, ComponentSpec, catalogue

TYPES = {
    *("int", "float", "bool", "str", "null", "dtype", "duration", "shape"),
    *("activation", "initializer", "regularizer", "constraint", "layer", "schedule"),
}
DOCUMENT = {
    "keras_version": "3.0",
    "arguments": {
        "rate": {"type": "float", "required": True, "min": 0, "below": 1, "summary": "Share dropped"},
        "name": {"type": "str|null", "default": None},
        "name.2": {"type": "str", "default": "accuracy", "choices": ["a", "b"]},
        "size": {"type": "int|list[int]", "default": [2, 2], "length": [2, 2]},
    },
    "components": {
        "layer": {
            "Add": {"summary": "Adds", "arguments": ["name"], "call": ["inputs"], "takes_list": True},
            "Lambda": {"summary": "", "refused": "it runs code"},
            "Pool": {"summary": "Pools", "arguments": ["rate", "size", "name"], "call": ["x"], "flags": ["reverse"]},
            "Pooling": {"alias_of": "Pool"},
            "Code": {"alias_of": "Lambda"},
        },
        "metric": {"Add": {"summary": "Counts", "arguments": ["name.2"]}},
    },
}


def specs() -> list[ComponentSpec]:
    known = catalogue()
    found = [known.find(kind, name) for kind in KINDS for name in known.names(kind)]
    return [spec for spec in found if spec]


def test_a_component_has_its_arguments_in_order() -> None:
    assert Catalogue(DOCUMENT).find("layer", "Pool") == ComponentSpec(
        kind="layer",
        name="Pool",
        summary="Pools",
        arguments={
            "rate": Argument("rate", "float", required=True, min=0, below=1, summary="Share dropped"),
            "size": Argument("size", "int|list[int]", default=[2, 2], length=(2, 2)),
            "name": Argument("name", "str|null"),
        },
        call=("x",),
        flags=("reverse",),
    )


def test_arguments_of_one_name_may_differ_between_components() -> None:
    spec = Catalogue(DOCUMENT).find("metric", "Add")
    assert spec and spec.arguments == {"name": Argument("name", "str", default="accuracy", choices=("a", "b"))}


def test_another_name_of_a_component_has_its_description() -> None:
    known = Catalogue(DOCUMENT)
    alias, pool = known.find("layer", "Pooling"), known.find("layer", "Pool")
    assert alias and pool
    assert (alias.name, alias.alias_of, pool.alias_of) == ("Pooling", "Pool", None)
    assert alias.arguments == pool.arguments


def test_refused_components_are_found_but_not_offered() -> None:
    known = Catalogue(DOCUMENT)
    spec = known.find("layer", "Lambda")
    assert spec and spec.refused == "it runs code"
    assert known.names("layer") == ("Add", "Pool", "Pooling")


def test_what_is_not_known_is_not_found() -> None:
    known = Catalogue(DOCUMENT)
    assert known.find("layer", "Dens") is None
    assert known.find("shape", "Add") is None
    assert known.names("shape") == ()
    assert known.kinds_of("Add") == ("layer", "metric")
    assert known.kinds_of("Dens") == ()


def test_the_catalogue_that_ships_has_every_kind() -> None:
    assert re.fullmatch(r"3\.\d+\.\d+", catalogue().keras_version)
    assert all(catalogue().names(kind) for kind in KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_names_are_sorted_and_found(kind: str) -> None:
    names = catalogue().names(kind)
    assert list(names) == sorted(names)
    assert all(kind in catalogue().kinds_of(name) for name in names)


@pytest.mark.parametrize("spec", specs(), ids=lambda spec: f"{spec.kind}-{spec.name}")
def test_a_description_is_consistent(spec: ComponentSpec) -> None:
    assert spec.summary
    assert bool(spec.call) == (spec.kind == "layer")
    for argument in spec.arguments.values():
        assert argument.summary, argument.name
        parts = argument.type.split("|")
        assert {re.sub(r"^(?:list|map)\[|\]", "", re.sub(r"^list\[", "", part)) for part in parts} <= TYPES, argument
        assert argument.required or default_fits(argument), argument
        assert not argument.choices or "str" in parts
        assert not argument.length or "list" in argument.type or "shape" in parts
        assert argument.min is None or argument.above is None
        assert argument.max is None or argument.below is None


def default_fits(argument: Argument) -> bool:
    """Whether the default is of one of the argument's types, and within its range."""
    default, parts = argument.default, argument.type.split("|")
    if default is None:
        return "null" in parts
    if isinstance(default, bool):
        return "bool" in parts
    if isinstance(default, str):
        return default in (argument.choices or [default]) and bool({"str", "activation", "initializer"} & {*parts})
    if isinstance(default, list) and "list[" not in argument.type:
        return False
    if not isinstance(default, list) and not {"int", "float", "duration"} & {*parts}:
        return False
    return all(
        (argument.min is None or number >= argument.min)
        and (argument.max is None or number <= argument.max)
        and (argument.above is None or number > argument.above)
        and (argument.below is None or number < argument.below)
        for number in flat([default])
    )


def flat(values: list[object]) -> list[float]:
    return [number for value in values for number in (flat(value) if isinstance(value, list) else [value])]  # type: ignore[misc]


@pytest.mark.parametrize(
    ("kind", "name", "required"),
    [
        ("layer", "Dense", {"units"}),
        ("layer", "Conv2D", {"filters", "kernel_size"}),
        ("layer", "Dropout", {"rate"}),
        ("layer", "LSTM", {"units"}),
        ("layer", "Embedding", {"input_dim", "output_dim"}),
        ("layer", "Flatten", set()),
        ("layer", "CategoryEncoding", {"num_tokens"}),
        ("callback", "EarlyStopping", set()),
        ("callback", "ModelCheckpoint", {"filepath"}),
        ("schedule", "ExponentialDecay", {"initial_learning_rate", "decay_steps", "decay_rate"}),
    ],
)
def test_required_arguments(kind: str, name: str, required: set[str]) -> None:
    spec = catalogue().find(kind, name)
    assert spec and {key for key, argument in spec.arguments.items() if argument.required} == required


def test_how_layers_are_called() -> None:
    names = ("Dense", "Concatenate", "MultiHeadAttention")
    dense, concatenate, attention = (catalogue().find("layer", name) for name in names)
    assert dense and dense.call == ("inputs",) and not dense.takes_list
    assert concatenate and concatenate.takes_list
    assert attention and attention.call[:3] == ("query", "value", "key")
    assert attention.flags == ("return_attention_scores", "use_causal_mask")


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("layer", "Lambda"),
        ("callback", "LambdaCallback"),
        ("callback", "LearningRateScheduler"),
        ("callback", "BackupAndRestore"),
        ("callback", "RemoteMonitor"),
    ],
)
def test_what_runs_code_or_breaks_exactness_is_refused(kind: str, name: str) -> None:
    spec = catalogue().find(kind, name)
    assert spec and spec.refused
    assert name not in catalogue().names(kind)


def test_the_catalogue_is_read_without_keras() -> None:
    program = (
        "import sys; from dlkit.recipe.catalogue import catalogue; catalogue().find('layer', 'Dense');"
        "print([name for name in ('keras', 'tensorflow', 'numpy', 'yaml', 'pydantic') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
