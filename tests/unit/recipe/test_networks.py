"""Networks: what layers are called on, what they are named, how blocks and repeats open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dlkit.recipe.diagnostics import RecipeError
from dlkit.recipe.facts import DataFacts, Feature, Target
from dlkit.recipe.graph import Graph, Tensor
from dlkit.recipe.load import Recipe

Read = Callable[..., Recipe]
Told = Callable[..., list[tuple[str, int, str]]]


def graph(recipe: Recipe) -> Graph:
    return recipe.graphs["model"]


def names(recipe: Recipe) -> list[str]:
    return list(graph(recipe).layers)


def takes(recipe: Recipe) -> dict[str, Any]:
    """What every call is made on: the names of tensors, with the index of one of several outputs."""

    def told(value: Any) -> Any:
        if isinstance(value, tuple):
            return [told(item) for item in value]
        return (
            value if not isinstance(value, Tensor) else value.call if value.index is None else (value.call, value.index)
        )

    return {
        call.name: {"": told(call.first), **{key: told(value) for key, value in call.named.items()}}
        if call.named
        else told(call.first)
        for call in graph(recipe).calls
    }


def sequential(*layers: str) -> str:
    return "model:\n  sequential:\n" + "".join(f"    - {layer}\n" for layer in layers)


def functional(*layers: str, inputs: str = "[image]", outputs: str = "") -> str:
    listed = "".join(f"      - {layer}\n" for layer in layers)
    last = f"    outputs: {outputs}\n" if outputs else ""
    return f"model:\n  functional:\n    inputs: {inputs}\n    layers:\n{listed}{last}"


HEAD = "Dense: {units: 10}"


def test_a_chain(read: Read) -> None:
    recipe = read(sequential("Flatten", HEAD))
    assert takes(recipe) == {"flatten": "image", "dense": "flatten"}
    assert graph(recipe).inputs == ("image",)
    assert graph(recipe).outputs == {"": Tensor("dense")}
    assert graph(recipe).is_chain


def test_an_architecture_in_the_place_of_a_network(read: Read) -> None:
    recipe = read("data: {source: diabetes}\nmodel: {mlp: {units: [8, 1], activation: linear, name: net}}")
    assert names(recipe) == ["net.flatten", "net.dense", "net.dense_1"]
    assert graph(recipe).is_chain


def test_names_are_numbered_in_each_network_by_keras_rule(read: Read) -> None:
    recipe = read(sequential("Flatten", "Dense: {units: 4}", "Dense: {units: 4}", "ReLU", "Dense: {units: 4}", HEAD))
    assert names(recipe) == ["flatten", "dense", "dense_1", "re_lu", "dense_2", "dense_3"]
    assert names(read(sequential("Flatten", "Dense: {units: 4, name: dense_1}", "Dense: {units: 4}", HEAD))) == [
        "flatten",
        "dense_1",
        "dense",
        "dense_2",
    ]


def test_a_written_name_is_free_wherever_it_comes(read: Read) -> None:
    recipe = read(sequential("Flatten", "Dense: {units: 4}", "Dense: {units: 10, name: dense}"))
    assert names(recipe) == ["flatten", "dense_1", "dense"]


@pytest.mark.parametrize(
    ("repeat", "expected"),
    [
        ("0", []),
        ("1", ["dense_1"]),
        ("3", ["dense_1", "dense_2", "dense_3"]),
    ],
)
def test_repeat(read: Read, repeat: str, expected: list[str]) -> None:
    recipe = read(sequential("Flatten", f"Dense: {{units: 4, repeat: {repeat}}}", "Dense: {units: 10, name: dense}"))
    assert names(recipe) == ["flatten", *expected, "dense"]
    assert graph(recipe).is_chain


def test_a_named_repeat(read: Read) -> None:
    recipe = read(sequential("Flatten", "Dense: {units: 4, repeat: 2, name: deep}", HEAD))
    assert takes(recipe) == {"flatten": "image", "deep_1": "flatten", "deep_2": "deep_1", "dense": "deep_2"}


def test_a_repeat_of_what_takes_several_goes_on_with_the_first(read: Read) -> None:
    recipe = read(
        functional(
            "Flatten: {name: flat}",
            "Dense: {units: 8, name: other}",
            "Add: {from: [flat, other], repeat: 2, name: sum}",
            HEAD,
        )
    )
    assert takes(recipe)["sum_1"] == ["flat", "other"]
    assert takes(recipe)["sum_2"] == ["sum_1", "other"]
    recipe = read(
        functional(
            "Flatten: {name: flat}",
            "MultiHeadAttention: {num_heads: 1, key_dim: 2, from: {query: flat, value: image}, repeat: 2, name: look}",
            "Flatten",
            HEAD,
        )
    )
    assert takes(recipe)["look_2"] == {"": "look_1", "value": "image"}


BLOCKS = """\
blocks:
  unit:
    arguments: {size: 4}
    layers:
      - Dense: {units: $size}
      - Dense: {units: $size}
      - ReLU: {name: last}
  pair:
    layers: [unit, {unit: {size: 8, name: wide}}]
  none:
    layers: [{Dense: {units: 4, repeat: 0}}]
