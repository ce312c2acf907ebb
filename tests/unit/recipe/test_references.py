"""References: other values, arguments of blocks, facts of the data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from dlkit.recipe.diagnostics import RecipeError
from dlkit.recipe.facts import DataFacts, Feature, Target
from dlkit.recipe.load import Recipe

Read = Callable[..., Recipe]
Told = Callable[..., list[tuple[str, int, str]]]


def layer(recipe: Recipe, name: str) -> dict[str, Any]:
    return dict(recipe.graphs["model"].layers[name].arguments)


def test_another_value_after_all_merging(read: Read) -> None:
    text = "data: {source: digits, batch_size: $training.epochs}\ntraining: {epochs: 3}\nset: {training.epochs: 4}"
    assert read(text).config.data.batch_size == 4
    assert read(text, "training.epochs=5").config.data.batch_size == 5


def test_a_default_that_is_not_written(read: Read) -> None:
    text = "training: {epochs: $data.batch_size, optimizer: {SGD: {momentum: $training.optimizer.learning_rate}}}"
    config = read(text).config
    assert config.training.epochs == 32
    assert config.training.optimizer.arguments["momentum"] == 0.01


def test_lists_mappings_and_components(read: Read) -> None:
    text = """\
model:
  sequential:
    - Conv2D: {filters: 4, kernel_size: [3, 1], kernel_regularizer: {L2: {l2: 0.1}}, name: one}
    - Conv2D:
        filters: $model.one.filters
        kernel_size: $model.sequential.one.kernel_size
        kernel_regularizer: $model.sequential.one.kernel_regularizer
        name: two
    - Flatten
    - Dense: {units: 10}
"""
    recipe = read(text)
    assert layer(recipe, "two") == layer(recipe, "one")


def test_inside_a_longer_text(read: Read) -> None:
    text = "summary: '${name}, ${ seed } and $${seed}: $5, 5$'\nname: x\nseed: 4"
    assert read(text).config.summary == "x, 4 and ${seed}: $5, 5$"
    assert read("summary: '$$seed'").config.summary == "$seed"
    assert read("summary: 'is ${deterministic}'").config.summary == "is true"


def test_a_value_of_dollars_is_not_read_again(read: Read) -> None:
    text = "reference: '$${seed}'\nsummary: $reference"
    assert read(text).config.summary == "${seed}"


@pytest.mark.parametrize("path", ["$summary", "${summary}"])
def test_braces_around_the_whole(read: Read, path: str) -> None:
    assert read(f"summary: text\nreference: '{path}'").config.reference == "text"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("seed: $nothing", ("unknown-reference", 1, "$nothing")),
        ("summary: 'a ${nothing.at.all} b'", ("unknown-reference", 1, "'a ${nothing.at.all} b'")),
        ("seed: $training.loss", ("unknown-reference", 1, "$training.loss")),
        ("summary: $a b", ("malformed-reference", 1, "$a b")),
        ("summary: $data.classes+1", ("malformed-reference", 1, "$data.classes+1")),
        ("summary: '${a b}'", ("malformed-reference", 1, "'${a b}'")),
        ("summary: 'x ${seed'", ("malformed-reference", 1, "'x ${seed'")),
        ("summary: 'x ${data}'", ("wrong-type", 1, "'x ${data}'")),
        ("seed: $seed", ("reference-cycle", 1, "$seed")),
        ("summary: '${summary}'", ("reference-cycle", 1, "'${summary}'")),
        ("summary: 'x${reference}'\nreference: 'y${summary}'", ("reference-cycle", 1, "'x${reference}'")),
        ("seed: $summary\nsummary: text", ("wrong-type", 1, "$summary")),
    ],
)
def test_mistakes(told: Told, text: str, expected: tuple[str, int, str]) -> None:
    assert told(text) == [expected]


def test_an_ambiguous_path_is_told_as_such(read: Read) -> None:
    text = "model: {sequential: [{Dropout: {rate: 0.1}}, {Dropout: {rate: 0.2}}, Flatten, {Dense: {units: 10}}]}"
    with pytest.raises(RecipeError, match=r"leads to 2 places"):
        read(f"{text}\nseed: $model.sequential.Dropout.rate")


def test_a_circle_is_told_once_wherever_it_is_entered(told: Told) -> None:
    text = """\
