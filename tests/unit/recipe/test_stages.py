"""Stages: `training` merged with what each stage says."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dlkit.recipe.load import Recipe

Read = Callable[..., Recipe]
Told = Callable[..., list[tuple[str, int, str]]]

STAGES = """\
training:
  epochs: 3
  loss: SparseCategoricalCrossentropy
  optimizer: {SGD: {learning_rate: 0.5, momentum: 0.9}}
  callbacks: [TerminateOnNaN]
  best: {monitor: val_accuracy}
  stages:
    - {name: first, freeze: [dense]}
    - name: second
      epochs: 5
      loss: null
      unfreeze: ["*"]
      optimizer: {SGD: {momentum: 0.1}}
      callbacks+: [{CSVLogger: {filename: log.csv}}]
      best: {mode: max}
    - {optimizer: Adam, callbacks: []}
"""


def test_a_stage_is_training_merged_with_the_stage(read: Read) -> None:
    stages = read(STAGES).config.training.stages
    assert stages is not None
    assert [stage.name for stage in stages] == ["first", "second", None]
    assert [stage.epochs for stage in stages] == [3, 5, 3]
    assert [stage.optimizer.name for stage in stages] == ["SGD", "SGD", "Adam"]
    assert stages[1].optimizer.arguments == {"learning_rate": 0.5, "momentum": 0.1}
    assert stages[2].optimizer.arguments == {}
    assert [[callback.name for callback in stage.callbacks] for stage in stages] == [
        ["TerminateOnNaN"],
        ["TerminateOnNaN", "CSVLogger"],
        [],
    ]
    assert [stage.loss is None for stage in stages] == [False, True, False]
    assert (stages[1].best.monitor, stages[1].best.mode) == ("val_accuracy", "max")
    assert (stages[0].freeze, stages[1].freeze, stages[1].unfreeze) == (["dense"], None, ["*"])
    assert stages[0].stages is None


def test_a_dump_keeps_stages_as_they_were_written(read: Read) -> None:
    values = read(STAGES).dump()["training"]["stages"]
    assert values[0] == {"name": "first", "freeze": ["dense"]}
    assert values[1]["loss"] is None
    assert [*values[1]["callbacks+"][0]] == ["CSVLogger"]


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        ("{name: a, epochs: 0}", [("out-of-range", "0")]),
        ("{name: a, epochs: -1, optimizer: Adm}", [("unknown-optimizer", "Adm"), ("out-of-range", "-1")]),
        ("{name: a, callbacks+: [EarlyStoping]}", [("unknown-callback", "EarlyStoping")]),
        ("{name: a, epochs+: 1}", [("unknown-key", "epochs+")]),
        ("{name: a b}", [("wrong-name", "a b")]),
        ("{stages: []}", [("wrong-type", "[]")]),
        ("{freeze: dense}", [("wrong-type", "dense")]),
        ("first", [("wrong-type", "first")]),
        ("{unfreeze: [dens*, dense, '*_1', flat*]}", [("unknown-layer-name", "'*_1'")]),
        ("{initial_weights: {from: a.keras, layers: [conv*]}}", [("unknown-layer-name", "conv*")]),
    ],
)
def test_mistakes_in_a_stage(told: Told, stage: str, expected: list[tuple[str, str]]) -> None:
    found = told(f"training:\n  epochs: 1\n  optimizer: SGD\n  stages:\n    - {stage}")
    assert sorted((code, token) for code, _, token in found) == sorted(expected)


def test_epochs_are_those_of_each_stage_or_of_all(read: Read, told: Told) -> None:
    training = read("training: {stages: [{name: a, epochs: 2}, {epochs: 3}]}").config.training
    assert (training.epochs, training.total_epochs) == (None, 5)
    assert read(STAGES).config.training.total_epochs == 3 + 5 + 3
    assert told("training: {stages: [{name: a, epochs: 2}, {name: b}]}") == [("missing-key", 1, "{name: b}")]
    assert told("training: {optimizer: Adm}") == [("missing-key", 1, "training"), ("unknown-optimizer", 1, "Adm")]
    assert told("training: {epoch: 2}") == [("unknown-key", 1, "epoch")]


def test_a_mistake_that_stages_inherit_is_told_once(told: Told) -> None:
    text = "training: {epochs: 1, optimizer: {SGD: {momentun: 1}}, stages: [{name: a}, {optimizer: {SGD: {}}}]}"
    assert told(text) == [("unknown-argument", 1, "momentun")]


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        ("{loss: MeanSquaredError}", [("loss-contradicts-output", "MeanSquaredError")]),
        ("{metrics: [CategoricalAccuracy]}", [("metric-contradicts-target", "CategoricalAccuracy")]),
        ("{losses: {digits: SparseCategoricalCrossentropy}}", [("unknown-output", "digits")]),
    ],
)
def test_what_a_stage_says_is_held_against_the_output(told: Told, stage: str, expected: list[tuple[str, str]]) -> None:
    found = told(f"training: {{epochs: 1, stages: [{{name: a}}, {stage}]}}")
    assert [(code, token) for code, _, token in found] == expected


def test_monitors_of_a_stage_are_those_of_its_metrics(read: Read) -> None:
    text = """\
training:
  epochs: 1
  best: {monitor: val_accuracy}
  stages:
    - {name: one}
    - name: two
      metrics: [{SparseTopKCategoricalAccuracy: {k: 2, name: top}}]
      best: {monitor: val_top}
      callbacks: [{EarlyStopping: {monitor: val_accuracy}}]
tune: {algorithm: {grid: {}}, objective: val_top, space: {}}
expect: {test_accuracy: {at_least: 0}, test_top: {at_least: 0}}
"""
    assert [(found.code, found.span.line) for found in read(text).warnings] == [("unknown-monitor", 9)]
