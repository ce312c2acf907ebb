"""The recipe language, sentence by sentence: each test quotes the rule of the design that it holds.

Edge cases are tests/unit/recipe's; plugins are test_plugins.py's, what ships is test_recipes.py's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dlkit.recipe.diagnostics import RecipeError
from dlkit.recipe.dump import to_yaml
from dlkit.recipe.durations import Steps, in_steps
from dlkit.recipe.graph import Tensor
from dlkit.recipe.load import Recipe, load, parse
from dlkit.recipe.other_recipes import references
from dlkit.recipe.supervision import logged_names

HEAD = "name: a/b\ndata: {source: digits}\ntraining: {epochs: 1}\n"
LAYERS = "[Flatten, {Dense: {units: 10}}]"
MODEL = f"model: {{sequential: {LAYERS}}}\n"


def model(*layers: str) -> str:
    """A chain of layers before the output."""
    return HEAD + f"model: {{sequential: [{', '.join(layers)}, Flatten, {{Dense: {{units: 10}}}}]}}\n"


def functional(layers: str, outputs: str = "") -> str:
    """A functional network on the picture."""
    return HEAD + f"model: {{functional: {{inputs: [image], layers: [{layers}]{outputs}}}}}\n"


def layers_of(recipe: Recipe) -> dict[str, Any]:
    return {name: dict(layer.arguments) for name, layer in recipe.graphs["model"].layers.items()}


def told(text: str, *settings: str) -> list[str]:
    with pytest.raises(RecipeError) as raised:
        parse(text, settings)
    return [found.code for found in raised.value.diagnostics]


EXAMPLE = """\
# yaml-language-server: $schema=../schema.json
name: fashion_mnist/cnn
summary: Two convolution blocks with batch normalization
extends: [data/fashion_mnist, training/classification]   # fragments from configs/
seed: 1

data:
  validation: 0.1
  batch_size: 128
  augment:
    - RandomFlip: {mode: horizontal}

blocks:
  conv_block:
    arguments: {filters: $required, kernel_size: 3}
    layers:
      - Conv2D: {filters: $filters, kernel_size: $kernel_size, padding: same, use_bias: false}
      - BatchNormalization
      - ReLU
      - MaxPooling2D

model:
  sequential:
    - Rescaling: {scale: 1/255}
    - conv_block: {filters: 32}
    - conv_block: {filters: 64}
    - Flatten
    - Dropout: {rate: 0.4, name: dropout}
    - Dense: {units: $data.classes, name: classifier}

training:
  epochs: 20
  optimizer: {Adam: {learning_rate: 1e-3}}
  callbacks+:
    - EarlyStopping: {monitor: val_accuracy, patience: 5, restore_best_weights: true}

tune:
  algorithm: {random: {trials: 30}}
  objective: val_accuracy
  space:
    training.optimizer.learning_rate: {float: [1e-4, 1e-2], sampling: log}
    model.sequential.dropout.rate: {float: [0.0, 0.6], step: 0.1}

expect:
  test_accuracy: {at_least: 0.93}
quick:
  set: {training.epochs: 1, data.limit: 2000}
  expect: {test_accuracy: {at_least: 0.5}}
"""


def test_the_example_of_the_design() -> None:
    recipe = parse(EXAMPLE)
    assert recipe.warnings == ()
    layers = layers_of(recipe)
    assert layers["rescaling"] == {"scale": 1 / 255}
    assert layers["conv_block_1.conv2d"] == {"filters": 64, "kernel_size": 3, "padding": "same", "use_bias": False}
    assert layers["classifier"] == {"units": 10}
    assert recipe.config.training.callbacks[-1].arguments["restore_best_weights"] is True
    assert recipe.config.data.source.name == "fashion_mnist"


def test_the_functional_example_of_the_design() -> None:
    text = """\
name: a/b
data: {source: {npz: {path: a.npz}}}
model:
  functional:
    inputs: [image, table]                # features of the data
    layers:
      - Conv2D: {filters: 16, kernel_size: 3, name: stem, from: image}
      - GlobalAveragePooling2D: {name: seen}
      - Dense: {units: 16, activation: relu, name: known, from: table}
      - Concatenate: {from: [seen, known]}
      - Dense: {units: 1, name: price}
    outputs: {price: price}               # target of the data: layer
training:
  epochs: 1
  losses: {price: Huber}