blocks:
  b:
    arguments: {x: $blocks.b.arguments.y, y: $blocks.b.arguments.z, z: $blocks.b.arguments.x}
    layers: [Flatten]
seed: $blocks.b.arguments.x
"""
    assert [code for code, *_ in told(text)] == ["reference-cycle"]


FACTS = """\
data: {source: fashion_mnist, targets: [garment]}
model:
  sequential:
    - Flatten
    - Dense: {units: $data.classes, name: one}
    - Dense: {units: $data.targets.garment.classes, name: two}
    - Dense: {units: $data.features.image.shape.0, name: three}
    - Reshape: {target_shape: $data.features.image.shape, name: four}
    - Flatten
    - Dense: {units: 10, name: five}
summary: "${data.classes} classes"
"""


def test_facts_that_are_declared(read: Read) -> None:
    recipe = read(FACTS)
    assert [layer(recipe, name)["units"] for name in ("one", "two", "three")] == [10, 10, 28]
    assert layer(recipe, "four")["target_shape"] == [28, 28, 1]
    assert recipe.config.summary == "10 classes"


def test_a_dump_keeps_facts_as_references(read: Read) -> None:
    values = read(FACTS).dump()
    layers = values["model"]["sequential"]
    assert layers[1]["Dense"]["units"] == "$data.classes"
    assert layers[4]["Reshape"]["target_shape"] == "$data.features.image.shape"
    assert values["summary"] == "${data.classes} classes"
    assert read("seed: 3\nsummary: 'seed ${seed}'").dump()["summary"] == "seed 3"


UNKNOWN = """\
data: {source: {csv: {path: a.csv, target: price}}}
model: {sequential: [{Dense: {units: $data.features.table.shape.0, name: one}}, {Dense: {units: $data.classes}}]}
training:
  epochs: 1
  optimizer:
    SGD: {learning_rate: {CosineDecay: {initial_learning_rate: 1, decay_steps: $data.steps_per_epoch}}}