"""


def test_layers_of_a_block_are_called_after_its_use(read: Read) -> None:
    recipe = read(BLOCKS + sequential("Flatten", "unit", "unit: {name: second}", "unit", HEAD))
    assert names(recipe) == [
        "flatten",
        *("unit.dense", "unit.dense_1", "unit.last"),
        *("second.dense", "second.dense_1", "second.last"),
        *("unit_1.dense", "unit_1.dense_1", "unit_1.last"),
        "dense",
    ]
    assert graph(recipe).is_chain


def test_blocks_use_blocks_and_repeat(read: Read) -> None:
    recipe = read(BLOCKS + sequential("Flatten", "pair: {repeat: 2}", HEAD))
    assert names(recipe) == [
        "flatten",
        *(
            f"pair_{n}.{use}.{layer}"
            for n in (1, 2)
            for use in ("unit", "wide")
            for layer in ("dense", "dense_1", "last")
        ),
        "dense",
    ]
    assert takes(recipe)["pair_2.unit.dense"] == "pair_1.wide.last"
    assert graph(recipe).layers["pair_2.wide.dense"].arguments == {"units": 8}


def test_a_block_that_leaves_everything_out_is_its_input(read: Read) -> None:
    recipe = read(BLOCKS + sequential("Flatten", "none", HEAD))
    assert takes(recipe)["dense"] == "flatten"


def test_a_chain_inside_a_chain(read: Read) -> None:
    recipe = read(sequential("sequential: [Flatten, {sequential: [ReLU]}]", HEAD))
    assert names(recipe) == ["sequential.flatten", "sequential.sequential.re_lu", "dense"]


INPUTS = """\
blocks:
  join:
    inputs: [x, memory]
    layers:
      - Dense: {units: 4, from: memory, name: looked}
      - Concatenate: {from: [x, looked]}
