"""What recipes may say already and dlkit does not do yet: valid, and refused when run."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dlkit.recipe.availability import refuse_unavailable
from dlkit.recipe.diagnostics import RecipeError
from dlkit.recipe.load import Recipe

Read = Callable[..., Recipe]


@pytest.mark.parametrize(
    ("text", "message", "token"),
    [
        (
            "model: {gan: {latent_size: 2, generator: {mlp: {units: [2]}}, discriminator: {mlp: {units: [1]}}}}",
            "the pattern `gan`",
            "model",
        ),
    ],
)
def test_what_is_not_available_is_told_at_its_place(read: Read, text: str, message: str, token: str) -> None:
    recipe = read(text)
    with pytest.raises(RecipeError) as raised:
        refuse_unavailable(recipe)
    (found,) = raised.value.diagnostics
    assert (found.code, found.message) == ("not-available", f"{message} is not available yet")
    line = found.span.source.line(found.span.line)
    assert line[found.span.column - 1 : found.span.end_column - 1] == token


@pytest.mark.parametrize(
    "text",
    [
        "",
        "data: {source: digits, folds: 3, cache: disk, preprocess: {image: [Rescaling: {scale: 2}]}}",
        "data: {source: digits, cache: memory, augment: [RandomFlip], class_weight: balanced, shuffle: balanced}",
        "deterministic: false\ntraining: {epochs: 1, precision: float32, jit_compile: true, strategy: none, steps_per_execution: 4}",
        "tune: {algorithm: {grid: {}}, space: {seed: {int: [1, 2]}}}\nexport: {format: onnx}",
        "evaluation: {metrics: [SparseTopKCategoricalAccuracy]}",
        "model: {sequential: [run:latest, Flatten, {Dense: {units: 10}}]}",
        "expect: {test_accuracy: {at_least: 0.1, over: recipe:digits/cnn}}",
    ],
)
def test_what_is_available_or_concerns_another_command_is_not_refused(read: Read, text: str) -> None:
    refuse_unavailable(read(text))
