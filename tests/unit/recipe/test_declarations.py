"""What components declare, read from their text: nothing of it runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from dlkit.recipe.catalogue import Argument
from dlkit.recipe.declarations import Declaration, DeclarationError, read_declarations


def declared(tmp_path: Path, text: str) -> tuple[Declaration, ...]:
    path = tmp_path / "plugin.py"
    path.write_text(text, encoding="utf-8")
    return read_declarations(path, "plugin")


def test_a_layer(tmp_path: Path) -> None:
    text = '''
import keras
import dlkit
from typing import Annotated, Literal

SIZES = [3, 5]

@dlkit.register
class GaussianMixture(keras.layers.Layer):
    """Mixes.

    More.
    """

    def __init__(self, units: Annotated[int, dlkit.Range(min=1, below=9)], mode: Literal["a", "b"] = "a",
                 sizes: list[int] = SIZES, rate=keras.config.floatx(), *, scale: "float | None" = None, **kwargs):
        super().__init__(**kwargs)

    def call(self, query, value, training=False, mask=None):
        return query
'''
    (found,) = declared(tmp_path, text)
    assert (found.spec.kind, found.spec.name, found.spec.summary) == ("layer", "gaussian_mixture", "Mixes.")
    assert found.spec.call == ("query", "value")
    assert [*found.spec.arguments] == ["name", "dtype", "trainable", "units", "mode", "sizes", "rate", "scale"]
    arguments = found.spec.arguments
    assert arguments["units"] == Argument("units", "int", required=True, min=1, below=9)
    assert arguments["mode"] == Argument("mode", "str", default="a", choices=("a", "b"))
    assert arguments["sizes"] == Argument("sizes", "list[int]", default=[3, 5])
    assert arguments["rate"] == Argument("rate", "any")
    assert arguments["scale"] == Argument("scale", "float|null")


@pytest.mark.parametrize(
    ("annotation", "told"),
    [
        ("int", "int"),
        ("float | None", "float|null"),
        ("list[int | None]", "list[int|null]"),
        ("tuple[int, int]", "list[int]"),
        ("Sequence[str]", "list[str]"),
        ("dict[str, float]", "map[float]"),
        ("dict", "map[any]"),
        ("list", "list[any]"),
        ("Path", "path"),
        ("Any", "any"),
        ("np.ndarray", "any"),
        ("Initializer", "initializer"),
        ("keras.Layer", "layer"),
        ("'int'", "int"),
        ("'int |'", "any"),
        ("Literal['a', 1]", "str"),
    ],
)
def test_types(tmp_path: Path, annotation: str, told: str) -> None:
    text = f"@register(kind='architecture')\ndef net(x: {annotation}):\n    ...\n"
    (found,) = declared(tmp_path, text)
    assert found.spec.arguments["x"].type == told


@pytest.mark.parametrize(
    ("annotation", "length"), [("tuple[int, int] | None", (2, 2)), ("tuple[int, ...]", None), ("list[int]", None)]
)
def test_a_tuple_tells_its_length(tmp_path: Path, annotation: str, length: tuple[int, int] | None) -> None:
    (found,) = declared(tmp_path, f"@register(kind='architecture')\ndef net(x: {annotation}):\n    ...\n")
    assert found.spec.arguments["x"].length == length


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        ("@register(kind='source')\ndef thing(): ...", "source"),
        ("@register\nclass Thing(keras.losses.Loss): ...", "loss"),
        ("@dlkit.register()\nclass Thing(Metric): ...", "metric"),
        ("@dlkit.recipe.register\nclass Thing(keras.callbacks.Callback): ...", "callback"),
        ("@register\nclass Thing(LearningRateSchedule): ...", "schedule"),
    ],
)
def test_kinds(tmp_path: Path, head: str, kind: str) -> None:
    (found,) = declared(tmp_path, head)
    assert (found.spec.kind, found.spec.name) == (kind, "thing")


def test_what_a_source_declares(tmp_path: Path) -> None:
    text = """
LABELS = ["a", "b"]
VECTOR = {"kind": "vector", "dtype": "float64"}

@register(kind="source", name="mine", features={"x": {**VECTOR, "shape": [3]}},
          targets={"y": {"kind": "classes", "labels": LABELS}}, unused=["data.test"])
def anything(path: str | None = None): ...
"""
    (found,) = declared(tmp_path, text)
    assert found.spec.name == "mine"
    assert found.declared["features"] == {"x": {"kind": "vector", "dtype": "float64", "shape": [3]}}
    assert found.declared["targets"] == {"y": {"kind": "classes", "labels": ["a", "b"]}}
    assert found.declared["unused"] == ["data.test"]


def test_a_pattern_without_gradients_has_no_optimizer_and_no_loss_to_write(tmp_path: Path) -> None:
    text = "@register(kind='pattern', layers=['Flatten'], gradients=False, unused=['data.targets'])\nclass Mine: ..."
    (found,) = declared(tmp_path, text)
    assert {"training.optimizer", "training.loss", "data.targets"} <= set(found.declared["unused"])


def test_what_is_not_registered_is_no_component(tmp_path: Path) -> None:
    assert (
        declared(
            tmp_path, "class A(Layer): ...\n@other\ndef b(): ...\nif True:\n    @register\n    class C(Layer): ..."
        )
        == ()
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("@register\nclass A: ...", "what kind of component is `A`?"),
        ("@register(kind='network')\ndef a(): ...", "what kind of component is `a`?"),
        ("@register(kind=['layer'])\ndef a(): ...", "what kind of component is `a`?"),
        ("@register(kind=KIND)\ndef a(): ...", "must be a literal"),
        ("@register(kind='layer', name='MyLayer')\nclass A: ...", "names are snake_case"),
        ("@register(kind='layer', name=3)\nclass A: ...", "no name for a component"),
        ("@register(kind='architecture')\ndef a(repeat: int): ...", "cannot have an argument `repeat`"),
        ("@register(kind='architecture')\ndef a(x: Annotated[int, Range(minimum=1)]): ...", "Range takes numbers"),
        ("@register(kind='architecture')\ndef a(x: Annotated[int, Range(min='a')]): ...", "Range takes numbers"),
        ("@register(kind='source', features=[1])\ndef a(): ...", "the features and targets of `a` cannot be read"),
        (
            "@register(kind='source', features={'x': {}})\ndef a(): ...",
            "the features and targets of `a` cannot be read",
        ),
        ("@register(kind='architecture', inputs='words')\ndef a(): ...", "`inputs` of `a` is a list of names"),
        ("@register(kind='source', unused='data.test')\ndef a(): ...", "`unused` of `a` is a list of paths"),
        (
            "@register(kind='pattern', layers=[], generates=1)\nclass A: ...",
            "`generates` of `a` is the name of a network",
        ),
        ("def a(:\n", "this is no Python"),
        ("a = '\0'", "this is no Python"),
        ("a = " + "(" * 5_000, "this is no Python"),
        ("@register(kind='architecture')\ndef a(x: " + "|".join(["int"] * 3_000) + "): ...", "nested too deep"),
    ],
)
def test_mistakes(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DeclarationError) as raised:
        declared(tmp_path, text)
    assert message in raised.value.message