"""


@pytest.mark.parametrize("source", ["[flat, other]", "{x: flat, memory: other}", "{memory: other, x: flat}"])
def test_a_block_of_several_inputs(read: Read, source: str) -> None:
    recipe = read(
        INPUTS
        + functional("Flatten: {name: other}", "Flatten: {from: image, name: flat}", f"join: {{from: {source}}}", HEAD)
    )
    assert takes(recipe)["join.looked"] == "other"
    assert takes(recipe)["join.concatenate"] == ["flat", "join.looked"]


def test_the_first_input_of_a_block_is_the_layer_before_it(read: Read) -> None:
    recipe = read(INPUTS + functional("Flatten: {name: other}", "ReLU", "join: {from: {memory: other}}", HEAD))
    assert takes(recipe)["join.concatenate"] == ["re_lu", "join.looked"]


def test_from(read: Read) -> None:
    recipe = read(
        "data: {source: fashion_mnist, targets: [group]}\n"
        + functional(
            "Flatten: {name: flat}",
            "Dense: {units: 4}",
            "Dense: {units: 4, name: again, from: flat}",
            "Add: {from: [dense, again]}",
            "MultiHeadAttention: {num_heads: 1, key_dim: 2, from: {query: add, value: flat, use_causal_mask: true}}",
            "Attention: {from: {inputs: [multi_head_attention, flat]}, name: attended}",
            "LSTM: {units: 3, return_state: true, name: read}",
            "Concatenate: {from: [read.1, read.2]}",
            "Dense: {units: 5}",
        )
    )
    assert takes(recipe) == {
        "flat": "image",
        "dense": "flat",
        "again": "flat",
        "add": ["dense", "again"],
        "multi_head_attention": {"": "add", "value": "flat", "use_causal_mask": True},
        "attended": ["multi_head_attention", "flat"],
        "read": "attended",
        "concatenate": [("read", 1), ("read", 2)],
        "dense_1": "concatenate",
    }
    assert not graph(recipe).is_chain


def test_from_names_a_layer_inside_a_block(read: Read) -> None:
    recipe = read(BLOCKS + functional("Flatten", "unit", "Dense: {units: 4, from: unit.dense}", HEAD))
    assert takes(recipe)["dense"] == "unit.dense"


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        ("", {"": "digit"}),
        ("flat", {"": "flat"}),
        ("[digit]", {"digit": "digit"}),
        ("{digit: flat}", {"digit": "flat"}),
    ],
)
def test_outputs(read: Read, outputs: str, expected: dict[str, str]) -> None:
    text = functional("Flatten", "Dense: {units: 10, name: flat}", "Dense: {units: 10, name: digit}", outputs=outputs)
    assert graph(read(text)).outputs == {target: Tensor(call) for target, call in expected.items()}


def test_reuse_calls_a_layer_again(read: Read) -> None:
    recipe = read(
        functional(
            "Flatten: {name: flat}",
            "Dense: {units: 4, name: encoder}",
            "ReLU: {from: flat, name: right}",
            "reuse: {layer: encoder, from: right}",
            "reuse: {layer: encoder, from: flat, name: third}",
            "Add: {from: [encoder, encoder_1, third]}",
            HEAD,
        )
    )
    calls = {call.name: call.layer for call in graph(recipe).calls}
    assert calls["encoder_1"] == calls["third"] == "encoder"
    assert takes(recipe)["encoder_1"] == "right"
    assert names(recipe) == ["flat", "encoder", "right", "add", "dense"]


def test_reuse_takes_the_layer_before_it_where_it_says_nothing(read: Read) -> None:
    recipe = read(
        sequential("Flatten", "Dense: {units: 64, name: step}", "reuse: {layer: step}", "reuse: {layer: step}", HEAD)
    )
    assert takes(recipe) == {
        "flatten": "image",
        "step": "flatten",
        "step_1": "step",
        "step_2": "step_1",
        "dense": "step_2",
    }


def test_reuse_of_a_block_shares_all_its_weights(read: Read) -> None:
    recipe = read(
        BLOCKS
        + functional(
            "Flatten: {name: flat}",
            "unit: {name: encoder}",
            "reuse: {layer: encoder, from: flat, name: right}",
            "Add: {from: [encoder, right]}",
            HEAD,
        )
    )
    calls = {call.name: (call.layer, takes(recipe)[call.name]) for call in graph(recipe).calls}
    assert calls["right.dense"] == ("encoder.dense", "flat")
    assert calls["right.dense_1"] == ("encoder.dense_1", "right.dense")
    assert takes(recipe)["add"] == ["encoder.last", "right.last"]


def test_reuse_of_one_of_several_repeats_and_inside_a_block(read: Read) -> None:
    recipe = read(
        BLOCKS
        + functional(
            "Flatten: {name: flat}",
            "unit: {repeat: 2, name: body}",
            "reuse: {layer: body_2}",
            "reuse: {layer: body_1.dense, from: flat}",
            "reuse: {layer: body_2_1.last, from: flat, name: third}",
            HEAD,
        )
    )
    calls = {call.name: call.layer for call in graph(recipe).calls}
    assert calls["body_2_1.dense_1"] == "body_2.dense_1"
    assert calls["body_1_dense"] == "body_1.dense"
    assert calls["third"] == "body_2.last"


def test_reuse_of_what_takes_one_thing_twice(read: Read) -> None:
    recipe = read(
        INPUTS
        + functional(
            "Flatten: {name: a}",
            "ReLU: {name: b}",
            "join: {from: [a, a], name: one}",
            "reuse: {layer: one, from: {memory: b, x: a}, name: two}",
            HEAD,
        )
    )
    assert takes(recipe)["two.looked"] == "b"
    assert takes(recipe)["two.concatenate"] == ["a", "two.looked"]


def test_reuse_of_what_takes_several(read: Read) -> None:
    recipe = read(
        INPUTS
        + functional(
            "Flatten: {name: a}",
            "ReLU: {name: b}",
            "join: {from: [a, b], name: one}",
            "reuse: {layer: one, from: [b, a], name: two}",
            "Add: {from: [one, two]}",
            HEAD,
        )
    )
    assert takes(recipe)["two.looked"] == "a"
    assert takes(recipe)["two.concatenate"] == ["b", "two.looked"]


def test_layers_inside_a_layer_have_names_of_their_own(read: Read) -> None:
    recipe = read(
        "data: {source: diabetes}\n"
        + sequential(
            "Reshape: {target_shape: [10, 1]}",
            "Bidirectional: {layer: {RNN: {cell: {StackedRNNCells: {cells: [{LSTMCell: {units: 2}}, {LSTMCell: {units: 2}}]}}}}, name: read}",
            "Dense: {units: 1}",
        )
    )
    outer = graph(recipe).layers["read"].arguments["layer"]
    stacked = outer.arguments["cell"]
    assert (outer.arguments["name"], stacked.arguments["name"]) == ("read.rnn", "read.rnn.stacked_rnn_cells")
    assert [cell.arguments["name"] for cell in stacked.arguments["cells"]] == [
        "read.rnn.stacked_rnn_cells.lstm_cell",
        "read.rnn.stacked_rnn_cells.lstm_cell_1",
    ]


def test_numbers_of_a_list_are_floats_where_keras_wants_floats(read: Read) -> None:
    layers = graph(read(sequential("Normalization: {mean: [1, 2], variance: 4}", "Flatten", HEAD))).layers
    arguments = layers["normalization"].arguments
    assert [type(value) for value in (*arguments["mean"], arguments["variance"])] == [float, float, float]


def test_applications_and_runs_are_layers(read: Read) -> None:
    recipe = read(
        sequential(
            "run:runs/a/b: {name: before}",
            "recipe:digits/cnn",
            "MobileNetV2: {include_top: false, weights: null, pooling: avg}",
            HEAD,
        )
    )
    kinds = {name: layer.kind for name, layer in graph(recipe).layers.items()}
    assert kinds == {
        "before": "run",
        "recipe_digits_cnn": "run",
        "mobile_net_v2": "application",
        "dense": "layer",
    }


def test_freezing_matches_globs_over_names(read: Read) -> None:
    recipe = read(BLOCKS + sequential("Flatten", "pair: {repeat: 2, name: body}", HEAD))
    assert graph(recipe).matching(["body_1.*"]) == [
        f"body_1.{use}.{layer}" for use in ("unit", "wide") for layer in ("dense", "dense_1", "last")
    ]


def test_a_pattern_holds_networks(read: Read) -> None:
    text = """\