"""


def test_facts_that_are_not_known_yet_are_held_against_nothing(read: Read) -> None:
    recipe = read(UNKNOWN)
    assert recipe.supervisions == {}
    assert recipe.dump()["model"]["sequential"][0]["Dense"]["units"] == "$data.features.table.shape.0"


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("model: {sequential: [{Dense: {units: 3, activation: $data.train_size}}]}", "$data.train_size"),
        ("model: {sequential: [{Dense: {units: 3, use_bias: $data.train_size}}]}", "$data.train_size"),
        ("model: {sequential: [{Dense: {units: $data.features.x.dtype}}]}", "$data.features.x.dtype"),
        ("training: {epochs: 1, optimizer: $data.train_size}", "$data.train_size"),
        ("training: {epochs: 1, precision: $data.train_size}", "$data.train_size"),
        ("training: {epochs: $data.features.x.kind}", "$data.features.x.kind"),
        ("name: $data.train_size", "$data.train_size"),
    ],
)
def test_facts_are_typed_before_they_are_known(told: Told, text: str, token: str) -> None:
    model = "" if "model" in text else "\nmodel: {sequential: [{Dense: {units: 3}}]}"
    found = told(f"{text}{model}\ndata: {{source: {{npz: {{path: a.npz}}}}}}")
    assert found == [("wrong-type", 1, token)]


@pytest.mark.parametrize(
    "text",
    [
        "model: {sequential: [{Dense: {units: $data.features.x.shape.0}}, {Dropout: {rate: 0.1, seed: $data.train_size}}]}",
        "model: {sequential: [{Reshape: {target_shape: $data.features.x.shape}}]}",
        "training: {epochs: $data.train_size, optimizer: {SGD: {learning_rate: $data.train_size}}}",
        "model: {sequential: [{Activation: {activation: $data.targets.y.labels.0}}]}",
    ],
)
def test_facts_of_the_right_type_before_they_are_known(read: Read, text: str) -> None:
    model = "" if "model" in text else "\nmodel: {sequential: [{Dense: {units: 3}}]}"
    read(f"{text}{model}\ndata: {{source: {{npz: {{path: a.npz}}}}}}")


def test_facts_once_the_data_is_loaded(read: Read) -> None:
    facts = DataFacts(
        {"table": Feature("vector", (7,))}, {"price": Target("classes", (), classes=3)}, steps_per_epoch=12
    )
    recipe = read(UNKNOWN).with_facts(facts)
    assert layer(recipe, "one")["units"] == 7
    schedule = recipe.config.training.optimizer.arguments["learning_rate"]
    assert schedule.arguments["decay_steps"] == 12
    assert recipe.supervisions["price"].loss.name == "SparseCategoricalCrossentropy"
    assert recipe.dump() == read(UNKNOWN).dump()
    assert recipe.graphs["model"].inputs == ("table",)


def test_a_fact_that_the_loaded_data_does_not_tell_is_an_error(read: Read) -> None:
    """Else a model of the size that stands in for it would be trained."""
    recipe = read(
        "model: {sequential: [{Dense: {units: $data.features.image.vocabulary_size}}, Flatten, {Dense: {units: 10}}]}\ndata: {source: fashion_mnist}"
    )
    with pytest.raises(RecipeError) as raised:
        recipe.with_facts(replace(recipe.facts, train_size=5))
    assert [found.code for found in raised.value.diagnostics] == ["unknown-fact"]


@pytest.mark.parametrize(
    ("fact", "code"),
    [
        ("data.features.picture.shape", "unknown-fact"),
        ("data.features.image.size", "unknown-fact"),
        ("data.features.image.shape.3", "unknown-fact"),
        ("data.features.image.kind.0", "unknown-fact"),
        ("data.targets.garment.labels.10", "unknown-fact"),
        ("data.targets.group.classes", "unknown-fact"),
        ("data.train_sise", "unknown-reference"),
        ("data.features.image", "unknown-reference"),
    ],
)
def test_facts_that_there_are_not(told: Told, fact: str, code: str) -> None:
    assert told(f"data: {{source: fashion_mnist}}\nsummary: '${{{fact}}}'") == [(code, 2, f"'${{{fact}}}'")]


def test_the_classes_of_several_targets(read: Read) -> None:
    text = "data: {source: fashion_mnist, targets: [garment, group]}\nsummary: '${data.classes}'"
    with pytest.raises(RecipeError, match=r"write `\$data.targets.garment.classes`"):
        read(text)


@pytest.mark.parametrize(
    ("target", "outputs"),
    [
        (Target("classes", (), classes=3), 3),
        (Target("multi_label", (5,), classes=5), 5),
        (Target("number", ()), 1),
        (Target("number", (4,)), 4),
        (Target("number", (7, 2)), 2),
    ],
)
def test_the_outputs_that_a_target_takes(read: Read, target: Target, outputs: int) -> None:
    recipe = read(UNKNOWN.replace("$data.classes", "$data.outputs, name: two"))
    known = recipe.with_facts(DataFacts({"table": Feature("vector", (7,))}, {"price": target}, steps_per_epoch=12))
    assert layer(known, "two")["units"] == outputs


BLOCK = """\
blocks:
  unit:
    arguments: {size: $required, half: 4, same: $size, text: "n${size}", from_recipe: $seed}
    layers:
      - Dense: {units: $size, name: a}
      - Dense: {units: $half, activation: relu, name: b}
      - Dense: {units: $same, name: c}
      - Dense: {units: $from_recipe, name: "d${half}"}
      - Dense: {units: $data.classes, kernel_initializer: {Constant: {value: $seed}}, name: e}
model:
  sequential:
    - Flatten
    - unit: {size: 3, name: one}
    - unit: {size: $seed, half: 5, name: two}
    - Dense: {units: 10}
