"""Losses and metrics: inferred from the target, or held against the output."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dlkit.recipe.contradictions import of_metric
from dlkit.recipe.diagnostics import Findings
from dlkit.recipe.facts import DataFacts, Target
from dlkit.recipe.graph import Call, Component, Graph, Tensor
from dlkit.recipe.load import Recipe
from dlkit.recipe.supervision import Supervision, Supervisor, logged_names, metric_name, output_form

Read = Callable[..., Recipe]
Told = Callable[..., list[tuple[str, int, str]]]
SPAN = Component("layer", "Dense").span


def chain(*layers: tuple[str, dict[str, Any]]) -> Graph:
    """A network of layers, one after another."""
    graph = Graph(("x",))
    before = "x"
    for n, (name, arguments) in enumerate(layers):
        kind = "application" if name.startswith("Res") else "layer"
        graph.layers[f"l{n}"] = Component(kind, name, arguments)
        graph.calls.append(Call(f"l{n}", f"l{n}", Tensor(before)))
        before = f"l{n}"
    graph.outputs[""] = Tensor(before)
    return graph


def supervise(
    target: Target, *layers: tuple[str, dict[str, Any]], loss: Component | None = None, metrics: Any = None
) -> tuple[Supervision | None, list[str]]:
    """The supervision of a chain, and the codes of what is wrong with it."""
    findings, graph = Findings(), chain(*layers)
    supervisor = Supervisor(DataFacts(targets={"y": target}), findings)
    found = supervisor.supervise(graph, graph.outputs[""], "y", loss, metrics, SPAN)
    return found, [error.code for error in findings.errors]


CLASSES, TWO, NUMBER = Target("classes", classes=10), Target("classes", classes=2), Target("number")
LABELS, SERIES = Target("multi_label", (5,), classes=5), Target("sequence")
LETTERS = Target("sequence", (4,), classes=9)
SPARSE, BINARY = "SparseCategoricalCrossentropy", "BinaryCrossentropy"


def dense(units: int, activation: str | None = None) -> tuple[str, dict[str, Any]]:
    return "Dense", {"units": units, **({"activation": activation} if activation else {})}


@pytest.mark.parametrize(
    ("target", "layers", "loss", "from_logits", "metrics"),
    [
        (CLASSES, [dense(10)], SPARSE, True, ["accuracy"]),
        (CLASSES, [dense(10, "softmax")], SPARSE, False, ["accuracy"]),
        (CLASSES, [dense(10), ("Softmax", {})], SPARSE, False, ["accuracy"]),
        (CLASSES, [dense(10), ("Activation", {"activation": "softmax"})], SPARSE, False, ["accuracy"]),
        (CLASSES, [dense(10), ("Dropout", {"rate": 0.1})], SPARSE, True, ["accuracy"]),
        (CLASSES, [dense(10, "log_softmax")], SPARSE, True, ["accuracy"]),
        (CLASSES, [dense(12)], SPARSE, True, ["accuracy"]),
        (CLASSES, [("Conv2D", {"filters": 10}), ("GlobalAveragePooling2D", {})], SPARSE, True, ["accuracy"]),
        (
            CLASSES,
            [("Conv2D", {"filters": 10, "activation": "relu"}), ("GlobalAveragePooling2D", {}), ("Softmax", {})],
            SPARSE,
            False,
            ["accuracy"],
        ),
        (CLASSES, [("ResNet50", {"classes": 10, "weights": None})], SPARSE, False, ["accuracy"]),
        (CLASSES, [("ResNet50", {"classes": 10, "classifier_activation": None})], SPARSE, True, ["accuracy"]),
        (TWO, [dense(1)], BINARY, True, ["accuracy"]),
        (TWO, [dense(1, "sigmoid")], BINARY, False, ["accuracy"]),
        (TWO, [dense(2, "softmax")], SPARSE, False, ["accuracy"]),
        (LABELS, [dense(5)], BINARY, True, ["accuracy"]),
        (LABELS, [dense(5, "sigmoid")], BINARY, False, ["accuracy"]),
        (NUMBER, [dense(1)], "MeanSquaredError", None, ["mean_absolute_error", "root_mean_squared_error"]),
        (NUMBER, [dense(1, "relu")], "MeanSquaredError", None, ["mean_absolute_error", "root_mean_squared_error"]),
        (NUMBER, [("Flatten", {})], "MeanSquaredError", None, ["mean_absolute_error", "root_mean_squared_error"]),
    ],
)
def test_what_is_inferred(target: Target, layers: Any, loss: str, from_logits: bool | None, metrics: list[str]) -> None:
    found, codes = supervise(target, *layers)
    assert codes == []
    assert found is not None
    assert (found.loss.name, found.loss.arguments.get("from_logits")) == (loss, from_logits)
    assert [metric_name(metric) for metric in found.metrics] == metrics
    assert found.logits == bool(from_logits)
    wanted = {SPARSE: "SparseCategoricalAccuracy", BINARY: "BinaryAccuracy"}.get(loss)
    assert wanted in (None, found.metrics[0].name)


@pytest.mark.parametrize(
    ("target", "layers", "code"),
    [
        (CLASSES, [dense(10, "relu")], "no-loss"),
        (CLASSES, [dense(10, "sigmoid")], "no-loss"),
        (CLASSES, [("Flatten", {})], "no-loss"),
        (CLASSES, [dense(10), ("ReLU", {})], "no-loss"),
        (CLASSES, [("ResNet50", {"include_top": False})], "no-loss"),
        (TWO, [dense(1, "softmax")], "no-loss"),
        (LABELS, [dense(5, "softmax")], "no-loss"),
        (SERIES, [dense(5)], "no-loss"),
        (CLASSES, [dense(9)], "output-size"),
        (CLASSES, [dense(1)], "output-size"),
        (CLASSES, [("ResNet50", {"classes": 5})], "output-size"),
        (LABELS, [dense(6)], "output-size"),
        (NUMBER, [dense(2)], "output-size"),
        (Target("number", (3,)), [dense(2)], "output-size"),
    ],
)
def test_outputs_that_cannot_be_held_against_their_target(target: Target, layers: Any, code: str) -> None:
    assert supervise(target, *layers)[1] == [code]


def test_what_is_not_known_is_not_wrong() -> None:
    for target in (Target("classes"), Target("number", None), Target("number", (None,)), Target("multi_label")):
        assert supervise(target, dense(3, "softmax" if target.kind == "classes" else "linear"))[1] == []


@pytest.mark.parametrize(
    ("target", "layers", "loss", "arguments", "wrong"),
    [
        (CLASSES, [dense(10)], SPARSE, {}, False),
        (CLASSES, [dense(10)], SPARSE, {"from_logits": True}, False),
        (CLASSES, [dense(10)], SPARSE, {"from_logits": False}, True),
        (CLASSES, [dense(10, "softmax")], SPARSE, {"from_logits": True}, True),
        (CLASSES, [dense(10, "relu")], SPARSE, {}, True),
        (CLASSES, [dense(10, "tanh")], "CategoricalHinge", {}, True),
        (CLASSES, [dense(10)], "CategoricalCrossentropy", {}, True),
        (CLASSES, [dense(10)], "KLDivergence", {}, True),
        (CLASSES, [dense(10)], "MeanSquaredError", {}, True),
        (CLASSES, [dense(10, "sigmoid")], BINARY, {}, True),
        (CLASSES, [dense(10)], "my_loss", {}, False),
        (TWO, [dense(1)], "MeanSquaredError", {}, False),
        (TWO, [dense(1, "tanh")], "Hinge", {}, False),
        (TWO, [dense(1)], BINARY, {}, False),
        (TWO, [dense(2)], BINARY, {}, True),
        (TWO, [dense(1)], SPARSE, {}, True),
        (NUMBER, [dense(1)], "Huber", {"delta": 2.0}, False),
        (NUMBER, [dense(1)], BINARY, {}, True),
        (NUMBER, [dense(1)], "KLDivergence", {}, True),
        (LABELS, [dense(5)], SPARSE, {}, True),
        (LABELS, [dense(5)], "BinaryFocalCrossentropy", {}, False),
        (SERIES, [dense(5)], SPARSE, {}, False),
        (LETTERS, [dense(9)], "CTC", {}, False),
        (LETTERS, [dense(9), ("Dropout", {"rate": 0.1})], "CTC", {}, False),
        (LETTERS, [dense(9, "log_softmax")], "CTC", {}, False),  # of which a softmax makes the same again
        (LETTERS, [("Flatten", {})], "CTC", {}, False),
        (LETTERS, [dense(9, "softmax")], "CTC", {}, True),
        (LETTERS, [dense(9), ("Softmax", {})], "CTC", {}, True),
        (LETTERS, [dense(9, "relu")], "CTC", {}, True),
        (LETTERS, [dense(8)], "CTC", {}, True),
        (LETTERS, [dense(10)], "CTC", {}, True),
        (SERIES, [dense(10)], "CTC", {}, False),
        (CLASSES, [dense(10)], "CTC", {}, True),
        (LABELS, [dense(5)], "CTC", {}, True),
        (NUMBER, [dense(1)], "CTC", {}, True),
    ],
)
def test_a_written_loss(target: Target, layers: Any, loss: str, arguments: dict[str, Any], wrong: bool) -> None:
    found, codes = supervise(target, *layers, loss=Component("loss", loss, arguments))
    assert codes == (["loss-contradicts-output"] if wrong else [])
    assert found is not None and found.loss.name == loss


def test_from_logits_follows_the_activation_of_the_output() -> None:
    for activation, logits in ((None, True), ("softmax", False)):
        loss = Component("loss", SPARSE, {"ignore_class": 3})
        found, _ = supervise(CLASSES, dense(10, activation), loss=loss)
        assert found is not None
        assert found.loss.arguments == {"ignore_class": 3, "from_logits": logits}
        assert found.logits is logits


@pytest.mark.parametrize(
    ("target", "units", "metric", "wrong"),
    [
        (CLASSES, 10, "SparseTopKCategoricalAccuracy", False),
        (CLASSES, 10, "CategoricalAccuracy", True),
        (CLASSES, 10, "F1Score", True),
        (CLASSES, 10, "Precision", True),
        (CLASSES, 10, "Accuracy", True),
        (CLASSES, 10, "MeanSquaredError", False),
        (CLASSES, 10, "my_metric", False),
        (TWO, 1, "Precision", False),
        (TWO, 1, "AUC", False),
        (TWO, 2, "AUC", True),
        (NUMBER, 1, "R2Score", False),
        (NUMBER, 1, "BinaryAccuracy", True),
        (NUMBER, 1, "SparseCategoricalAccuracy", True),
        (LABELS, 5, "Precision", False),
        (LABELS, 5, "F1Score", False),
    ],
)
def test_a_written_metric(target: Target, units: int, metric: str, wrong: bool) -> None:
    found, codes = supervise(target, dense(units), metrics=[Component("metric", metric)])
    assert codes == (["metric-contradicts-target"] if wrong else [])
    assert found is not None and [each.name for each in found.metrics] == [metric]


def test_a_sequence_has_no_metric_of_keras_by_itself_and_none_beside_ctc() -> None:
    loss = Component("loss", "CTC")
    found, codes = supervise(LETTERS, dense(9), loss=loss)
    assert found is not None and (found.metrics, found.logits, found.ctc, codes) == ((), True, True, [])
    found, codes = supervise(LETTERS, dense(9), loss=Component("loss", SPARSE))
    assert found is not None and (found.metrics, found.logits, found.ctc, codes) == ((), True, False, [])
    for metric, wrong in (("SparseCategoricalAccuracy", True), ("MeanSquaredError", True), ("my_metric", False)):
        _, codes = supervise(LETTERS, dense(9), loss=loss, metrics=[Component("metric", metric)])
        assert codes == (["metric-contradicts-target"] if wrong else [])


def test_the_cure_names_what_fits_the_output() -> None:
    for target, units, name, cure in (
        (TWO, 1, "Accuracy", "use BinaryAccuracy"),
        (CLASSES, 10, "Accuracy", "use SparseCategoricalAccuracy"),
        (CLASSES, 10, "TopKCategoricalAccuracy", "use SparseTopKCategoricalAccuracy"),
    ):
        wrong = of_metric(Component("metric", name), target, "y", units)
        assert wrong is not None and wrong[1] == cure


def test_no_metrics_are_none() -> None:
    found, _ = supervise(CLASSES, dense(10), metrics=[])
    assert found is not None and found.metrics == ()


def test_the_form_of_a_deep_output_is_found() -> None:
    layers = [dense(10), *[("Dropout", {"rate": 0.1})] * 5_000]
    graph = chain(*layers)
    assert output_form(graph, graph.outputs[""]).units == 10


HEADS = """\
data: {source: fashion_mnist, targets: [garment, group]}
model:
  functional:
    inputs: [image]
    layers:
      - Flatten
      - Dense: {units: 10, name: garment}
      - Dense: {units: 5, activation: softmax, name: group, from: flatten}
    outputs: {garment: garment, group: group}
