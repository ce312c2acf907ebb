"""A feature that holds a target one token earlier: what a source may say of it, and what follows for loss and metrics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dlkit.recipe.declarations import DeclarationError, read_declarations
from dlkit.recipe.diagnostics import RecipeError
from dlkit.recipe.graph import Tensor
from dlkit.recipe.load import Recipe, parse
from dlkit.recipe.supervision import Supervision, logged_names

LAYERS = (
    "[{Flatten: {from: image}}, {Dense: {units: 26, name: seen}}, "
    "{Embedding: {input_dim: 24, output_dim: 8, name: read, from: words}}, "
    "{Reshape: {target_shape: [26, 1], name: places, from: seen}}, {Concatenate: {from: [read, places]}}, %s]"
)


def recipe(last: str, inputs: str = "[image, words]", training: str = "") -> Recipe:
    layers = LAYERS % last if "words" in inputs else f"[Flatten, {{Dense: {{units: 624}}}}, {last}]"
    return parse(
        f"name: a/b\ndata: {{source: captions}}\ntraining: {{epochs: 1{training}}}\n"
        f"model: {{functional: {{inputs: {inputs}, layers: {layers}}}}}\n"
    )


def supervision(*arguments: str, **more: str) -> Supervision:
    return recipe(*arguments, **more).supervisions["caption"]


@pytest.mark.parametrize(("activation", "from_logits"), [("linear", True), ("softmax", False)])
def test_the_loss_is_inferred_and_passes_over_padding(activation: str, from_logits: bool) -> None:
    found = supervision(f"{{Dense: {{units: $data.classes, activation: {activation}}}}}")
    assert found.forced == "words"
    assert found.loss.name == "SparseCategoricalCrossentropy"
    assert found.loss.arguments == {"from_logits": from_logits, "ignore_class": 0}
    assert found.logits is from_logits
    assert logged_names({"caption": found}) == ["loss", "token_accuracy"]


def test_a_written_loss_stays_as_it_is() -> None:
    found = supervision("{Dense: {units: 24}}", training=", loss: SparseCategoricalCrossentropy")
    assert found.loss.arguments == {"from_logits": True}
    assert found.forced == "words"


@pytest.mark.parametrize(
    ("last", "inputs", "code"),
    [
        ("{Dense: {units: 23}}", "[image, words]", "output-size"),
        ("{Dense: {units: 24, activation: tanh}}", "[image, words]", "no-loss"),
        ("{Reshape: {target_shape: [26, 24]}}", "[image]", "no-loss"),  # not told by the words so far
    ],
)
def test_what_no_loss_can_be_inferred_for(last: str, inputs: str, code: str) -> None:
    with pytest.raises(RecipeError) as error:
        recipe(last, inputs)
    assert [each.code for each in error.value.diagnostics] == [code]


TARGET = {"kind": "sequence", "shape": [None], "labels": ["", "<start>", "<end>", "a"]}


@pytest.mark.parametrize(
    ("named", "target"),
    [("other", TARGET), ("told", {**TARGET, "labels": ["", "a"]}), ("told", {**TARGET, "kind": "classes"})],
)
def test_a_source_names_a_sequence_with_a_start_and_an_end(tmp_path: Path, named: str, target: dict[str, Any]) -> None:
    def written(name: str, described: dict[str, Any]) -> Path:
        file = tmp_path / "mine.py"
        features = {"words": {"kind": "sequence", "shape": [None], "dtype": "int32", "teacher_forcing": name}}
        file.write_text(
            f"@register(kind='source', features={features!r}, targets={{'told': {described!r}}})\n"
            "def mine():\n    '''Mine.'''\n"
        )
        return file

    with pytest.raises(DeclarationError, match="teacher_forcing"):
        read_declarations(written(named, target), "plugin")
    assert read_declarations(written("told", TARGET), "plugin")


def test_an_architecture_may_take_several_inputs() -> None:
    graph = recipe("{show_and_tell: {vocabulary_size: 24, from: [image, words]}}").graphs["model"]
    given = {call.name: call.first for call in graph.calls}
    assert given["show_and_tell.conv_1"] == Tensor("image")
    assert given["show_and_tell.embedding"] == Tensor("words")
    with pytest.raises(RecipeError, match="`show_and_tell` takes `image`, `words`; `words` is missing"):
        recipe("{show_and_tell: {vocabulary_size: 24, from: [image]}}")