seed: 7
"""


def test_arguments_of_blocks(read: Read) -> None:
    recipe = read(BLOCK)
    units = {name: layer(recipe, name)["units"] for name in recipe.graphs["model"].layers if "." in name}
    assert units == {
        **{"one.a": 3, "one.b": 4, "one.c": 3, "one.d4": 7, "one.e": 10},
        **{"two.a": 7, "two.b": 5, "two.c": 7, "two.d5": 7, "two.e": 10},
    }
    assert layer(recipe, "one.e")["kernel_initializer"].arguments == {"value": 7.0}


def test_a_dump_keeps_blocks_as_they_are_but_for_references_to_the_recipe(read: Read) -> None:
    block = read(BLOCK).dump()["blocks"]["unit"]
    assert block["arguments"] == {"size": "$required", "half": 4, "same": "$size", "text": "n${size}", "from_recipe": 7}
    assert block["layers"][0]["Dense"]["units"] == "$size"
    assert block["layers"][4]["Dense"]["units"] == "$data.classes"


def test_an_argument_hides_a_key_of_the_recipe(read: Read) -> None:
    text = """\
blocks: {unit: {arguments: {seed: 3}, layers: [{Dense: {units: $seed}}]}}
model: {sequential: [Flatten, unit, {Dense: {units: 10}}]}
seed: 9
"""
    assert layer(read(text), "unit.dense")["units"] == 3


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ("{arguments: {a: $b, b: 1}, layers: [Flatten]}", []),
        ("{arguments: {a: 1}, layers: [{Dense: {units: $a.b}}]}", ["unknown-reference"]),
        ("{arguments: {a: {x: 1}}, layers: [{Dense: {units: '${a}'}}]}", ["wrong-type"]),
        ("{arguments: {name: 1}, layers: [Flatten]}", ["name-taken"]),
        ("{arguments: {'a b': 1}, layers: [Flatten]}", ["wrong-name"]),
        ("{arguments: {a: 300}, layers: [{Dropout: {rate: $a}}]}", ["out-of-range"]),
    ],
)
def test_mistakes_with_arguments_of_blocks(told: Told, block: str, expected: list[str]) -> None:
    text = f"blocks: {{unit: {block}}}\nmodel: {{sequential: [Flatten, unit, {{Dense: {{units: 10}}}}]}}"
    if expected:
        assert [code for code, *_ in told(text)] == expected


def test_references_in_quick_and_its_expectations(read: Read) -> None:
    text = "quick: {set: {training.epochs: $seed, summary: $$x}, expect: {test_accuracy: {at_least: $data.validation}}}"
    recipe = read(f"{text}\nseed: 4", "data.validation=0.3")
    assert recipe.config.quick.expect["test_accuracy"].at_least == 0.3
    assert recipe.dump()["quick"]["set"] == {"training.epochs": "$seed", "summary": "$$x"}


def test_references_of_the_quick_variant(tmp_path: Any, read: Read) -> None:
    text = "quick: {set: {training.epochs: $seed, summary: $$x}}\nseed: 4"
    config = read(text, path=tmp_path / "a.yaml", quick=True).config
    assert (config.training.epochs, config.summary) == (4, "$x")


CHAIN = ", ".join(f"a{n}: $blocks.b.arguments.a{n + 1}" for n in range(3_000)) + ", a3000: 1"
TENFOLD = "a0: [1, 2, 3], " + ", ".join(
    f"a{n}: [{', '.join([f'$blocks.b.arguments.a{n - 1}'] * 10)}]" for n in range(1, 10)
)


@pytest.mark.parametrize(("arguments", "code"), [(CHAIN, "too-deep"), (TENFOLD, "too-many-values")])
def test_references_that_lead_too_far_are_told_once(told: Told, arguments: str, code: str) -> None:
    assert [found for found, *_ in told(f"blocks: {{b: {{arguments: {{{arguments}}}, layers: [Flatten]}}}}")] == [code]
