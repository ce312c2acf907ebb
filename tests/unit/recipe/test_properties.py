"""Properties of the recipe language: whatever it is given, it answers with a recipe or with diagnostics."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from dlkit.recipe.catalogue import Argument, catalogue
from dlkit.recipe.diagnostics import NOWHERE, Diagnostic, RecipeError, Source
from dlkit.recipe.dump import to_yaml
from dlkit.recipe.load import Recipe, load, parse
from dlkit.recipe.nodes import plain
from dlkit.recipe.slots import alternatives
from dlkit.recipe.yaml_source import read_text

ANY_SPEED = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
few = settings(max_examples=200, suppress_health_check=ANY_SPEED)
many = settings(max_examples=10_000, suppress_health_check=ANY_SPEED)

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
extends: [data/fashion_mnist]
data:
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

MARKS = [
    "{",
    "}",
    "[",
    "]",
    ": ",
    "- ",
    "$",
    "${",
    "$$",
    "&a",
    "*a",
    "!!int",
    "<<",
    "#",
    "\t",
    "|",
    ">",
    "~",
    "?",
    "---",
]
VALUES = [
    "null",
    "true",
    "on",
    "0",
    "-1",
    "1e-3",
    ".nan",
    ".inf",
    "1/255",
    "1e999",
    "'x'",
    '"',
    "relu",
    "Dense",
    "Lambda",
]
OTHERS = [
    "run:latest",
    "recipe:digits/cnn",
    "extends",
    "set",
    "plugins",
    "$data",
    "$model",
    "$training.epochs",
    "reuse",
]
WORDS = sorted({*re.findall(r"[\w.$+*-]+", "\n".join(VALID)), *MARKS, *VALUES, *OTHERS})

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
        ["1", "1.0", "true", "on", "0o17", "1e3", "1/3", "$$", "$x", "${y}", "a$$b", " a", "a\nb", "", "\x85"]
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
    assert span.source is not NOWHERE.source
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", diagnostic.code)
    assert 1 <= span.line <= span.end_line <= len(lines)
    assert 1 <= span.column <= len(lines[span.line - 1]) + 1
    assert (span.line, span.column) <= (span.end_line, span.end_column)
    assert span.end_column <= max(len(lines[span.end_line - 1]) + 1, span.column + 1)
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


@pytest.mark.parametrize("text", VALID, ids=["chain", "heads", "pattern"])
def test_the_recipes_that_are_mutated_are_valid(text: str) -> None:
    assert check(text) is not None


@few
@given(st.text())
def test_any_text(text: str) -> None:
    check(text)


@few
@given(st.lists(words | st.sampled_from(["\n", "\n  ", "\n    ", " ", ": ", "\n- "]), max_size=40).map("".join))
def test_any_words_of_the_language(text: str) -> None:
    check(text)


def mutated(text: str, draw: random.Random) -> str:
    """A recipe with lines deleted, doubled, swapped and moved, and with words in the place of others."""
    lines = text.split("\n")
    for _ in range(draw.choice([1, 1, 1, 2, 4])):
        at = draw.randrange(len(lines))
        match draw.randrange(8):
            case 0:
                lines[at : at + 1] = []
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
                tokens[draw.randrange(len(tokens))] = draw.choice(WORDS)
                lines[at] = "".join(tokens)
    return "\n".join(lines)


mutations = st.tuples(st.sampled_from(VALID), st.integers(0, 2**32))


@few
@given(mutations)
def test_mutated_recipes(mutation: tuple[str, int]) -> None:
    text, seed = mutation
    check(mutated(text, random.Random(seed)))


def section(**keys: Any) -> st.SearchStrategy[Any]:
    """A mapping with some of these keys, or anything else."""
    return trees | st.fixed_dictionaries({}, optional=keys)


ANY_RECIPE = st.fixed_dictionaries(
    {},
    optional={
        "name": st.just("a/b") | scalars,
        "summary": scalars,
        "seed": scalars,
        "set": st.dictionaries(names, trees, max_size=2),
        "data": section(source=st.just("digits") | trees, limit=trees, features=trees),
        "blocks": st.dictionaries(names, section(layers=trees, arguments=trees, inputs=trees), max_size=2),
        "model": section(sequential=trees | st.lists(trees, max_size=4), functional=trees),
        "training": section(epochs=scalars, optimizer=trees, stages=trees, callbacks=trees, metrics=trees),
        "tune": section(algorithm=trees, space=st.dictionaries(names, trees, max_size=2)),
        "quick": section(set=st.dictionaries(names, trees, max_size=2), expect=trees),
        "expect": trees,
        "export": trees,
        "evaluation": trees,
    },
)


@few
@given(ANY_RECIPE)
def test_trees_of_the_languages_own_words(values: dict[str, Any]) -> None:
    check(to_yaml(values))


def likely(argument: Argument) -> st.SearchStrategy[Any]:
    """Values that an argument of the catalogue may take, and some that it may not."""
    low, high = argument.min or 0, argument.max or 8
    by_type = {
        "int": st.integers(int(low) - 1, min(int(high) + 1, 8)),
        "float": st.floats(low - 0.5, min(high + 0.5, 2.0)),
        "bool": st.booleans(),
        "str": st.sampled_from(argument.choices or ("a", "b")),
        "null": st.none(),
        "shape": st.lists(st.integers(0, 3) | st.none(), max_size=3),
        "dtype": st.sampled_from(["float32", "float"]),
    }
    kinds = [part.removeprefix("list[").removesuffix("]") for part in alternatives(argument.type)]
    found = [by_type[kind] if kind in by_type else bare(kind) for kind in kinds]
    is_list = "list[" in argument.type
    return st.one_of(*found, *([st.lists(st.one_of(*found), max_size=3)] if is_list else []))


def bare(kind: str) -> st.SearchStrategy[Any]:
    """The names of a kind of component."""
    return st.sampled_from(catalogue().names(kind) or ("nothing",))


@st.composite
def components(draw: Callable[[Any], Any], kind: str) -> Any:
    """A component of the catalogue with some of its arguments."""
    spec = catalogue().find(kind, draw(bare(kind)))
    assert spec is not None
    chosen = {
        name: draw(likely(argument))
        for name, argument in spec.arguments.items()
        if argument.required or draw(st.integers(0, 5)) == 0
    }
    return {spec.name: chosen} if chosen else spec.name


OF_THE_CATALOGUE = st.fixed_dictionaries(
    {
        "name": st.just("a/b"),
        "data": st.just({"source": "digits"}),
        "model": st.lists(components("layer"), max_size=4).map(
            lambda layers: {"sequential": [*layers, "Flatten", {"Dense": {"units": 10}}]}
        ),
        "training": st.fixed_dictionaries(
            {"epochs": st.just(1), "optimizer": components("optimizer")},
            optional={
                "callbacks": st.lists(components("callback"), max_size=2),
                "loss": components("loss"),
                "metrics": st.lists(components("metric"), max_size=2),
            },
        ),
    }
)


@few
@given(OF_THE_CATALOGUE)
def test_components_of_the_catalogue(values: dict[str, Any]) -> None:
    check(to_yaml(values))


said = st.lists(st.tuples(names, words | st.text(max_size=6)), min_size=1, max_size=3)


@few
@given(st.sampled_from(VALID), said)
def test_any_settings(text: str, settings: list[tuple[str, str]]) -> None:
    check(text, tuple(f"{path}={value}" for path, value in settings))


@few
@given(st.lists(st.text() | st.lists(words | st.just("="), max_size=6).map("".join), max_size=3))
def test_any_texts_as_settings(settings: list[str]) -> None:
    check(CHAIN, tuple(settings))


@few
@given(trees)
def test_yaml_reads_back_as_it_was_written(value: Any) -> None:
    text = to_yaml({"value": value})
    assert repr(plain(read_text(Source("text", text)))) == repr(with_text_keys({"value": value}))


def with_text_keys(value: Any) -> Any:
    """Plain values as a recipe has them: keys are text."""
    match value:
        case dict():
            return {str(key): with_text_keys(inner) for key, inner in value.items()}
        case list():
            return [with_text_keys(inner) for inner in value]
    return value


@few
@given(scalars, st.sampled_from(["summary", "reference"]))
def test_every_text_survives_a_dump(value: Any, key: str) -> None:
    written = str(value).replace("$", "$$")
    assume("\ufeff" not in written)  # read as the mark of an encoding
    recipe = load({**plain(read_text(Source("text", HEADS))), key: written})
    assert getattr(recipe.config, key) == str(value)
    check_round_trip(recipe)


@pytest.mark.slow
@many
@given(mutations)
def test_many_mutated_recipes(mutation: tuple[str, int]) -> None:
    text, seed = mutation
    check(mutated(text, random.Random(seed)))


@pytest.mark.slow
@many
@given(ANY_RECIPE | OF_THE_CATALOGUE)
def test_many_trees(values: dict[str, Any]) -> None:
    check(to_yaml(values))


@pytest.mark.slow
@many
@given(st.sampled_from(VALID), said)
def test_many_settings(text: str, settings: list[tuple[str, str]]) -> None:
    check(text, tuple(f"{path}={value}" for path, value in settings))
