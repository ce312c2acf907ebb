"""Properties of the recipe language: whatever it is given, it answers with a recipe or with diagnostics."""

from __future__ import annotations

import json
import random
import re
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dlkit.recipe.diagnostics import Diagnostic, RecipeError, Source
from dlkit.recipe.dump import to_yaml
from dlkit.recipe.load import Recipe, load, parse
from dlkit.recipe.nodes import plain
from dlkit.recipe.yaml_source import read_text

CHAIN = """\
# A chain with a block, references, stages and a search.
name: notes/chain
summary: "a text with ${seed}, $$ and a: colon"
seed: 7
data:
  source: digits
  validation: 0.2
  batch_size: 16
  limit: {per_class: 5}
blocks:
  unit:
    arguments: {filters: $required, rate: 0.1, twice: $filters}
    layers:
      - Conv2D: {filters: $filters, kernel_size: 3, padding: same}
      - Dropout: {rate: $rate}
  pair:
    arguments: {size: 4}
    layers:
      - unit: {filters: $size}
      - unit: {filters: $size, rate: 0.2, name: second}
model:
  sequential:
    - Rescaling: {scale: 1/16}
    - pair: {repeat: 2, name: body}
    - unit: {filters: 8}
    - Flatten
    - Dense: {units: $data.classes, name: head, kernel_regularizer: {L2: {l2: 1e-4}}}
training:
  epochs: 3
  optimizer: {SGD: {learning_rate: {CosineDecay: {initial_learning_rate: 0.1, decay_steps: {share: 0.5}}}}}
  callbacks:
    - EarlyStopping: {monitor: val_loss, patience: 2}
    - TerminateOnNaN
  stages:
    - {name: first, freeze: ["body_*"]}
    - name: second
      epochs: 2
      unfreeze: ["*"]
      optimizer: {SGD: {momentum: 0.9}}
      callbacks+:
        - CSVLogger: {filename: log.csv}
tune:
  algorithm: {random: {trials: 4}}
  objective: val_accuracy
  space:
    training.optimizer.momentum: {float: [0.1, 0.9]}
    model.sequential.unit.filters: {int: [1, 4]}
    data.batch_size: {choice: [8, 16]}
expect:
  test_accuracy: {at_least: 0.5}
quick:
  set: {training.epochs: 1, data.limit: 50}
  expect: {test_accuracy: {at_least: 0.1}}
"""
HEADS = """\
name: notes/heads
data:
  source: fashion_mnist
  targets: [garment, group]
model:
  functional:
    inputs: [image]
    layers:
      - Rescaling: {scale: 1/255, from: image}
      - Flatten: {name: flat}
      - Dense: {units: 16, activation: relu, name: shared}
      - reuse: {layer: flat, from: image}
      - Dense: {units: 16, name: other}
      - Add: {from: [shared, other], name: both}
      - MultiHeadAttention: {num_heads: 1, key_dim: 2, from: {query: both, value: shared}, name: looked}
      - Dense: {units: $data.targets.garment.classes, activation: softmax, name: garment, from: both}
      - Dense: {units: 5, name: group, from: both}
    outputs: {garment: garment, group: group}
training:
  epochs: 2
  losses: {group: SparseCategoricalCrossentropy}
  loss_weights: {garment: 1.0, group: 0.5}
  metrics_by_output: {garment: [SparseCategoricalAccuracy]}
evaluation:
  metrics: [{SparseTopKCategoricalAccuracy: {k: 2}}]
"""
PATTERN = """\
name: notes/pattern
data: {source: {fashion_mnist: {path: some/where}}, augment: [{RandomFlip: {mode: horizontal}}]}
model:
  gan:
    latent_size: 8
    generator: {sequential: [{Dense: {units: 784}}, {Reshape: {target_shape: [28, 28, 1]}}]}
    discriminator: {mlp: {units: [16]}}
training:
  epochs: 1
  optimizers: {generator: Adam, discriminator: {Adam: {learning_rate: 1e-4}}}
  stop_after: {minutes: 5}
export: {format: onnx, tolerance: 1e-3}
"""
VALID = (CHAIN, HEADS, PATTERN)

WORDS = sorted(
    set(re.findall(r"[\w.$+*-]+", "\n".join(VALID)))
    | {
        "Dense",
        "Lambda",
        "relu",
        "null",
        "true",
        "on",
        "1e-3",
        "0",
        "-1",
        ".nan",
        ".inf",
        "1/255",
        "'x'",
        '"',
        "[",
        "]",
    }
    | {"{", "}", ": ", "- ", "$", "${", "$$", "&a", "*a", "!!int", "<<", "#", "\t", "|", ">", "~", "?", "---"}
    | {"run:latest", "recipe:digits/cnn", "extends", "set", "plugins", "$data", "$model", "$training.epochs", "1e999"}
)
words = st.sampled_from(WORDS)
names = st.sampled_from([word for word in WORDS if re.fullmatch(r"[A-Za-z_.+]+", word)])
scalars = st.one_of(
    words,
    st.text(max_size=8),
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.booleans(),
    st.none(),
    st.sampled_from(
        ["1", "1.0", "true", "null", "on", "0o17", "1e3", "1/3", "$$", "$x", "${y}", "a$$b", " a", "a\nb", ""]
    ),
)
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names | st.text(max_size=5), inner, max_size=4),
    max_leaves=30,
)