"""


def test_several_outputs(read: Read) -> None:
    text = f"""{HEADS}
training:
  epochs: 1
  losses: {{group: {{SparseCategoricalCrossentropy: {{ignore_class: 0}}}}}}
  loss_weights: {{group: 0.5}}
  metrics_by_output: {{garment: [{{SparseTopKCategoricalAccuracy: {{k: 3, name: top}}}}]}}
evaluation: {{metrics: [SparseCategoricalAccuracy]}}
expect:
  test_garment_top: {{at_least: 0.5}}
  test_group_accuracy: {{at_least: 0.5}}
  test_group_sparse_categorical_accuracy: {{at_least: 0.5}}
  test_loss: {{at_most: 1}}
  val_group_loss: {{at_most: 1}}
"""
    recipe = read(text)
    assert {target: found.loss.arguments for target, found in recipe.supervisions.items()} == {
        "garment": {"from_logits": True},
        "group": {"ignore_class": 0, "from_logits": False},
    }
    assert logged_names(recipe.supervisions) == [
        "loss",
        "garment_loss",
        "garment_top",
        "group_loss",
        "group_accuracy",
    ]
    assert recipe.config.training.loss_weights == {"group": 0.5}


@pytest.mark.parametrize(
    ("training", "expected"),
    [
        ("loss: SparseCategoricalCrossentropy", [("several-outputs", "loss")]),
        ("metrics: [SparseCategoricalAccuracy]", [("several-outputs", "metrics")]),
        ("losses: {garments: Huber}", [("unknown-output", "garments")]),
        ("loss_weights: {x: 1.0}", [("unknown-output", "x")]),
        ("metrics_by_output: {x: []}", [("unknown-output", "x")]),
        ("losses: {group: Huber}", [("loss-contradicts-output", "Huber")]),
        ("losses: {group: Hubr}", [("unknown-loss", "Hubr")]),
        ("metrics_by_output: {group: [Acuracy]}", [("unknown-metric", "Acuracy")]),
        ("losses: [Huber]", [("wrong-type", "[Huber]")]),
        (
            "losses: {group: Huber}, loss: Huber",
            [("conflicting-keys", "losses"), ("loss-contradicts-output", "Huber"), ("several-outputs", "loss")],
        ),
    ],
)
def test_mistakes_with_several_outputs(told: Told, training: str, expected: list[tuple[str, str]]) -> None:
    found = told(f"{HEADS}\ntraining: {{epochs: 1, {training}}}")
    assert sorted((code, token) for code, _, token in found) == expected


@pytest.mark.parametrize(
    ("data", "outputs", "code"),
    [
        ("{source: fashion_mnist}", "{group: group}", ["unknown-target"]),
        ("{source: fashion_mnist, targets: [garment, group]}", "group", ["several-targets"]),
        ("{source: fashion_mnist, targets: [garment, group]}", "{group: group}", ["missing-output"]),
        ("{source: fashion_mnist, targets: [garment, group]}", "{garment: garment, grup: group}", ["unknown-target"]),
        ("{source: fashion_mnist, targets: [garment, grup]}", "{garment: garment, group: group}", ["unknown-target"]),
        ("{source: fashion_mnist, targets: [group]}", "{group: grup}", ["unknown-from"]),
    ],
)
def test_outputs_and_targets(told: Told, data: str, outputs: str, code: list[str]) -> None:
    model = HEADS.partition("\n")[2].replace("{garment: garment, group: group}", outputs)
    assert [found for found, *_ in told(f"data: {data}\n{model}")] == code


def test_one_output_of_a_name(read: Read) -> None:
    model = HEADS.partition("\n")[2].replace("{garment: garment, group: group}", "{group: group}")
    recipe = read(f"data: {{source: fashion_mnist, targets: [group]}}\n{model}")
    assert list(recipe.supervisions) == ["group"]
    assert logged_names(recipe.supervisions) == ["loss", "accuracy"]


def test_monitors_that_no_metric_provides_are_doubted(read: Read) -> None:
    text = """\
training:
  epochs: 1
  best: {monitor: val_acc}
  callbacks:
    - EarlyStopping: {monitor: val_accuracy}
    - ReduceLROnPlateau: {monitor: val_los}
    - ModelCheckpoint: {filepath: a.keras}
  stages:
    - {name: one, best: {monitor: loss}}
    - {name: two, callbacks: [{EarlyStopping: {monitor: acuracy}}]}
tune: {algorithm: {grid: {}}, objective: val_acuracy, space: {seed: {int: [1, 2]}}}
"""
    warnings = read(text).warnings
    assert [(found.code, found.span.line, found.cure) for found in warnings] == [
        ("unknown-monitor", 3, "did you mean `val_accuracy`?"),
        ("unknown-monitor", 6, "did you mean `val_loss`?"),
        ("unknown-monitor", 10, "did you mean `accuracy`?"),
        ("unknown-monitor", 11, "did you mean `val_accuracy`?"),
    ]


def test_names_of_metrics() -> None:
    assert metric_name(Component("metric", "AUC")) == "auc"
    assert metric_name(Component("metric", "AUC", {"name": "area"})) == "area"
    assert metric_name(Component("metric", "my_own")) == "my_own"