data: {source: fashion_mnist}
model:
  gan:
    latent_size: 64
    generator: {sequential: [{Dense: {units: 784}}, {Reshape: {target_shape: [28, 28, 1]}}]}
    discriminator: {functional: {inputs: [anything], layers: [Flatten, {Dense: {units: 1}}]}}
training: {epochs: 1}
"""
    recipe = read(text)
    assert recipe.pattern is not None and recipe.pattern.name == "gan"
    network = recipe.graphs["model"]
    assert network.inputs == ("image",)
    assert {name: first.call for name, (first, _) in network.parts.items()} == {
        "discriminator": "image",
        "generator": "codes",
    }
    assert [call.name for call in network.calls if call.layer == "discriminator.dense"] == [
        "discriminator.dense",
        "of_generated.dense",
    ]
    assert recipe.supervisions["image"].loss.arguments == {"gradient_penalty": 0.0, "label_smoothing": 0.0}


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        (["Flatten", "Dense: {units: 4, from: flatten}"], [("missing-from", "Flatten")]),
        (
            ["Flatten: {from: left}", "Add: {from: [flatten]}", "Dense: {units: 1, from: [left, right]}"],
            [("several-tensors", "[left, right]")],
        ),
        (["Dense: {units: 1, from: {query: left}}"], [("unknown-argument", "query")]),
        (
            ["MultiHeadAttention: {num_heads: 1, key_dim: 2, from: {query: left, vlaue: right}}"],
            [("unknown-argument", "vlaue")],
        ),
        (
            ["MultiHeadAttention: {num_heads: 1, key_dim: 2, from: {query: left, value: true}}"],
            [("wrong-type", "true")],
        ),
        (["Dense: {units: 1, from: 5}"], [("wrong-type", "5")]),
        (["Dense: {units: 1, from: [left, 5]}"], [("wrong-type", "5")]),
        (["Dense: {units: 1, from: left.x}"], [("unknown-from", "left.x")]),
        (["reuse: {layer: nothing, from: left}"], [("unknown-from", "nothing")]),
        (["reuse: {layer: left, from: right}"], [("unknown-from", "left")]),
        (["reuse: {from: right}"], [("missing-argument", "reuse")]),
        (["reuse"], [("missing-argument", "reuse")]),
        (["Flatten: {from: left, name: a}", "reuse: {layer: a, form: right}"], [("unknown-argument", "form")]),
        (
            ["Flatten: {from: left, name: a}", "reuse: {layer: a, from: [left, right]}"],
            [("several-tensors", "[left, right]")],
        ),
        (["functional: {inputs: [a], layers: [Flatten]}"], [("network-in-network", "functional")]),
        (["Flatten: {from: left, name: right}"], [("name-used-twice", "Flatten")]),
        (["Flatten: {from: left, repeat: -1}"], [("out-of-range", "-1")]),
        (["Flatten: {from: left, repeat: 1000000000}"], [("out-of-range", "1000000000")]),
        (["Flatten: {from: left, repeat: yes}"], [("wrong-type", "yes")]),
        (["Flatten: {from: left, name: 3}"], [("wrong-type", "3")]),
        (["Flatten: {from: left, name: a.b}"], [("wrong-name", "a.b")]),
    ],
)
def test_mistakes_in_a_functional_network(told: Told, layers: list[str], expected: list[tuple[str, str]]) -> None:
    text = "data: {source: {npz: {path: a.npz}}}\n" + functional(*layers, inputs="[left, right]")
    assert [(code, token) for code, _, token in told(text)] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("model: {functional: {inputs: [], layers: [Flatten, {Dense: {units: 10}}]}}", [("wrong-type", "[]")]),
        ("model: {functional: {layers: [Flatten, {Dense: {units: 10}}]}}", [("missing-key", "functional")]),
        ("model: {functional: {inputs: [image]}}", [("wrong-type", "functional")]),
        ("model: {functional: {inputs: [image], layer: [Flatten]}}", [("unknown-key", "layer")]),
        ("model: {functional: {inputs: image, layers: [Flatten, {Dense: {units: 10}}]}}", [("wrong-type", "image")]),
        ("model: {functional: [Flatten]}", [("wrong-type", "functional")]),
        ("model: {sequential: []}", [("no-layers", "[]")]),
        ("model: {sequential: null}", [("wrong-type", "null")]),
        ("model: sequential", [("wrong-type", "sequential")]),
        ("model: 5", [("wrong-type", "5")]),
        ("model: {}", [("wrong-type", "{}")]),
        ("model: {sequential: [Flatten], functional: {}}", [("several-components", "functional")]),
        ("model: {gan: {latent_size: 2}}", [("missing-argument", "gan")]),
        ("model: {mlp: {units: [0]}}", [("out-of-range", "0")]),
        ("model: {mlp: {units: 16}}", [("wrong-type", "16")]),
        ("model: {sequential: [Flatten, null, {Dense: {units: 10}}]}", [("wrong-type", "null")]),
        ("model: {sequential: [[Flatten], {Dense: {units: 10}}]}", [("wrong-type", "[Flatten]")]),
        ("blocks: 5", [("wrong-type", "5")]),
        ("blocks: {Unit: {layers: [Flatten]}}", [("wrong-name", "Unit")]),
        ("blocks: {unit: {layers: []}}", [("no-layers", "[]")]),
        ("blocks: {unit: {layers: [Flatten], inputs: [a b]}}", [("wrong-name", "a b")]),
        ("blocks: {unit: {layers: Flatten}}", [("wrong-type", "Flatten")]),
        ("blocks: {unit: {layer: [Flatten]}}", [("unknown-key", "layer")]),
        ("blocks: {a: {layers: [b]}, b: {layers: [c]}, c: {layers: [a]}}", [("block-cycle", "a")]),
        ("blocks: {unit: {layers: [Flatten, {Dense: {units: 10, from: flat}}]}}", [("unknown-from", "flat")]),
    ],
)
def test_mistakes_in_networks_and_blocks(told: Told, text: str, expected: list[tuple[str, str]]) -> None:
    assert [(code, token) for code, _, token in told(text)] == expected


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        ("join", [("missing-from", "join")]),
        ("join: {from: image}", [("missing-from", "join")]),
        ("join: {from: [image, image, image]}", [("wrong-inputs", "[image, image, image]")]),
        ("join: {from: {memry: image}}", [("unknown-argument", "memry")]),
        ("join: {from: {memory: imag}}", [("unknown-from", "imag")]),
        ("Flatten: {from: [image, image]}", [("several-tensors", "[image, image]")]),
    ],
)
def test_mistakes_with_what_a_block_takes(told: Told, layer: str, expected: list[tuple[str, str]]) -> None:
    found = told(INPUTS + functional(layer, "Flatten", HEAD))
    assert sorted((code, token) for code, _, token in found) == sorted(expected)


def test_a_chain_whose_features_are_not_known(read: Read) -> None:
    recipe = read("data: {source: {npz: {path: a.npz}}}\nmodel: {sequential: [{Dense: {units: 1}}]}")
    assert graph(recipe).inputs == ("input",)


def test_a_chain_takes_one_feature(read: Read) -> None:
    text = "data: {source: {npz: {path: a.npz}}}\nmodel: {sequential: [{Dense: {units: 1}}]}"
    two = DataFacts({"a": Feature("vector", (2,)), "b": Feature("vector", (2,))}, {"y": Target("number")})
    with pytest.raises(RecipeError, match="a chain takes one feature, and the data has `a`, `b`"):
        read(text).with_facts(two)


DOUBLING = "".join(f"  b{n}: {{layers: [b{n - 1}, b{n - 1}]}}\n" for n in range(1, 40))
NOTHING = "".join(f"  b{n}: {{layers: [{{b{n - 1}: {{repeat: 10000}}}}]}}\n" for n in range(1, 20))
ALL_BY_ALL = "".join(
    f"  b{n}: {{layers: [{', '.join(f'b{other}' for other in range(12) if other != n)}]}}\n" for n in range(12)
)
NESTED = "".join(f"  b{n}: {{layers: [{'{sequential: [' * 15}b{n - 1}{']}' * 15}]}}\n" for n in range(1, 40))


@pytest.mark.parametrize(
    ("blocks", "codes"),
    [
        ("  b0: {layers: [Flatten]}\n" + DOUBLING, {"too-many-layers"}),
        ("  b0: {layers: [{Dense: {units: 1, repeat: 0}}]}\n" + NOTHING, {"too-many-layers"}),
        ("  b0: {layers: [Flatten]}\n" + NESTED, {"too-deep"}),
        (ALL_BY_ALL, {"block-cycle", "too-many-errors", "too-many-layers"}),
    ],
)
def test_networks_without_end_are_refused(told: Told, blocks: str, codes: set[str]) -> None:
    found = told(f"blocks:\n{blocks}model: {{sequential: [b3, Flatten, {{Dense: {{units: 10}}}}]}}")
    assert {code for code, *_ in found} <= codes
    assert found[0][0] in codes


def test_a_thousand_layers_are_fine(read: Read) -> None:
    recipe = read(
        sequential("Flatten", "Dense: {units: 10}", "Dropout: {rate: 0.1, repeat: 3000}", "sequential: [Flatten]", HEAD)
    )
    assert len(names(recipe)) == 3004
    assert recipe.supervisions["digit"].loss.name == "SparseCategoricalCrossentropy"