"""
    graph = parse(text).graphs["model"]
    assert graph.inputs == ("image", "table")
    assert graph.outputs == {"price": Tensor("price")}
    assert {call.name: call.first for call in graph.calls} == {
        "stem": Tensor("image"),
        "seen": Tensor("stem"),
        "known": Tensor("table"),
        "concatenate": (Tensor("seen"), Tensor("known")),
        "price": Tensor("concatenate"),
    }


# Keys.


@pytest.mark.parametrize("name", ["a", "a_1/b2/c", "0/x"])
def test_names(name: str) -> None:
    """`name` (`[a-z0-9_]+(/[a-z0-9_]+)*`)."""
    assert parse(HEAD.replace("a/b", name) + MODEL).name == name


@pytest.mark.parametrize("name", ["A", "a//b", "/a", "a/", "a-b", "a b", "a.b", "ä", '""', '"a\\n"'])
def test_names_that_are_none(name: str) -> None:
    assert told(HEAD.replace("a/b", name) + MODEL) == ["wrong-name"]


def test_a_key_that_the_source_pattern_or_algorithm_does_not_use_is_an_error() -> None:
    assert told(HEAD.replace("digits}", "mnist, test: 0.2}") + MODEL) == ["unused-key"]
    gan = "model: {gan: {latent_size: 2, generator: {mlp: {units: [2]}}, discriminator: {mlp: {units: [1]}}}}\n"
    assert told(HEAD.replace("epochs: 1", "epochs: 1, optimizer: Adam") + gan) == ["unused-key"]
    assert told(HEAD.replace("epochs: 1", "epochs: 1, optimizers: {a: Adam}") + MODEL) == ["unused-key"]
    assert told(HEAD.replace("epochs: 1", "epochs: 1, optimizers: {a: Adam}") + gan) == ["unknown-network"]
    parse(HEAD.replace("epochs: 1", "epochs: 1, optimizers: {generator: Adam}") + gan)


def test_limit_takes_a_number_or_so_many_of_each_class() -> None:
    assert parse(HEAD.replace("digits}", "digits, limit: 5}") + MODEL).config.data.limit == 5
    limit = parse(HEAD.replace("digits}", "digits, limit: {per_class: 5}}") + MODEL).config.data.limit
    assert limit is not None and not isinstance(limit, int) and limit.per_class == 5


# Components.


def test_a_component_is_its_name_or_its_name_with_its_arguments() -> None:
    bare, written = parse(model("Dropout: {rate: 0.1}", "ReLU")), parse(model("Dropout: {rate: 0.1}", "{ReLU: {}}"))
    assert layers_of(bare) == layers_of(written)
    assert layers_of(parse(model("ReLU: "))) == layers_of(parse(model("ReLU")))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (model("{Dense: {units: 2}}"), lambda recipe: layers_of(recipe)["dense"]["units"]),
        (
            HEAD + "set: {training.loss: {SparseCategoricalCrossentropy: {ignore_class: 2}}}\n" + MODEL,
            lambda recipe: recipe.supervisions["digit"].loss.arguments["ignore_class"],
        ),
        (
            HEAD + "set: {training.metrics: [{SparseTopKCategoricalAccuracy: {k: 2}}]}\n" + MODEL,
            lambda recipe: recipe.supervisions["digit"].metrics[0].arguments["k"],
        ),
        (
            HEAD + "set: {training.callbacks: [{EarlyStopping: {patience: 2}}]}\n" + MODEL,
            lambda recipe: recipe.config.training.callbacks[0].arguments["patience"],
        ),
        (
            HEAD
            + "set: {training.optimizer: {SGD: {learning_rate: {ExponentialDecay: {initial_learning_rate: 1, decay_steps: 2, decay_rate: 0.5}}}}}\n"
            + MODEL,
            lambda recipe: recipe.config.training.optimizer.arguments["learning_rate"].arguments["decay_steps"],
        ),
        (
            model("{Dense: {units: 1, kernel_initializer: {Constant: {value: 2}}}}"),
            lambda recipe: layers_of(recipe)["dense"]["kernel_initializer"].arguments["value"],
        ),
        (
            model("{Dense: {units: 1, kernel_regularizer: {L2: {l2: 2}}}}"),
            lambda recipe: layers_of(recipe)["dense"]["kernel_regularizer"].arguments["l2"],
        ),
        (
            model("{Dense: {units: 1, kernel_constraint: {MaxNorm: {max_value: 2}}}}"),
            lambda recipe: layers_of(recipe)["dense"]["kernel_constraint"].arguments["max_value"],
        ),
        (
            HEAD.replace("digits", "{wardrobe: {garments: [2, 2]}}") + MODEL,
            lambda recipe: recipe.config.data.source.arguments["garments"][0],
        ),
        (
            HEAD.replace("digits}", "digits, augment: [{pad_and_crop: {padding: 2}}]}") + MODEL,
            lambda recipe: recipe.config.data.augment[0].arguments["padding"],
        ),
        (model("{mlp: {units: [2]}}"), lambda recipe: layers_of(recipe)["mlp.dense"]["units"]),
        (HEAD + "model: {echo_state_network: {units: 2}}\n", lambda recipe: recipe.pattern.arguments["units"]),
        (
            HEAD + MODEL + "tune: {algorithm: {random: {trials: 2}}, space: {}}\n",
            lambda recipe: recipe.config.tune.algorithm.arguments["trials"],
        ),
    ],
)
def test_this_one_form_serves_all_kinds(text: str, found: Any) -> None:
    assert found(parse(text)) == 2


def test_none_may_take_a_name_that_is_known() -> None:
    assert told(HEAD + MODEL + "blocks: {mlp: {layers: [Flatten]}}\n") == ["name-taken"]


def test_a_singular_holds_one_and_a_plural_maps_outputs_or_networks() -> None:
    base = HEAD.replace("epochs: 1", "epochs: 1, {}") + MODEL
    one = parse(base.replace("{}", "loss: SparseCategoricalCrossentropy")).supervisions["digit"].loss
    assert parse(base.replace("{}", "losses: {digit: SparseCategoricalCrossentropy}")).supervisions["digit"].loss == one
    for wrong in ("loss: [Huber]", "losses: Huber", "metrics: Accuracy", "callbacks: {EarlyStopping: {}}"):
        assert told(base.replace("{}", wrong)) == ["wrong-type"]


@pytest.mark.parametrize("callback", ["LambdaCallback", "LearningRateScheduler", "BackupAndRestore", "RemoteMonitor"])
def test_what_runs_code_or_breaks_exactness_is_refused(callback: str) -> None:
    text = model("{Lambda: {function: abs}}").replace("epochs: 1", f"epochs: 1, callbacks: [{callback}]")
    assert told(text) == ["refused", "refused"]


# Networks.


def test_a_network_is_sequential_functional_or_an_architecture() -> None:
    chain = parse(HEAD + MODEL).graphs["model"]
    assert parse(functional("Flatten, {Dense: {units: 10}}")).graphs["model"] == chain
    data = HEAD.replace("digits", "diabetes")
    assert parse(data + "model: {mlp: {units: [1], activation: linear}}\n").graphs["model"].is_chain


def test_a_layer_may_be_a_block_an_architecture_an_application_or_a_saved_run() -> None:
    text = model("piece", "{mlp: {units: [3]}}", "{MobileNet: {include_top: false}}", "run:latest", "recipe:digits/cnn")
    layers = parse(text + "blocks: {piece: {layers: [ReLU]}}\n").graphs["model"].layers
    assert [(name, layer.kind) for name, layer in layers.items()][:5] == [
        ("piece.re_lu", "layer"),
        ("mlp.flatten", "layer"),
        ("mlp.dense", "layer"),
        ("mobile_net", "application"),
        ("run_latest", "run"),
    ]


def test_repeat_chains_an_entry_with_weights_of_its_own() -> None:
    three = parse(model("{ReLU: {repeat: 3}}")).graphs["model"]
    assert [(call.name, call.layer, call.first) for call in three.calls][:3] == [
        ("re_lu_1", "re_lu_1", Tensor("image")),
        ("re_lu_2", "re_lu_2", Tensor("re_lu_1")),
        ("re_lu_3", "re_lu_3", Tensor("re_lu_2")),
    ]
    assert parse(model("{ReLU: {repeat: 0}}")).graphs["model"] == parse(HEAD + MODEL).graphs["model"]


def test_each_layer_takes_the_output_of_the_layer_before_it_unless_from_says_otherwise() -> None:
    text = functional(
        "{Flatten: {name: a}}, {ReLU: {name: b}}, {ReLU: {name: c, from: a}}, {Add: {name: d, from: [b, c]}},"
        " {MultiHeadAttention: {num_heads: 1, key_dim: 1, name: e, from: {query: d, value: a}}}, {Dense: {units: 10}}"
    )
    calls = {call.name: (call.first, dict(call.named)) for call in parse(text).graphs["model"].calls}
    assert calls["b"] == (Tensor("a"), {})
    assert calls["c"] == (Tensor("a"), {})
    assert calls["d"] == ((Tensor("b"), Tensor("c")), {})
    assert calls["e"] == (Tensor("d"), {"value": Tensor("a")})


def test_a_dot_and_a_number_is_another_output_of_a_layer() -> None:
    text = functional("{LSTM: {units: 2, return_state: true, name: read}}, {Dense: {units: 10, from: read.1}}")
    assert parse(text).graphs["model"].calls[-1].first == Tensor("read", 1)


def test_reuse_calls_a_layer_again() -> None:
    text = functional(
        "{Flatten: {name: left}}, {Flatten: {name: right, from: image}}, {Dense: {units: 4, name: encoder, from: left}},"
        " {reuse: {layer: encoder, from: right}}, {Add: {from: [encoder, encoder_1]}}, {Dense: {units: 10}}"
    )
    calls = {call.name: (call.layer, call.first) for call in parse(text).graphs["model"].calls}
    assert calls["encoder_1"] == ("encoder", Tensor("right"))


def test_outputs_defaults_to_the_last_layer() -> None:
    assert parse(functional("Flatten, {Dense: {units: 10, name: last}}")).graphs["model"].outputs == {
        "": Tensor("last")
    }


# Blocks and names.


def test_a_block_names_a_reusable_piece() -> None:
    blocks = (
        "blocks:\n  piece: {arguments: {a: $required, b: 5}, layers: [{Dense: {units: $a}}, {Dense: {units: $b}}]}\n"
    )
    recipe = parse(model("{piece: {a: 3}}", "{piece: {a: 4, b: 6, name: x}}") + blocks)
    units = [arguments["units"] for arguments in layers_of(recipe).values() if "units" in arguments]
    assert units == [3, 5, 4, 6, 10]
    assert told(model("piece") + blocks) == ["missing-argument"]
    assert told(model("{piece: {a: 1, c: 2}}") + blocks) == ["unknown-argument"]


def test_a_block_has_named_inputs_or_one_called_input() -> None:
    blocks = (
        "blocks:\n  two: {inputs: [x, memory], layers: [{Add: {from: [x, memory]}}]}\n"
        "  one: {layers: [ReLU, {Add: {from: [re_lu, input]}}]}\n"
    )
    layers = "{Flatten: {name: f}}, {two: {from: [f, f]}}, one, {Dense: {units: 10}}"
    calls = {call.name: call.first for call in parse(functional(layers) + blocks).graphs["model"].calls}
    assert calls["two.add"] == (Tensor("f"), Tensor("f"))
    assert calls["one.add"] == (Tensor("one.re_lu"), Tensor("two.add"))


def test_blocks_may_use_blocks_and_a_cycle_is_an_error() -> None:
    nested = "blocks: {a: {layers: [b]}, b: {layers: [ReLU]}}\n"
    assert "a.b.re_lu" in layers_of(parse(model("a") + nested))
    assert told(model("a") + "blocks: {a: {layers: [b]}, b: {layers: [a]}}\n") == ["block-cycle"]


def test_names_of_layers() -> None:
    """In a block `<use>.<layer>`, repeats `_1 … _n`, unnamed layers numbered per network."""
    blocks = "blocks: {unit: {layers: [ReLU, {ReLU: {name: last}}]}}\n"
    recipe = parse(model("ReLU", "ReLU", "unit", "{unit: {name: body, repeat: 2}}") + blocks)
    assert list(recipe.graphs["model"].layers) == [
        *("re_lu", "re_lu_1", "unit.re_lu", "unit.last"),
        *("body_1.re_lu", "body_1.last", "body_2.re_lu", "body_2.last", "flatten", "dense"),
    ]


def test_freeze_and_initial_weights_take_globs_over_these() -> None:
    base = HEAD.replace("epochs: 1", "epochs: 1, stages: [{freeze: ['{}']}]") + MODEL
    for good in ("*", "flat*", "dense"):
        parse(base.replace("{}", good))
    assert told(base.replace("{}", "conv*")) == ["unknown-layer-name"]
    weights = HEAD.replace("epochs: 1", "epochs: 1, initial_weights: {from: a.keras, layers: [conv*]}") + MODEL
    assert told(weights) == ["unknown-layer-name"]


def test_a_pattern_holds_one_or_more_networks() -> None:
    gan = (
        "{gan: {latent_size: 64, generator: {sequential: [{Dense: {units: 64}}]}, discriminator: {mlp: {units: [1]}}}}"
    )
    recipe = parse(HEAD + f"model: {gan}\n")
    assert recipe.pattern is not None
    assert (recipe.pattern.name, {*recipe.graphs["model"].parts}) == ("gan", {"generator", "discriminator"})


def test_a_stage_is_training_merged_with_the_stage() -> None:
    stages = "[{name: a, freeze: [dense]}, {epochs: 3, callbacks+: [TerminateOnNaN]}]"
    text = HEAD.replace("epochs: 1", f"epochs: 1, callbacks: [ReduceLROnPlateau], stages: {stages}") + MODEL
    found = parse(text).config.training.stages
    assert found is not None
    assert [(stage.epochs, len(stage.callbacks)) for stage in found] == [(1, 1), (3, 2)]


def test_other_runs() -> None:
    """`recipe:NAME` or `run:PATH` in initial weights, as a layer, and in `expect`."""
    text = model("run:latest").replace("epochs: 1", "epochs: 1, initial_weights: recipe:digits/cnn")
    recipe = parse(text + "expect: {test_accuracy: {at_least: 0.08, over: recipe:cifar10/scratch_100}}\n")
    found = [(each.use, each.text) for each in references(recipe.resolved, recipe.graphs.values())]
    assert found == [("weights", "recipe:digits/cnn"), ("layer", "run:latest"), ("over", "recipe:cifar10/scratch_100")]


# Merging.


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_extends_names_fragments_or_recipes(folder: Path) -> None:
    """Found beside the file, in ./configs, ./recipes, then in the package."""
    for place, value in (("beside", 1), ("configs", 2), ("recipes", 3)):
        (folder / place).mkdir()
        (folder / place / f"{place}.yaml").write_text(f"seed: {value}")
    for name, seed in (("beside", 1), ("configs", 2), ("recipes", 3)):
        (folder / "beside" / "main.yaml").write_text(f"extends: [{name}]\n{HEAD}{MODEL}")
        assert load("beside/main.yaml").config.seed == seed
    (folder / "beside" / "main.yaml").write_text(f"extends: digits/cnn\n{HEAD}{MODEL}")
    recipe = load("beside/main.yaml")
    assert recipe.config.training.optimizer.name == "Adam"
    assert (recipe.config.summary, recipe.config.reference, recipe.config.expect, recipe.config.quick) == (None,) * 4


def test_the_rules_of_merging(folder: Path) -> None:
    (folder / "base.yaml").write_text(
        "data: {batch_size: 8, limit: 5}\n"
        "training: {epochs: 9, loss: SparseCategoricalCrossentropy, callbacks: [TerminateOnNaN],"
        " optimizer: {SGD: {momentum: 0.5, nesterov: true}}}\n"
    )
    text = "extends: [base]\n" + HEAD.replace("digits}", "digits, limit: null}") + MODEL
    for said, optimizer in (
        ("optimizer: {SGD: {momentum: 0.7}}", {"momentum": 0.7, "nesterov": True}),
        ("optimizer: SGD", {"momentum": 0.5, "nesterov": True}),
        ("optimizer: {Adam: {beta_1: 0.7}}", {"beta_1": 0.7}),
    ):
        plus = "callbacks+: [ReduceLROnPlateau]"
        (folder / "main.yaml").write_text(text.replace("epochs: 1", f"epochs: 1, loss: null, {said}, {plus}"))
        config = load("main.yaml").config
        assert config.training.optimizer.arguments == optimizer
        assert (config.training.epochs, config.training.loss) == (1, None)
        assert (config.data.batch_size, config.data.limit) == (8, None)
        assert [callback.name for callback in config.training.callbacks] == ["TerminateOnNaN", "ReduceLROnPlateau"]
    (folder / "main.yaml").write_text(text.replace("epochs: 1", "epochs: 1, callbacks: []"))
    assert load("main.yaml").config.training.callbacks == []


def test_the_order_of_merging(folder: Path) -> None:
    """extends, the file, its `set:`, `quick.set`, `--set`."""
    (folder / "base.yaml").write_text("seed: 1\ndata: {batch_size: 1, limit: 1, validation: 1}")
    (folder / "main.yaml").write_text(
        "extends: [base]\n"
        + HEAD.replace("digits}", "digits, batch_size: 2, limit: 2, validation: 2}")
        + MODEL
        + "set: {data.limit: 3, data.validation: 3, training.epochs: 3}\n"
        + "quick: {set: {data.validation: 4, training.epochs: 4}}\n"
    )
    config = load("main.yaml", ["training.epochs=5"], quick=True).config
    assert (config.seed, config.data.batch_size, config.data.limit, config.data.validation) == (1, 2, 3, 4)
    assert config.training.epochs == 5


def test_a_setting_on_a_path_of_the_space_fixes_it() -> None:
    space = "tune: {algorithm: {grid: {}}, space: {training.optimizer.learning_rate: {float: [0.1, 1]}}}\n"
    tune = parse(HEAD + MODEL + space, ["training.optimizer.Adam.learning_rate=0.5"]).config.tune
    assert tune is not None and tune.space == {}


# References and paths.


def test_a_reference_is_another_value_an_argument_or_a_fact() -> None:
    text = model(
        "{piece: {n: 3}}", "{Dense: {units: $data.classes, name: fact}}", "{Dense: {units: $seed, name: value}}"
    )
    layers = layers_of(parse(text + "seed: 7\nblocks: {piece: {arguments: {n: 1}, layers: [{Dense: {units: $n}}]}}\n"))
    assert [layers[name]["units"] for name in ("piece.dense", "fact", "value")] == [3, 10, 7]


def test_references_inside_texts_and_dollars() -> None:
    assert (
        parse(HEAD + MODEL + "summary: 'seed ${seed} costs $$5, $$${seed}'\n").config.summary == "seed 1 costs $5, $1"
    )


def test_facts_are_typed_and_kept_as_references() -> None:
    recipe = parse(HEAD + MODEL.replace("10", "$data.classes"))
    assert recipe.dump()["model"]["sequential"][1]["Dense"]["units"] == "$data.classes"
    assert told(HEAD + MODEL.replace("units: 10", "units: 10, activation: $data.classes")) == ["wrong-type"]


@pytest.mark.parametrize(
    "path",
    [
        "training.optimizer.learning_rate",
        "training.optimizer.Adam.learning_rate",
        "training.callbacks.EarlyStopping.patience",
        "training.callbacks.0.patience",
        "training.callbacks.0.EarlyStopping.patience",
        "model.sequential.head.units",
        "model.sequential.1.units",
        "model.sequential.Dense.units",
        "model.head.units",
        "data.batch_size",
    ],
)
def test_a_dotted_path_names_a_value_written_or_not(path: str) -> None:
    text = HEAD.replace("epochs: 1", "epochs: 1, callbacks: [EarlyStopping]") + MODEL.replace("10", "10, name: head")
    changed = parse(text, [f"{path}=12"])
    assert parse(text + f"set: {{{path}: 12}}\n").config == changed.config
    assert parse(text + f"tune: {{algorithm: {{grid: {{}}}}, space: {{{path}: {{choice: [12]}}}}}}\n")
    assert parse(text + f"quick: {{set: {{{path}: 12}}}}\n")
    assert "12" in to_yaml(changed.dump())
    assert parse(text + f"summary: 'x ${{{path}}}'\n").config.summary is not None


# Durations, losses.


@pytest.mark.parametrize(("written", "steps"), [("40", 40), ("{epochs: 3}", 30), ("{share: 0.5}", 25)])
def test_durations_count_optimizer_updates(written: str, steps: int) -> None:
    schedule = f"{{CosineDecay: {{initial_learning_rate: 1, decay_steps: {written}}}}}"
    recipe = parse(HEAD.replace("epochs: 1", f"epochs: 5, optimizer: {{SGD: {{learning_rate: {schedule}}}}}") + MODEL)
    made = in_steps(recipe.config.training.optimizer, recipe.components, Steps(5, 10))
    assert made.arguments["learning_rate"].arguments["decay_steps"] == steps


def test_loss_and_metrics_are_inferred_from_the_target() -> None:
    for source, units, loss, names in (
        ("digits", 10, "SparseCategoricalCrossentropy", ["loss", "accuracy"]),
        ("breast_cancer", 1, "BinaryCrossentropy", ["loss", "accuracy"]),
        ("diabetes", 1, "MeanSquaredError", ["loss", "mean_absolute_error", "root_mean_squared_error"]),
    ):
        recipe = parse(HEAD.replace("digits", source) + MODEL.replace("10", str(units)))
        (found,) = recipe.supervisions.values()
        assert found.loss.name == loss
        assert logged_names(recipe.supervisions) == names


def test_from_logits_follows_the_activation() -> None:
    for activation, logits in (("linear", True), ("softmax", False)):
        recipe = parse(HEAD + MODEL.replace("units: 10", f"units: 10, activation: {activation}"))
        assert recipe.supervisions["digit"].loss.arguments["from_logits"] is logits


def test_a_loss_that_contradicts_the_output_is_an_error() -> None:
    for loss in (
        "MeanSquaredError",
        "CategoricalCrossentropy",
        "{SparseCategoricalCrossentropy: {from_logits: false}}",
    ):
        assert told(HEAD.replace("epochs: 1", f"epochs: 1, loss: {loss}") + MODEL) == ["loss-contradicts-output"]


# YAML.

BOMB = "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n" for old, new in zip("abcdefg", "bcdefgh", strict=True)
)


@pytest.mark.parametrize(
    ("written", "value"),
    [("1e-3", 0.001), ("on", "on"), ("no", "no"), ("1/255", 1 / 255), ("0o17", 15), ("true", True), ("null", None)],
)
def test_scalars_are_those_of_yaml_1_2(written: str, value: Any) -> None:
    blocks = f"blocks: {{piece: {{arguments: {{x: {written}}}, layers: [ReLU]}}}}\n"
    assert parse(HEAD + MODEL + blocks).dump()["blocks"]["piece"]["arguments"]["x"] == value


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a: !!python/object/apply:os.system [ls]", "unsafe-tag"),
        ("a: 1\na: 2", "duplicate-key"),
        ("a: {<<: {b: 1}}", "merge-key"),
        ("a: 1\n---\nb: 2", "several-documents"),
        ("a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + BOMB, "too-many-values"),
        ("a: " + "[" * 1_000, "too-deep"),
        ("a:\n\tb: 1", "tab"),
        ("a: {b: ${c}}", "unquoted-braces"),
    ],
)
def test_what_yaml_allows_and_recipes_do_not(text: str, code: str) -> None:
    assert told(text) == [code]


def test_arguments_that_are_not_indented_get_a_message_of_their_own() -> None:
    text = HEAD + "model:\n  sequential:\n    - Flatten\n    - Dense:\n      units: 10\n"
    assert told(text) == ["not-indented"]


@pytest.mark.parametrize("rate", [".nan", ".inf", "1e999", "-1"])
def test_a_rate_that_is_no_number_is_refused(rate: str) -> None:
    text = HEAD.replace("epochs: 1", f"epochs: 1, optimizer: {{Adam: {{learning_rate: {rate}}}}}")
    assert told(text + MODEL) == ["out-of-range"]


def test_a_billion_units_are_refused() -> None:
    assert told(model("{Dense: {units: 1000000000}}")) == ["out-of-range"]


# What is valid, and how it is said.


def test_all_mistakes_are_told_in_one_go_each_at_its_origin(folder: Path) -> None:
    (folder / "part.yaml").write_text("data:\n  batch_size: 0\n")
    (folder / "main.yaml").write_text(f"extends: [part]\n{HEAD}{MODEL}set:\n  data.limit: none\n")
    with pytest.raises(RecipeError) as raised:
        load("main.yaml", ["seed=x"])
    places = {str(found.span): found.code for found in raised.value.diagnostics}
    assert places == {"part.yaml:2:15": "out-of-range", "main.yaml:7:15": "wrong-type", "--set:1:6": "wrong-type"}


def test_a_recipe_that_is_dumped_is_the_recipe() -> None:
    recipe = parse(EXAMPLE)
    again = parse(to_yaml(recipe.dump()))
    assert again.dump() == recipe.dump()
    assert again.graphs == recipe.graphs
    assert again.config == recipe.config