def check(text: str, said: tuple[str, ...] = ()) -> Recipe | None:
    """A text gives a recipe that its dump gives again, or diagnostics that stand in the text."""
    try:
        recipe = parse(text, said)
    except RecipeError as error:
        assert error.diagnostics
        for diagnostic in error.diagnostics:
            check_diagnostic(diagnostic)
        return None
    check_round_trip(recipe)
    return recipe


def check_diagnostic(diagnostic: Diagnostic) -> None:
    span = diagnostic.span
    lines = span.source.lines
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", diagnostic.code)
    assert 1 <= span.line <= span.end_line <= len(lines)
    assert 1 <= span.column <= len(lines[span.line - 1]) + 1
    assert (
        1 <= span.end_column <= len(lines[span.end_line - 1]) + 1
        or span.source.text == ""
        or span.end_column == span.column + 1
    )
    assert (span.line, span.column) <= (span.end_line, span.end_column)
    rendered = diagnostic.render()
    assert all(character.isprintable() or character == "\n" for character in rendered)
    assert json.loads(json.dumps(diagnostic.as_json()))["line"] == span.line


def check_round_trip(recipe: Recipe) -> None:
    values = recipe.dump()
    again = parse(to_yaml(values))
    assert to_yaml(again.dump()) == to_yaml(values)
    assert repr(again.graphs) == repr(recipe.graphs)
    assert repr(again.config) == repr(recipe.config)
    assert repr(again.supervisions) == repr(recipe.supervisions)


@pytest.mark.parametrize("text", VALID)
def test_the_recipes_that_are_mutated_are_valid(text: str) -> None:
    assert check(text) is not None


@given(st.text())
def test_any_text(text: str) -> None:
    check(text)


@given(st.lists(words | st.sampled_from(["\n", "\n  ", "\n    ", " ", ": ", "\n- "]), max_size=40).map("".join))
def test_any_words_of_the_language(text: str) -> None:
    check(text)


def mutated(text: str, draw: random.Random) -> str:
    lines = text.split("\n")
    for _ in range(draw.choice([1, 1, 1, 2, 4])):
        at = draw.randrange(len(lines))
        match draw.randrange(8):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, lines[at])
            case 2:
                other = draw.randrange(len(lines))
                lines[at], lines[other] = lines[other], lines[at]
            case 3:
                lines[at] = draw.choice(["  ", "    ", " ", "\t", "- "]) + lines[at]
            case 4:
                lines[at] = lines[at][2:]
            case _:
                tokens = re.split(r"(\W)", lines[at])
                place = draw.randrange(len(tokens))
                tokens[place] = draw.choice(WORDS)
                lines[at] = "".join(tokens)
        if not lines:
            return ""
    return "\n".join(lines)


@given(st.sampled_from(VALID), st.integers(0, 2**32))
def test_mutated_recipes(text: str, seed: int) -> None:
    check(mutated(text, random.Random(seed)))


SECTIONS = st.fixed_dictionaries(
    {},
    optional={
        "name": st.just("a/b") | scalars,
        "summary": scalars,
        "seed": scalars,
        "set": st.dictionaries(names, trees, max_size=2),
        "data": trees
        | st.fixed_dictionaries({"source": st.just("digits") | trees}, optional={"limit": trees, "features": trees}),
        "blocks": st.dictionaries(
            names, trees | st.fixed_dictionaries({"layers": trees}, optional={"arguments": trees}), max_size=2
        ),
        "model": trees | st.fixed_dictionaries({"sequential": trees | st.lists(trees, max_size=4)}),
        "training": trees
        | st.fixed_dictionaries(
            {"epochs": scalars}, optional={"optimizer": trees, "stages": trees, "callbacks": trees, "metrics": trees}
        ),
        "tune": trees | st.fixed_dictionaries({"algorithm": trees, "space": st.dictionaries(names, trees, max_size=2)}),
        "quick": trees | st.fixed_dictionaries({"set": st.dictionaries(names, trees, max_size=2)}),
        "expect": trees,
        "export": trees,
        "evaluation": trees,
    },
)


@given(SECTIONS)
def test_trees_of_the_languages_own_words(values: dict[str, Any]) -> None:
    check(to_yaml(values))


@given(st.sampled_from(VALID), st.lists(st.tuples(names, words | st.text(max_size=6)), min_size=1, max_size=3))
def test_any_settings(text: str, said: list[tuple[str, str]]) -> None:
    check(text, tuple(f"{path}={value}" for path, value in said))


@given(trees)
def test_yaml_reads_back_as_it_was_written(value: Any) -> None:
    assume("<<" not in repr(value))
    text = to_yaml({"value": value})
    assert repr(plain(read_text(Source("text", text)))) == repr(_with_text_keys({"value": value}))


def _with_text_keys(value: Any) -> Any:
    match value:
        case dict():
            return {str(key): _with_text_keys(inner) for key, inner in value.items()}
        case list():
            return [_with_text_keys(inner) for inner in value]
    return value


@given(scalars, st.sampled_from(["summary", "reference"]))
def test_every_text_survives_a_dump(value: Any, key: str) -> None:
    written = str(value).replace("$", "$$")
    assume("\ufeff" not in written)
    recipe = load({**plain(read_text(Source("text", CHAIN))), key: written})
    assert getattr(recipe.config, key) == str(value)
    check_round_trip(recipe)
