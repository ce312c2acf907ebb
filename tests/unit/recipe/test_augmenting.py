"""Augmentations, class weights and mixed labels in a recipe: what fits the data is told apart before it is loaded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dlkit.recipe.augmenting import MIXING, read_augmentations
from dlkit.recipe.class_targets import class_number
from dlkit.recipe.components import Components
from dlkit.recipe.diagnostics import Findings, RecipeError
from dlkit.recipe.facts import DataFacts, Feature, Target, TargetKind
from dlkit.recipe.graph import Component
from dlkit.recipe.load import Recipe

Read = Callable[..., Recipe]
BINARY = "model: {sequential: [Flatten, {Dense: {units: 1}}]}"


def data(text: str, source: str = "digits") -> str:
    return f"data: {{source: {source}, {text}}}"


def message(read: Read, text: str, *settings: str) -> tuple[str, str, str]:
    """The code, the message and the cure of the only mistake."""
    with pytest.raises(RecipeError) as raised:
        read(text, *settings)
    (found,) = raised.value.diagnostics
    return found.code, found.message, found.cure


def test_augmentations_know_their_features(read: Read) -> None:
    recipe = read(data("augment: [RandomFlip, {pad_and_crop: {padding: 1}}, {gaussian_noise: {stddev: 2}}, MixUp]"))
    assert [(each.component.name, each.features, each.place) for each in recipe.augmentations] == [
        ("RandomFlip", ("image",), "data.augment[0]"),
        ("pad_and_crop", ("image",), "data.augment[1]"),
        ("gaussian_noise", ("image",), "data.augment[2]"),
        ("MixUp", ("image",), "data.augment[3]"),
    ]
    assert [each.mixes for each in recipe.augmentations] == [False, False, False, True]
    assert read().augmentations == ()


@pytest.mark.parametrize(
    ("text", "code", "found", "cure"),
    [
        ("augment: [{Dense: {units: 3}}]", "no-augmentation", "`Dense` is a layer that does not augment", "known are"),
        ("augment: [AugMix]", "no-augmentation", "`AugMix` is a layer", "write RandAugment"),
        ("augment: [{Resizing: {height: 2, width: 2}}]", "no-augmentation", "`Resizing` is", "put it into the model"),
        (
            "augment: [word_dropout]",
            "nothing-to-augment",
            "`word_dropout` changes `text`, `sequence` features",
            "image",
        ),
        ("augment: [{GaussianNoise: {stddev: 1}}]", "nothing-to-augment", "`GaussianNoise`", "gaussian_noise"),
        ("augment: [{RandomHue: {factor: 0.1}}]", "cannot-augment", "no three channels", "take it out"),
        ("augment: [{RandomCrop: {height: 2, width: 2}}]", "cannot-augment", "2 x 2 pixels", "pad_and_crop"),
        ("augment: [{RandomFlip: {seed: 3}}]", "unused-key", "does not use `seed`", "take `seed` out"),
        ("augment: [{RandomFlip: {data_format: channels_first}}]", "unused-key", "channels_last", "`data_format`"),
        ("augment: [{word_drop: {rate: 0.1}}]", "unknown-augmentation", "`word_drop`", "`word_dropout`"),
        ("augment: [{pad_and_crop: {padding: 0}}]", "out-of-range", "padding", ""),
        ("class_weight: {ten: 2}", "unknown-class", "`digit` has no class `ten`", "it has"),
        ("class_weight: {'10': 2}", "unknown-class", "`digit` has no class `10`", "did you mean"),
        ("class_weight: {'3': -1}", "out-of-range", "the weight of `3` is -1", ""),
        ("shuffle: balance", "unknown-value", "`data.shuffle` cannot be `balance`", "balanced"),
    ],
)
def test_what_does_not_fit_is_told_with_the_cure(read: Read, text: str, code: str, found: str, cure: str) -> None:
    told = message(read, data(text))
    assert told[0] == code and found in told[1] and cure in told[2], told


def test_a_misspelt_label_is_told_the_nearest(read: Read) -> None:
    recipe = data("class_weight: {sneakers: 2, bag: 1}", "fashion_mnist")
    assert message(read, recipe) == ("unknown-class", "`garment` has no class `sneakers`", "did you mean `sneaker`?")


@pytest.mark.parametrize("text", ["class_weight: balanced", "shuffle: balanced"])
def test_what_is_about_classes_needs_one_target_of_classes(read: Read, text: str) -> None:
    code, found, cure = message(read, f"{data(text, 'diabetes')}\n{BINARY}")
    assert code == "no-classes" and "needs one target of classes; found `progression` (number)" in found
    assert cure == "take it out"


@pytest.mark.parametrize(
    ("dtype", "maximum", "arguments", "is_told"),
    [
        ("float32", None, {}, True),
        ("uint16", None, {}, True),
        ("float32", None, {"value_range": [0, 1]}, False),
        ("float32", 16, {}, False),
        ("uint8", None, {}, False),
    ],
)
def test_a_layer_of_pixels_must_know_their_range(
    dtype: str, maximum: int | None, arguments: dict[str, Any], is_told: bool
) -> None:
    facts = DataFacts({"image": Feature("image", (8, 8, 3), dtype, maximum=maximum)})
    findings = Findings()
    read_augmentations([Component("layer", "RandomBrightness", arguments)], facts, Components(), findings)
    assert [found.message for found in findings.errors] == (
        [f"`RandomBrightness` must know the range of `image`, whose values are {dtype}"] if is_told else []
    )


@pytest.mark.parametrize(("kinds", "cure"), [(["number"], "take it out"), (["classes", "number"], "choose one")])
def test_only_a_single_target_of_classes_is_mixed(kinds: list[TargetKind], cure: str) -> None:
    facts = DataFacts(
        {"image": Feature("image", (8, 8, 3), "uint8")}, {str(n): Target(kind) for n, kind in enumerate(kinds)}
    )
    findings = Findings()
    read_augmentations([Component("layer", "MixUp")], facts, Components(), findings)
    (found,) = findings.errors
    assert found.code == "cannot-mix" and "`MixUp` mixes the labels of a single target of classes" in found.message
    assert cure in found.cure


@pytest.mark.parametrize("mixing", sorted(MIXING))
def test_mixed_labels_are_shares_of_the_classes(read: Read, mixing: str) -> None:
    recipe = read(data(f"augment: [{mixing}]"))
    (found,) = recipe.supervisions.values()
    assert (found.loss.name, found.metrics[0].name, found.shares) == (
        "CategoricalCrossentropy",
        "CategoricalAccuracy",
        10,
    )
    assert found.loss.arguments == {"from_logits": True} and found.metrics[0].arguments == {"name": "accuracy"}
    (plain,) = read(data("augment: [RandomFlip]")).supervisions.values()
    assert (plain.loss.name, plain.shares) == ("SparseCategoricalCrossentropy", None)


def test_a_written_loss_must_take_shares(read: Read) -> None:
    mixed = data("augment: [MixUp]")
    code, found, cure = message(read, f"{mixed}\ntraining: {{epochs: 1, loss: SparseCategoricalCrossentropy}}")
    assert (code, cure) == ("loss-contradicts-output", "write CategoricalCrossentropy, or leave the loss out")
    assert found == "SparseCategoricalCrossentropy wants class numbers, and MixUp mixes those of `digit`"
    code, found, cure = message(read, f"{mixed}\ntraining: {{epochs: 1, metrics: [SparseCategoricalAccuracy]}}")
    assert (code, cure) == ("metric-contradicts-target", "use CategoricalAccuracy")
    smoothed = "training: {epochs: 1, loss: {CategoricalCrossentropy: {label_smoothing: 0.1}}, metrics: [F1Score]}"
    assert read(f"{mixed}\n{smoothed}").supervisions["digit"].loss.arguments["label_smoothing"] == 0.1
    unmixed = read(f"data: {{source: digits}}\n{smoothed}".replace(", metrics: [F1Score]", ""))
    assert unmixed.supervisions["digit"].shares == 10  # smoothing takes shares of the classes, which it is given
    code, _, _ = message(read, "training: {epochs: 1, loss: CategoricalCrossentropy}")
    assert code == "loss-contradicts-output"


def test_a_class_is_meant_by_its_label_before_its_number() -> None:
    target = Target("classes", classes=3, labels=("2", "one", "zero"))
    assert [class_number(key, target) for key in ("2", "one", "1", "3", "-1", "x")] == [0, 1, 1, None, None, None]
